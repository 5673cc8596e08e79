import Foundation
import TestKit
import Testing

extension DeploymentTests {
    /// Mail through Debian's Postfix.
    @Suite(.enabled(if: TestPostfix.isAvailable, "Postfix takes root and the packages of scripts/bootstrap --tests"))
    struct PostfixTests {
        private func send(_ settings: [String: String], _ relay: TestRelay, _ postfix: TestPostfix) async throws {
            let mail = ["HERALD_EMAIL_FROM": "Alerts <alerts@herald.test>", "HERALD_EMAIL_CONFIRMATION": "false"]
            let all = settings.merging(mail) { given, _ in given }
            try await withDeployment(settings: all) { deployment async throws in
                let caller = HTTPCaller(try await deployment.startAPI().address)
                _ = try await deployment.startNotifier()
                for name in ["a", "b", "c"] {
                    let made = try await caller.send(
                        "POST", "/v2/queues/jobs/subscriptions", headers: Load.headers,
                        body: #"{"subscriber": "mailto:\#(name)@reader.test"}"#)
                    #expect(made.status == 201)
                }
                let text = String(repeating: "caf\u{e9} .\\n.\\n..x\\n", count: 300)
                let posted = try await caller.send(
                    "POST", "/v2/queues/jobs/messages", headers: Load.headers,
                    body: #"{"messages": [{"body": "\#(text)"}, {"body": {"n": 2}}]}"#)
                #expect(posted.status == 201)
                let mails = try await relay.accepted(waitingFor: 6)
                #expect(
                    mails.map { $0.to[0] }.sorted()
                        == ["a", "a", "b", "b", "c", "c"].map { "\($0)@reader.test" },
                    "\(postfix.log)\(deployment.logs)")
                let long = try #require(
                    mails.first { $0.text.contains("quoted-printable") && $0.text.contains("caf=C3=A9") })
                #expect(long.text.matches(of: /caf=C3=A9/).count >= 600, "both parts are whole")
                #expect(
                    mails.allSatisfy {
                        $0.text.contains("Message-ID: <") && $0.text.contains("Auto-Submitted: auto-generated")
                    })
            }
        }

        @Test func `Postfix takes mails over STARTTLS with a login`() async throws {
            try await TestRelay.with { relay async throws in
                try await TestPostfix.with(to: relay.port) { postfix async throws in
                    let login = TestPostfix.login
                    let user = login.user.replacing("@", with: "%40")
                    try await self.send(
                        [
                            "HERALD_EMAIL_RELAY": "smtp://\(user):\(login.password)@localhost:\(postfix.port)",
                            "HERALD_EMAIL_TLS": "required", "HERALD_EMAIL_TLS_AUTHORITIES": postfix.certificate,
                        ], relay, postfix)
                    #expect(postfix.log.contains("sasl_username=\(login.user)"))
                }
            }
        }

        @Test func `Postfix takes mails from its sendmail`() async throws {
            try await TestRelay.with { relay async throws in
                try await TestPostfix.with(to: relay.port) { postfix async throws in
                    try await self.send(["HERALD_EMAIL_COMMAND": postfix.command], relay, postfix)
                }
            }
        }
    }
}
