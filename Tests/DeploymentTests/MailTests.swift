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
                    // A question to another address, behind what was posted.
                    _ = try await self.subscribe("mailto:other@b.test", on: api.address)
                    let mails = try await relay.accepted(waitingFor: 3)
                    #expect(mails.count == 3, "neither what was posted before nor after")
                    #expect(mails.last?.to == ["other@b.test"])
                    let metrics = try await HTTPCaller(try #require(notifier.ready.admin)).send("GET", "/metrics")
                    let token = leave.split(separator: "=", maxSplits: 1)[1]
                    #expect(!(deployment.logs + metrics.text).contains(token), "a token is a key")
                }
            }
        }

        @Test func `No secret of mail is in a log, a metric or an answer, and in Redis only the link to confirm`()
            async throws
        {
            try await TestRelay.with(certificate: .valid) { relay async throws in
                try relay.set(login: ["user", Self.password])
                let linkKey = String(repeating: "c4a7e51b", count: 8)
                var settings = self.settings("smtp://user:\(Self.password)@localhost:\(relay.port)")
                settings.merge([
                    "HERALD_EMAIL_CONFIRMATION": "true", "HERALD_EMAIL_TLS": "required",
                    "HERALD_EMAIL_TLS_AUTHORITIES": relay.certificate, "HERALD_LOG_LEVEL": "trace",
                    "HERALD_EMAIL_LINK_KEYS": linkKey, "HERALD_API_PUBLIC_URL": "http://mail.example",
                    "HERALD_EMAIL_BOUNCE_ADDRESS": "bounces@herald.test",
                ]) { $1 }
                try await withDeployment(appendOnly: true, settings: settings) { deployment async throws in
                    let api = try await deployment.startAPI()
                    let notifier = try await deployment.startNotifier()
                    let caller = CanaryCaller(api.address, headers: [])
                    let made = try await caller.send(
                        "POST", "/v2/queues/jobs/subscriptions", #"{"subscriber": "mailto:reader@b.test"}"#,
                        expecting: 201)
                    let id = try #require(made.text.firstMatch(of: /"subscription_id":"([^"]*)"/)?.output.1)
                    let question = try #require(try await relay.accepted(waitingFor: 1).first, "\(deployment.logs)")
                    let text = question.text.replacing("=\r\n", with: "").replacing("=3D", with: "=")
                    let confirm = try #require(
                        text.firstMatch(of: /below: http:\/\/mail\.example(\/confirm\?token=(\S+))/))
                    let page = try await HTTPCaller(api.address).send(
                        "POST", String(confirm.1), headers: [("Content-Type", "application/x-www-form-urlencoded")],
                        body: "answer=confirm")
                    #expect(page.status == 200)
                    // What goes wrong shows nothing either.
                    for path in ["\(confirm.1)x", "/unsubscribe?token=\(confirm.2)", "/v2/pools?token=\(confirm.2)"] {
                        _ = try await HTTPCaller(api.address).send("GET", path)
                    }
                    let posted = try await caller.send(
                        "POST", "/v2/queues/jobs/messages", #"{"messages": [{"body": 1}]}"#, expecting: 201)
                    let message = try #require(posted.text.firstMatch(of: /"(\/v2\/[^"]*\/messages\/[^"]*)"/)?.output.1)
                    let mail = try #require(try await relay.accepted(waitingFor: 2).last, "\(deployment.logs)")
                    let leave = try #require(
                        mail.text.firstMatch(
                            of: /List-Unsubscribe: <http:\/\/mail\.example\/unsubscribe\?token=([^>]+)>/)?.1)
                    let subscription = "/v2/queues/jobs/subscriptions/\(id)"
                    try await caller.send("PUT", "/v2/suppressions/reader@b.test", expecting: 201)
                    try await caller.send(
                        "POST", "/v2/queues/jobs/messages", #"{"messages": [{"body": 2}]}"#, expecting: 201)
                    let dead = try await eventually {
                        try await caller.send("GET", "/v2/queues/jobs/dead_letters").text.contains("suppressed")
                            ? true : nil
                    }
                    #expect(dead == true)
                    for path in [
                        subscription, "\(subscription)/health", "\(subscription)/attempts", "\(subscription)/schedule",
                        "/v2/queues/jobs/subscriptions", "\(message)/deliveries", "/v2/suppressions",
                    ] { try await caller.send("GET", path, expecting: 200) }
                    var metrics = Corner("metrics")
                    for admin in [api.ready.admin, notifier.ready.admin] {
                        metrics.add(Data(try await HTTPCaller(try #require(admin)).send("GET", "/metrics").body))
                    }
                    await deployment.stop()
                    var (logs, stored) = (Corner("logs"), Corner("Redis"))
                    try logs.add(filesIn: deployment.redis.folder)
                    try stored.add(filesIn: deployment.redis.folder.appendingPathComponent("appendonlydir"))
                    #expect(logs.holds(Data("/v2/suppressions".utf8)) || logs.size > 10_000, "the logs are talkative")
                    for secret in [
                        Secret("key of links", linkKey), Secret("password of the relay", Self.password),
                        Secret("link to leave", String(leave)),
                        Secret("link to confirm", String(confirm.2), isInRedis: true),
                    ] {
                        for corner in [logs, metrics] {
                            #expect(!secret.isIn(corner), "\(secret.name) in the \(corner.name)")
                        }
                        #expect(secret.isIn(stored) == secret.isInRedis, "\(secret.name) in Redis")
                        for (reply, _) in caller.replies where secret.isIn(reply) {
                            Issue.record("\(secret.name) in the answer to \(reply.name)")
                        }
                    }
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

        @Test
        func `A notifier that is killed while it collects messages, or sends them, loses none: a mail has them all`()
            async throws
        {
            try await TestRelay.with { relay async throws in
                try await withDeployment(settings: self.settings(relay.url)) { deployment async throws in
                    let api = try await deployment.startAPI()
                    var notifier = try await deployment.startNotifier()
                    let id = try await self.subscribe(
                        "mailto:a@b.test",
                        options: #"{"_email": {"format": "json", "digest": {"seconds": 3600, "messages": 4}}}"#,
                        on: api.address)
                    for number in 1...3 { try await self.post("\(number)", on: api.address) }
                    let isCollected = try await eventually {
                        let health = try await HTTPCaller(api.address).send(
                            "GET", "/v2/queues/jobs/subscriptions/\(id)/health", headers: Load.headers)
                        return health.text.contains(#""backlog":3"#) ? true : nil
                    }
                    #expect(isCollected == true)
                    notifier.process.signal(SIGKILL)
                    await notifier.process.waitForExit()
                    notifier = try await deployment.startNotifier()
                    try await self.post("4", on: api.address)
                    func bodies(_ mail: TestRelay.Accepted) -> [String] {
                        mail.text.matches(of: /"body":(\d+)/).map { String($0.output.1) }
                    }
                    let first = try await relay.accepted(waitingFor: 1)
                    #expect(first.map(bodies) == [["1", "2", "3", "4"]], "\(deployment.logs)")
                    // Killed when the relay has the mail, and has not said so.
                    try relay.set([TestRelay.Rule("dot", "late", times: 1, seconds: 30)])
                    for number in 5...8 { try await self.post("\(number)", on: api.address) }
                    #expect(try await relay.accepted(waitingFor: 2).count == 2)
                    notifier.process.signal(SIGKILL)
                    await notifier.process.waitForExit()
                    notifier = try await deployment.startNotifier()
                    let all = try await relay.accepted(waitingFor: 3)
                    #expect(all.dropFirst().map(bodies) == [["5", "6", "7", "8"], ["5", "6", "7", "8"]])
                    let ids = all.compactMap { $0.text.firstMatch(of: /Message-ID: (<[^>]*>)/)?.output.1 }
                    #expect(ids.count == 3 && ids[1] == ids[2], "its reader can tell the repeat")
                    let isSettled = try await eventually {
                        let health = try await HTTPCaller(api.address).send(
                            "GET", "/v2/queues/jobs/subscriptions/\(id)/health", headers: Load.headers)
                        return health.text.contains(#""backlog":0"#) && health.text.contains(#""in_flight":0"#)
                            ? true : nil
                    }
                    #expect(try isSettled == true && relay.accepted().count == 3)
                }
            }
        }

        @Test func `Redis killed while mails are sent loses none`() async throws {
            try await TestRelay.with { relay async throws in
                try await withDeployment(appendOnly: true, settings: self.settings(relay.url)) {
                    deployment async throws in
                    let api = try await deployment.startAPI()
                    let notifier = try await deployment.startNotifier()
                    _ = try await self.subscribe(
                        "mailto:a@b.test", options: #"{"_email": {"format": "json"}}"#, on: api.address)
                    let ledger = Ledger()
                    let load = Load(ledger, on: api.address, to: "jobs")
                    async let posting: Void = load.run(callers: 4, pause: .milliseconds(20))
                    for _ in 1...3 {
                        let before = ledger.accepted.count
                        _ = try await eventually { ledger.accepted.count >= before + 100 ? true : nil }
                        try await deployment.redis.restart(killing: true)
                    }
                    load.stop()
                    await posting
                    let promised = ledger.accepted.count
                    func ids() throws -> [String] {
                        try relay.accepted().compactMap {
                            $0.text.firstMatch(of: /Message-ID: (<[^>]*>)/).map { String($0.output.1) }
                        }
                    }
                    let all = try await eventually(within: .seconds(90)) {
                        Set(try ids()).count >= promised ? true : nil
                    }
                    let mails = try ids()
                    report(
                        "Redis killed while mails are sent",
                        "3 kills, \(promised) posts, lost \(promised - Set(mails).count), repeats \(mails.count - Set(mails).count)"
                    )
                    #expect(all == true, "not everything arrived; \(deployment.logs)")
                    #expect(notifier.process.exit == nil)
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
