import Foundation
import TestKit
import Testing

extension DeploymentTests {
    /// `herald bounce`, as a mail server runs it.
    struct BounceTests {
        private static let bounces = "bounces@bounces.herald.test"

        private static func settings(_ relay: TestRelay) -> [String: String] {
            [
                "HERALD_EMAIL_RELAY": relay.url, "HERALD_EMAIL_FROM": "Alerts <alerts@herald.test>",
                "HERALD_EMAIL_BOUNCE_ADDRESS": self.bounces, "HERALD_EMAIL_CONFIRMATION": "false",
            ]
        }

        /// The mail that one subscriber was sent.
        ///
        /// - Parameter returned: Whether it comes back from behind the relay; then the mail that says so.
        private static func mail(
            to address: String, on api: String, of relay: TestRelay, returned: Bool = false
        ) async throws -> TestRelay.Accepted {
            let caller = HTTPCaller(api)
            let made = try await caller.send(
                "POST", "/v2/queues/jobs/subscriptions", headers: Load.headers,
                body: #"{"subscriber": "mailto:\#(address)"}"#)
            #expect(made.status == 201, "\(made.text)")
            try await self.post(on: api)
            let mails = try await relay.accepted(waitingFor: 1)
            return try #require(mails.first { returned ? !$0.from.contains("@") : $0.to == [address] })
        }

        private static func post(on api: String) async throws {
            let reply = try await HTTPCaller(api).send(
                "POST", "/v2/queues/jobs/messages", headers: Load.headers, body: #"{"messages": [{"body": 1}]}"#)
            #expect(reply.status == 201)
        }

        /// Runs the command with a mail on standard input.
        private static func run(
            _ mail: String, _ arguments: [String] = [], of deployment: Deployment, settings: [String: String] = [:]
        ) async throws -> (ChildProcess.Exit, String) {
            try await withTemporaryFolder { folder in
                let file = folder.appendingPathComponent("mail")
                try Data(mail.utf8).write(to: file)
                let log = folder.appendingPathComponent("bounce.log")
                let herald = Deployment.executable("herald").path
                let environment = [
                    "HERALD_REDIS_URL": deployment.redis.url, "HERALD_MASTER_KEY": deployment.masterKey,
                    "HERALD_EMAIL_BOUNCE_ADDRESS": self.bounces,
                ]
                let process = try ChildProcess(
                    URL(fileURLWithPath: "/bin/sh"),
                    arguments: ["-c", #"exec "$0" bounce "$@" < "$MAIL""#, herald] + arguments,
                    environment: environment.merging(settings) { $1 }.merging(["MAIL": file.path]) { $1 }, log: log)
                let exit = await process.waitForExit(within: .seconds(60))
                return (exit, String(decoding: try Data(contentsOf: log), as: UTF8.self))
            }
        }

        private static func report(
            of mail: TestRelay.Accepted, to address: String, status: String = "5.1.1",
            recipient: String = "jo@reader.test"
        ) -> String {
            """
            From: Mail Delivery System <MAILER-DAEMON@relay.test>
            To: \(address)
            Auto-Submitted: auto-replied
            Content-Type: multipart/report; report-type=delivery-status; boundary="b"

            --b
            Content-Type: message/delivery-status

            Reporting-MTA: dns; relay.test

            Final-Recipient: rfc822; \(recipient)
            Action: failed
            Status: \(status)
            Diagnostic-Code: smtp; 550 No such user

            --b
            Content-Type: message/rfc822

            \(mail.text)
            --b--
            """
        }

        private static func suppression(of address: String, on api: String) async throws -> String? {
            let reply = try await HTTPCaller(api).send("GET", "/v2/suppressions/\(address)", headers: Load.headers)
            return reply.status == 200 ? reply.text : nil
        }

        @Test func `A genuine report suppresses its address, whichever way its mark comes; others do nothing`()
            async throws
        {
            try await TestRelay.with { relay async throws in
                try await withDeployment(settings: Self.settings(relay)) { deployment async throws in
                    let api = try await deployment.startAPI().address
                    _ = try await deployment.startNotifier()
                    let mail = try await Self.mail(to: "Jo@reader.test", on: api, of: relay)
                    #expect(mail.from.hasPrefix("bounces+") && mail.from.hasSuffix("@bounces.herald.test"))
                    #expect(mail.from.utf8.count == Self.bounces.utf8.count + 44)
                    #expect(mail.text.contains("From: Alerts\r\n <alerts@herald.test>\r\n"))
                    let forged = mail.from.replacing("@", with: "0@").replacing(/\+./, with: "+")
                    for (text, line) in [
                        (
                            Self.report(of: mail, to: forged).replacing("Message-ID", with: "X-ID"),
                            "Ignored: it has no mark"
                        ),
                        // What an answer to a mail repeats is no proof.
                        (
                            Self.report(of: mail, to: "x@y.test").replacing("Return-Path", with: "X-Path"),
                            "Ignored: it has no mark"
                        ),
                        (Self.report(of: mail, to: mail.from).replacing("failed", with: "delayed"), "no failure"),
                        ("To: \(mail.from)\nAuto-Submitted: auto-replied\n\nI am away", "written by a program"),
                        ("To: \(mail.from)\n\nhello", "it is no report"),
                        (mail.text, "written by a program"),
                    ] {
                        let (exit, output) = try await Self.run(text, of: deployment)
                        #expect(exit == .status(0) && output.contains(line), "\(output)")
                    }
                    let (broken, reason) = try await Self.run(
                        "Content-Type: multipart/report; report-type=delivery-status\n\n", of: deployment)
                    #expect(broken == .status(65) && reason.contains("the report cannot be read"), "\(reason)")
                    #expect(try await Self.suppression(of: "jo@reader.test", on: api) == nil)

                    // Once: it may have been away for a day.
                    let later = Self.report(of: mail, to: mail.from, status: "4.4.7")
                    let (counted, days) = try await Self.run(later, of: deployment)
                    #expect(counted == .status(0) && days.contains("on 1 of 14 days"), "\(days)")
                    // A mailbox behind the address is gone, and others may be reached.
                    let member = Self.report(of: mail, to: mail.from, recipient: "member@else.test")
                    let (alias, again) = try await Self.run(member, of: deployment)
                    #expect(alias == .status(0) && again.contains("on 1 of 14 days"), "\(again)")
                    for (text, arguments) in [
                        (Self.report(of: mail, to: mail.from).replacing("Message-ID", with: "X-ID"), []),
                        (
                            Self.report(of: mail, to: "x@y.test").replacing("Message-ID", with: "X-ID"),
                            ["--recipient=\(mail.from)"]
                        ),
                    ] as [(String, [String])] {
                        let (exit, output) = try await Self.run(text, arguments, of: deployment)
                        #expect(exit == .status(0) && output == "Suppressed: permanent.\n", "\(output)")
                        let shown = try #require(try await Self.suppression(of: "jo@reader.test", on: api))
                        #expect(
                            shown.contains(#""reason":"permanent""#) && shown.contains("5.1.1 smtp; 550 No such user"))
                        _ = try await HTTPCaller(api).send(
                            "DELETE", "/v2/suppressions/jo@reader.test", headers: Load.headers)
                    }
                    // Nothing arrives after a suppression.
                    _ = try await Self.run(Self.report(of: mail, to: mail.from), of: deployment)
                    try await Self.post(on: api)
                    let dead = try await eventually {
                        let list = try await HTTPCaller(api).send(
                            "GET", "/v2/queues/jobs/dead_letters?reason=suppressed", headers: Load.headers)
                        return list.text.contains(#""reason":"suppressed""#) ? true : nil
                    }
                    #expect(try dead == true && relay.accepted().count == 1, "\(deployment.logs)")
                }
            }
        }

        @Test func `What keeps a report from being acted on is tried again by the mail server`() async throws {
            try await TestRelay.with { relay async throws in
                try await withDeployment(settings: Self.settings(relay)) { deployment async throws in
                    let api = try await deployment.startAPI().address
                    _ = try await deployment.startNotifier()
                    let mail = try await Self.mail(to: "jo@reader.test", on: api, of: relay)
                    let text = Self.report(of: mail, to: mail.from)
                    let port = try await freeLoopbackPort()
                    for settings in [
                        ["HERALD_REDIS_URL": "redis://127.0.0.1:\(port)"],
                        ["HERALD_MASTER_KEY": String(repeating: "ab", count: 32)],
                        ["HERALD_MASTER_KEY": ""], ["HERALD_EMAIL_BOUNCE_ADDRESS": "none"],
                    ] {
                        let (exit, output) = try await Self.run(text, of: deployment, settings: settings)
                        #expect(exit == .status(75) && output.hasPrefix("herald: "), "\(settings): \(output)")
                    }
                    #expect(try await Self.run(text, ["--wrong"], of: deployment).0 == .status(64))
                    #expect(try await Self.suppression(of: "jo@reader.test", on: api) == nil)
                }
            }
        }

        @Test(.enabled(if: TestPostfix.isAvailable, "Postfix takes root and the packages of scripts/bootstrap --tests"))
        func `What Postfix returns suppresses the address`() async throws {
            try await TestRelay.with { relay async throws in
                try relay.set([TestRelay.Rule("rcpt", "550 5.1.1 No such user", match: "unknown")])
                try await TestPostfix.with(to: relay.port) { postfix async throws in
                    let login = TestPostfix.login
                    var settings = Self.settings(relay)
                    let user = login.user.replacing("@", with: "%40")
                    settings["HERALD_EMAIL_RELAY"] = "smtp://\(user):\(login.password)@localhost:\(postfix.port)"
                    settings["HERALD_EMAIL_TLS_AUTHORITIES"] = postfix.certificate
                    settings["HERALD_EMAIL_TLS"] = "required"
                    try await withDeployment(settings: settings) { deployment async throws in
                        let api = try await deployment.startAPI().address
                        _ = try await deployment.startNotifier()
                        let returned = try await Self.mail(
                            to: "unknown@reader.test", on: api, of: relay, returned: true)
                        let to = try #require(returned.to.first)
                        #expect(to.hasPrefix("bounces+"), "\(postfix.log)")
                        let (exit, output) = try await Self.run(
                            returned.text, ["--recipient=\(to)"], of: deployment)
                        #expect(exit == .status(0) && output == "Suppressed: permanent.\n", "\(output)\(returned.text)")
                        let shown = try #require(try await Self.suppression(of: "unknown@reader.test", on: api))
                        #expect(shown.contains("5.1.1"), "\(shown)")
                    }
                }
            }
        }
    }
}
