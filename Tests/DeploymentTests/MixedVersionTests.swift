import Foundation
import Signing
import Store
import TestKit
import Testing

extension DeploymentTests {
    /// Processes of this version and of the one before, in one deployment: what an upgrade is made of, and taking it back.
    @Suite(
        .enabled("scripts/test builds the version before, where the clone has its commit") { HeraldBuild.hasPrevious })
    struct MixedVersionTests {
        /// How often every process is replaced by one of the other version; `HERALD_UPGRADE_TURNS` says another number.
        private static let turns =
            ProcessInfo.processInfo.environment["HERALD_UPGRADE_TURNS"].flatMap { Int($0) } ?? 3

        private static let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        private static let settings = ["HERALD_NOTIFIER_LEASE": "5", "HERALD_API_ADMIN_MODE": "true"]

        private struct Pair {
            let build: HeraldBuild
            let api: Deployment.Running
            let notifier: Deployment.Running

            static func start(_ build: HeraldBuild, _ deployment: Deployment) async throws -> Pair {
                Pair(
                    build: build, api: try await deployment.startAPI(of: build),
                    notifier: try await deployment.startNotifier(of: build))
            }

            /// As a supervisor does.
            func stop() async {
                for process in [self.api.process, self.notifier.process] {
                    process.signal(SIGTERM)
                    #expect(await process.waitForExit() == .status(0))
                }
            }
        }

        @Test
        func `Every process is replaced by the other version and back under load, and nothing is lost or refused`()
            async throws
        {
            try await withDeployment(settings: Self.settings) { deployment in
                try await WebhookReceiver.with { receiver in
                    let ledger = Ledger()
                    // The first one writes its format, which the other one keeps to.
                    var running = try await Pair.start(.previous, deployment)
                    try await Load.subscribe(receiver.url("/a"), to: "jobs", on: running.api.address)
                    for turn in 1...Self.turns {
                        let next = try await Pair.start(running.build == .own ? .previous : .own, deployment)
                        let loads = [running, next].map {
                            Load(ledger, on: $0.api.address, to: "jobs", adding: [("traceparent", Self.trace)])
                        }
                        async let leaving: Void = loads[0].run(callers: 4, pause: .milliseconds(5))
                        async let coming: Void = loads[1].run(callers: 4, pause: .milliseconds(5))
                        try await loads[0].more(200)
                        // A balancer sends nothing to a process that is to stop.
                        loads[0].stop()
                        await leaving
                        await running.stop()
                        try await loads[1].more(200)
                        loads[1].stop()
                        await coming
                        running = next
                        #expect(ledger.refused.isEmpty && ledger.unknown.isEmpty, "turn \(turn): \(ledger.refused)")
                    }
                    let all = try await SurvivalTests.arrival(of: ledger, at: ["/a"], of: receiver)
                    let arrived = receiver.requests(at: "/a")
                    let audit = ledger.audit(arrived)
                    report(
                        "versions replaced \(Self.turns) times",
                        "\(audit.promised) answered 201, lost \(audit.missing.count), repeats \(audit.repeats);"
                            + " other answers \(ledger.refused)")
                    #expect(all, "not everything arrived; \(deployment.logs)")
                    #expect(audit.isClean && audit.repeats == 0)
                    #expect(!deployment.logs.contains("cannot be read"), "\(deployment.logs)")
                    // Format 1 has no traces: a process of the version before would take them for a part of the body.
                    #expect(arrived.allSatisfy { $0["traceparent"] == nil })
                }
            }
        }

