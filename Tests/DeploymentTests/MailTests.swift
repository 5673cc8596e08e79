import Foundation
import Runtime
import TestKit
import Testing

extension DeploymentTests {
    /// Whole deployments that send mail through a relay.
    struct MailTests {
        private static let password = "canary-relay-4b7e"

        private func settings(_ relay: String) -> [String: String] {
            [
                "HERALD_EMAIL_RELAY": relay, "HERALD_EMAIL_FROM": "Alerts <alerts@herald.test>",
                "HERALD_NOTIFIER_LEASE": "5", "HERALD_EMAIL_CONNECT_TIMEOUT": "2",
                "HERALD_EMAIL_CONFIRMATION": "false",
            ]
        }

        private func subscribe(_ address: String, options: String = "{}", on api: String) async throws -> String {
            let caller = HTTPCaller(api)
            let made = try await caller.send(
                "POST", "/v2/queues/jobs/subscriptions", headers: Load.headers,
                body: #"{"subscriber": "\#(address)", "ttl": 3600, "options": \#(options)}"#)
            #expect(made.status == 201, "\(made.text)")
            return String(try #require(made.text.firstMatch(of: /"subscription_id":"([^"]*)"/)?.output.1))
        }

        private func post(_ body: String, on api: String) async throws {
            let reply = try await HTTPCaller(api).send(
                "POST", "/v2/queues/jobs/messages", headers: Load.headers, body: #"{"messages": [{"body": \#(body)}]}"#)
            #expect(reply.status == 201)
        }

        @Test func `A subscribed address gets what is posted, and no password is in a log`() async throws {
            try await TestRelay.with(certificate: .valid) { relay async throws in
                try relay.set(login: ["user", Self.password])
                var settings = self.settings("smtp://user:\(Self.password)@localhost:\(relay.port)")
                settings["HERALD_EMAIL_TLS"] = "required"
                settings["HERALD_EMAIL_TLS_AUTHORITIES"] = relay.certificate
                settings["HERALD_LOG_LEVEL"] = "trace"
                try await withDeployment(settings: settings) { deployment async throws in
                    let api = try await deployment.startAPI()
                    let notifier = try await deployment.startNotifier()
                    let id = try await self.subscribe("mailto:reader@b\u{fc}cher.test", on: api.address)
                    try await self.post(#"{"disk": "sda", "full": true}"#, on: api.address)
                    let mails = try await relay.accepted(waitingFor: 1)
                    #expect(mails.map(\.to) == [["reader@xn--bcher-kva.test"]] && mails.map(\.user) == ["user"])
                    #expect(
                        mails.first?.tls == true && mails.first?.text.contains("disk: sda") == true,
                        "\(deployment.logs)")
                    // A test is sent at once, and seen in the log of attempts.
                    let caller = HTTPCaller(api.address)
                    let path = "/v2/queues/jobs/subscriptions/\(id)"
                    #expect(
                        try await caller.send("POST", path + "/test", headers: Load.headers, body: "").status == 202)
                    #expect(try await relay.accepted(waitingFor: 2).count == 2)
                    let attempts = try await eventually {
                        let reply = try await caller.send("GET", path + "/attempts", headers: Load.headers)
                        return reply.text.matches(of: /"status":250/).count == 2 ? reply.text : nil
                    }
                    #expect(attempts != nil)
                    let metrics = try await HTTPCaller(try #require(notifier.ready.admin)).send("GET", "/metrics")
                    #expect(metrics.text.contains(#"channel="email""#))
                    #expect(!(deployment.logs + metrics.text).contains(Self.password))
                }
            }
        }

        @Test func `A reader confirms with the link of a mail, and leaves with one click of its mail program`()
            async throws
        {
            try await TestRelay.with { relay async throws in
                var settings = self.settings(relay.url)
                settings["HERALD_EMAIL_CONFIRMATION"] = nil
                settings["HERALD_API_PUBLIC_URL"] = "http://mail.example"
                settings["HERALD_EMAIL_PAGES_PREFIX"] = "/pages"
                settings["HERALD_LOG_LEVEL"] = "trace"
                try await withDeployment(settings: settings) { deployment async throws in
                    let api = try await deployment.startAPI()
                    let notifier = try await deployment.startNotifier()
                    _ = try await self.subscribe("mailto:reader@b.test", on: api.address)
                    try await self.post("1", on: api.address)
                    let question = try #require(try await relay.accepted(waitingFor: 1).first, "\(deployment.logs)")
                    // Quoted-printable breaks lines behind equals signs, and writes these as =3D.
                    let text = question.text.replacing("=\r\n", with: "").replacing("=3D", with: "=")
                    #expect(text.contains("Confirm your subscription to jobs") && !text.contains("List-Unsubscribe"))
                    let confirm = try #require(
                        text.firstMatch(of: /below: http:\/\/mail\.example(\/pages\/confirm\?token=\S+)/)?.1)
                    func press(_ path: some StringProtocol, _ body: String) async throws -> Int {
                        try await HTTPCaller(api.address).send(
                            "POST", String(path), headers: [("Content-Type", "application/x-www-form-urlencoded")],
                            body: body
                        ).status
                    }
                    #expect(try await press(confirm, "answer=confirm") == 200)
                    try await self.post("2", on: api.address)
                    let mail = try #require(try await relay.accepted(waitingFor: 2).last, "\(deployment.logs)")
                    #expect(mail.text.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"))
                    let leave = try #require(
                        mail.text.firstMatch(
                            of: /List-Unsubscribe: <http:\/\/mail\.example(\/pages\/unsubscribe\?token=[^>]+)>/)?.1)
                    #expect(try await HTTPCaller(api.address).send("GET", String(leave)).status == 200)
                    for _ in 0..<2 { #expect(try await press(leave, "List-Unsubscribe=One-Click") == 200) }
                    try await self.post("3", on: api.address)
                    try await Task.sleep(for: .seconds(2))
                    #expect(try relay.accepted().count == 2, "neither what was posted before nor after")
                    let metrics = try await HTTPCaller(try #require(notifier.ready.admin)).send("GET", "/metrics")
                    let token = leave.split(separator: "=", maxSplits: 1)[1]
                    #expect(!(deployment.logs + metrics.text).contains(token), "a token is a key")
                }
            }
        }

        @Test func `A relay that goes away and comes back gets all mails`() async throws {
            let port = try await freeLoopbackPort()
            try await withTemporaryFolder { folder async throws in
                try await withDeployment(settings: self.settings("smtp://127.0.0.1:\(port)")) {
                    deployment async throws in
                    let api = try await deployment.startAPI()
                    _ = try await deployment.startNotifier()
                    _ = try await self.subscribe("mailto:a@b.test", on: api.address)
                    try await TestRelay.with(port: port, in: folder) { relay async throws in
                        try await self.post("1", on: api.address)
                        #expect(try await relay.accepted(waitingFor: 1).count == 1)
                    }
                    for number in 2...20 { try await self.post("\(number)", on: api.address) }
                    let isAway = try await eventually {
                        deployment.logs.contains("The mail relay cannot be used, mails wait") ? true : nil
                    }
                    #expect(isAway == true)
                    try await TestRelay.with(port: port, in: folder) { relay async throws in
                        #expect(try await relay.accepted(waitingFor: 20).count == 20, "\(deployment.logs)")
                    }
                    #expect(deployment.logs.contains("The mail relay can be used again"))
                }
            }
        }

        @Test func `Notifiers killed while they send mails lose none, and repeat few`() async throws {
            try await TestRelay.with { relay async throws in
                try relay.set([TestRelay.Rule("dot", "late", seconds: 0.02)])
                try await withDeployment(settings: self.settings(relay.url)) { deployment async throws in
                    let api = try await deployment.startAPI()
                    var notifier = try await deployment.startNotifier()
                    _ = try await self.subscribe(
                        "mailto:a@b.test", options: #"{"_email": {"format": "json"}}"#, on: api.address)
                    let ledger = Ledger()
                    let load = Load(ledger, on: api.address, to: "jobs")
                    async let posting: Void = load.run(callers: 4, posts: 400, pause: .milliseconds(40))
                    for _ in 0..<4 {
                        // Killed while it sends: it has sent some more mails since it started.
                        let before = try relay.accepted().count
                        #expect(try await relay.accepted(waitingFor: before + 40).count >= before + 40)
                        notifier.process.signal(SIGKILL)
                        await notifier.process.waitForExit()
                        notifier = try await deployment.startNotifier()
                    }
                    await posting
                    let promised = ledger.accepted.count
                    func ids() throws -> [String] {
                        try relay.accepted().compactMap {
                            $0.text.firstMatch(of: /Message-ID: (<[^>]*>)/).map { String($0.output.1) }
                        }
                    }
                    let all = try await eventually(within: .seconds(60)) {
                        Set(try ids()).count >= promised ? true : nil
                    }
                    let mails = try ids()
                    report(
                        "notifiers killed while they send mails",
                        "4 kills, \(promised) posts, lost \(promised - Set(mails).count), repeats \(mails.count - Set(mails).count)"
                    )
                    #expect(all == true, "not everything arrived; \(deployment.logs)")
                    // A kill repeats what the relay took and is not written down yet: a few mails of each session.
                    #expect(mails.count - Set(mails).count <= 4 * 4 * 5)
                }
            }
        }
    }
}