        @Test func `Once the format is raised, what is new is stored, and the version before does not start`()
            async throws
        {
            try await withDeployment(settings: Self.settings) { deployment in
                try await WebhookReceiver.with { receiver in
                    let old = try await Pair.start(.previous, deployment)
                    let new = try await Pair.start(.own, deployment)
                    let refused = try await deployment.herald(["format", "raise", "--yes"])
                    #expect(
                        refused.exit == .status(1) && refused.output.contains("do not understand"), "\(refused.output)")
                    let caller = HTTPCaller(new.api.address)
                    let own = #"{"_durability": "memory"}"#
                    let early = try await caller.send("PUT", "/v2/queues/own", headers: Load.headers, body: own)
                    #expect(early.status == 400 && early.text.contains("herald format raise"), "\(early)")
                    let pool = try await caller.send(
                        "PUT", "/v2/pools/far", headers: Load.headers + [("X-Roles", "admin")],
                        body: #"{"uri": "redis+cluster://127.0.0.1:1", "weight": 1}"#)
                    #expect(pool.status == 400 && pool.text.contains("herald format raise"), "\(pool)")
                    await caller.close()
                    await old.stop()
                    let raised = try await deployment.herald(["format", "raise", "--yes"])
                    #expect(raised.exit == .status(0), "\(raised.output)")
                    await new.stop()

                    let again = try await Pair.start(.own, deployment)
                    let late = HTTPCaller(again.api.address)
                    #expect(
                        try await late.send("PUT", "/v2/queues/own", headers: Load.headers, body: own).status == 201)
                    try await Load.subscribe(receiver.url("/b"), to: "own", on: again.api.address)
                    let posted = try await late.send(
                        "POST", "/v2/queues/own/messages", headers: Load.headers + [("traceparent", Self.trace)],
                        body: Ledger.body(of: 1))
                    #expect(posted.status == 201, "\(posted)")
                    #expect(try await receiver.waitFor(count: 1)[0]["traceparent"] == Self.trace)
                    await late.close()
                    await #expect(throws: Deployment.DidNotStart.self) {
                        _ = try await deployment.startNotifier(of: .previous)
                    }
                    #expect(
                        deployment.logs.contains("has format \(StoreFormat.understood.upperBound)"),
                        "\(deployment.logs)")
                }
            }
        }

        // MARK: What one version wrote

        /// A caller of one API, which checks the status of each answer.
        private struct Caller {
            let http: HTTPCaller

            init(_ api: Deployment.Running) { self.http = HTTPCaller(api.address) }

            @discardableResult
            func send(
                _ method: String, _ path: String, _ body: String? = nil, _ status: Int,
                at location: SourceLocation = #_sourceLocation
            ) async throws -> Answer {
                let reply = try await self.http.send(
                    method, path, headers: Load.headers + [("traceparent", MixedVersionTests.trace)], body: body)
                #expect(reply.status == status, "\(method) \(path): \(reply)", sourceLocation: location)
                let document = try? JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any]
                return Answer(text: reply.text, location: reply["Location"] ?? "", object: document ?? [:])
            }
        }

        private struct Answer {
            let text: String
            let location: String
            let object: [String: Any]
            var hrefs: [String] { self.object["resources"] as? [String] ?? [] }
            func list(_ name: String) -> [[String: Any]] { self.object[name] as? [[String: Any]] ?? [] }
        }

        @Test(arguments: HeraldBuild.allCases)
        func `What one version wrote is read and changed by the other, and back`(writer: HeraldBuild) async throws {
            try await withDeployment(settings: Self.settings) { deployment in
                try await WebhookReceiver.with(answers: ["/ends": .status(410)]) { receiver in
                    let reader: HeraldBuild = writer == .own ? .previous : .own
                    // The first API writes its format, which the other one keeps to.
                    let previous = try await deployment.startAPI(of: .previous)
                    let own = try await deployment.startAPI(of: .own)
                    let writing = Caller(writer == .own ? own : previous)
                    let reading = Caller(writer == .own ? previous : own)
                    let notifier = try await deployment.startNotifier(of: writer)
                    try await Self.checkMessages(writing, reading)
                    let ended = try await Self.endDelivery(writing, reading, receiver)
                    try await Self.checkSubscriptions(writing, reading, receiver) {
                        // From here on the other version delivers what this one has left.
                        await notifier.process.stop()
                        #expect(notifier.process.exit == .status(0))
                        _ = try await deployment.startNotifier(of: reader)
                    }
                    try await Self.sendAgain(ended, reading, receiver)
                    await writing.http.close()
                    await reading.http.close()
                    #expect(previous.process.exit == nil && own.process.exit == nil, "\(deployment.logs)")
                }
            }
        }

        private static func checkMessages(_ writing: Caller, _ reading: Caller) async throws {
            let queue = "/v2/queues/shared"
            let metadata =
                #"{"_default_message_ttl": 600, "_dead_letter_queue": "ended", "_max_claim_count": 1, "colour": "red"}"#
            try await writing.send("PUT", queue, metadata, 201)
            let shown = try await reading.send("GET", queue, nil, 200).object
            #expect(shown["colour"] as? String == "red" && shown["_max_claim_count"] as? Int == 1, "\(shown)")
            let posted = try await writing.send(
                "POST", "\(queue)/messages", #"{"messages": [{"body": {"n": 1}}, {"body": "two", "ttl": 300}]}"#, 201)
            #expect(try await reading.send("GET", posted.hrefs[0], nil, 200).text.contains(#"{"n": 1}"#))
            let listed = try await reading.send("GET", "\(queue)/messages?echo=true", nil, 200).list("messages")
            #expect(listed.map { $0["ttl"] as? Int } == [600, 300], "\(listed)")

            let claim = try await writing.send("POST", "\(queue)/claims", #"{"ttl": 300, "grace": 60}"#, 201)
            try await reading.send("PATCH", claim.location, #"{"ttl": 600, "grace": 60}"#, 204)
            let held = try await reading.send("GET", claim.location, nil, 200)
            #expect(held.list("messages").count == 2 && held.object["ttl"] as? Int == 600, "\(held.text)")
            let claimed = try #require(held.list("messages")[0]["href"] as? String)
            try await reading.send("DELETE", claimed, nil, 204)
            try await writing.send("GET", posted.hrefs[0], nil, 404)
            try await writing.send("DELETE", claim.location, nil, 204)
            // Its second claim is one too many: it moves, and keeps its id.
            try await reading.send("POST", "\(queue)/claims", #"{"ttl": 300, "grace": 60}"#, 204)
            let moved = try await writing.send("GET", "/v2/queues/ended/messages?echo=true", nil, 200).list("messages")
            #expect(moved.map { $0["body"] as? String } == ["two"], "\(moved)")
            let id = try #require(posted.hrefs[1].split(separator: "/").last)
            try await reading.send("DELETE", "/v2/queues/ended/messages/\(id)", nil, 204)
            let counts = try await writing.send("GET", "/v2/queues/ended/stats", nil, 200)
            #expect(counts.text.contains(#""total":0"#), "\(counts.text)")
        }

        private static func checkSubscriptions(
            _ writing: Caller, _ reading: Caller, _ receiver: WebhookReceiver,
            replacingNotifier: () async throws -> Void
        ) async throws {
            let subscriptions = "/v2/queues/served/subscriptions"
            let made = try await writing.send(
                "POST", subscriptions,
                #"{"subscriber": "\#(receiver.url("/served"))", "ttl": 600, "options": {"_ordered": true}}"#, 201)
            let served = "\(subscriptions)/\(try #require(made.object["subscription_id"] as? String))"
            try await reading.send("PATCH", served, #"{"options": {"_ordered": true, "colour": "red"}}"#, 204)
            #expect(try await writing.send("GET", served, nil, 200).text.contains(#""colour": "red""#))
            let text = try #require(
                try await writing.send("GET", "\(served)/secret", nil, 200).object["secret"] as? String)
            #expect(try await reading.send("GET", "\(served)/secret", nil, 200).object["secret"] as? String == text)
            let secret = try #require(WebhookSecret(text: text))

            let body = #"{"messages": [\#((1...20).map { #"{"body": \#($0)}"# }.joined(separator: ", "))]}"#
            try await reading.send("POST", "/v2/queues/served/messages", body, 201)
            _ = try await receiver.waitFor(count: 21)

            // Paused by one, resumed by the other, posted to by both, delivered by the other.
            try await writing.send("POST", "\(served)/pause", "", 204)
            for caller in [writing, reading] { try await caller.send("POST", "/v2/queues/served/messages", body, 201) }
            let waits: Bool? = try await eventually {
                let health = try await reading.send("GET", "\(served)/health", nil, 200).object
                return health["state"] as? String == "paused" && health["backlog"] as? Int == 40 ? true : nil
            }
            #expect(waits == true && receiver.requests(at: "/served").count == 20)
            try await replacingNotifier()
            try await reading.send("POST", "\(served)/resume", "", 204)
            let arrived = try await receiver.waitFor(count: 61).filter { $0.uri == "/served" }
            #expect(arrived.count == 60)
            for request in arrived {
                let timestamp = try #require(request["webhook-timestamp"].flatMap { Int64($0) })
                let id = try #require(request["webhook-id"])
                #expect(
                    request["webhook-signature"] == secret.signature(id: id, timestamp: timestamp, body: request.body))
            }
            let attempts = try await writing.send("GET", "\(served)/attempts?limit=20", nil, 200)
            let statuses = attempts.list("attempts").map { $0["status"] as? Int }
            #expect(statuses == Array(repeating: 204, count: 20), "\(attempts.text)")
            try await reading.send("DELETE", served, nil, 204)
            try await writing.send("GET", served, nil, 404)
        }

        /// Has the notifier of one version give a delivery up.
        ///
        /// - Returns: The `webhook-id` it had.
        private static func endDelivery(
            _ writing: Caller, _ reading: Caller, _ receiver: WebhookReceiver
        ) async throws -> String? {
            try await writing.send(
                "POST", "/v2/queues/ending/subscriptions",
                #"{"subscriber": "\#(receiver.url("/ends"))", "ttl": 600}"#, 201)
            try await writing.send("POST", "/v2/queues/ending/messages", #"{"messages": [{"body": "again"}]}"#, 201)
            let dead: Bool? = try await eventually {
                try await reading.send("GET", "/v2/queues/ending/dead_letters", nil, 200).list("dead_letters").count
                    == 1
                    ? true : nil
            }
            #expect(dead == true)
            return receiver.requests(at: "/ends").first?["webhook-id"]
        }

        /// Has it sent again by the other.
        private static func sendAgain(_ id: String?, _ reading: Caller, _ receiver: WebhookReceiver) async throws {
            receiver.answer("/ends", with: .status(204))
            try await reading.send("POST", "/v2/queues/ending/dead_letters/redrive", "{}", 200)
            let again = try await receiver.waitFor(count: 62).filter { $0.uri == "/ends" }
            #expect(again.count == 2 && id != nil)
            #expect(again.allSatisfy { $0["webhook-id"] == id && $0.text.contains("again") })
        }
    }
}
