import Foundation
import NIOConcurrencyHelpers
import Redis
import TestKit
import Testing

extension DeploymentTests {
    /// Queues that move between pools by the command line, with whole processes that go on.
    struct QueueMoveTests {
        private static let settings = ["HERALD_API_ADMIN_MODE": "true", "HERALD_NOTIFIER_LEASE": "5"]
        /// How often the queue under load moves; more by `HERALD_MOVES`.
        private static let moves = ProcessInfo.processInfo.environment["HERALD_MOVES"].flatMap { Int($0) } ?? 6
        private static let pools = ["one", "two"]

        /// A deployment with two pools beside the Redis of its own.
        private static func withPools(
            _ body: (Deployment, Deployment.Running, WebhookReceiver) async throws -> Void
        ) async throws {
            try await withRedis(appendOnly: true) { first in
                try await withRedis(appendOnly: true) { second in
                    try await withDeployment(appendOnly: true, settings: Self.settings) { deployment in
                        try await WebhookReceiver.with { receiver in
                            let api = try await deployment.startAPI()
                            _ = try await deployment.startNotifier()
                            for (name, server) in zip(Self.pools, [first, second]) {
                                try await PooledDeploymentTests.administer(
                                    api.address, "PUT", "/v2/pools/\(name)", #"{"uri":"\#(server.url)","weight":100}"#)
                            }
                            try await body(deployment, api, receiver)
                        }
                    }
                }
            }
        }

        private static func move(_ queue: String, to pool: String, _ deployment: Deployment) async throws {
            let moved = try await deployment.herald(["queue", "move", queue, pool, "--project", Load.project])
            #expect(moved.exit == .status(0), "\(moved.output)")
        }

        private static func subscribe(
            _ url: String, to queue: String, _ options: String, on api: Deployment.Running
        ) async throws {
            let caller = HTTPCaller(api.address)
            let reply = try await caller.send(
                "POST", "/v2/queues/\(queue)/subscriptions", headers: Load.headers,
                body: #"{"subscriber": "\#(url)", "ttl": 3600, "options": \#(options)}"#)
            await caller.close()
            #expect(reply.status == 201, "\(reply)")
        }

        @Test func `A queue moves again and again under load: nothing is lost, doubled, refused or out of order`()
            async throws
        {
            try await Self.withPools { deployment, api, receiver in
                let second = try await deployment.startAPI()
                try await Self.subscribe(receiver.url("/ordered"), to: "jobs", #"{"_ordered": true}"#, on: api)
                var begun = ContinuousClock.now
                let loads = try await LoadedQueue.with(["jobs": "/a"], on: api, receiver, before: 50) { loads in
                    // The other API believes for seconds that a queue is where it was.
                    let other = Load(loads[0].load.ledger, on: second.address, to: "jobs")
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { await other.run(callers: 2, pause: .milliseconds(5)) }
                        begun = .now
                        for number in 0..<Self.moves {
                            try await Self.move("jobs", to: ["one", "two", "default"][number % 3], deployment)
                        }
                        other.stop()
                        try await group.waitForAll()
                    }
                }
                try await loads[0].check(
                    "queue moved \(Self.moves) times", since: begun, "herald queue move", isUntouched: true, receiver,
                    deployment)
                let ledger = loads[0].load.ledger
                #expect(try await SurvivalTests.arrival(of: ledger, at: ["/ordered"], of: receiver))
                let audit = ledger.audit(receiver.requests(at: "/ordered"))
                #expect(audit.isClean && audit.repeats == 0)
                #expect(ledger.audit(receiver.requests(at: "/a")).repeats == 0)
                // One caller's message is accepted before it posts the next; positions of one queue say the order.
                let ids = receiver.requests(at: "/ordered").compactMap { $0["herald-message-id"] }
                #expect(ids.count == audit.promised && ids == ids.sorted(), "out of order")
            }
        }

        @Test func `What is in a queue is the same after its move, and its claims and deliveries go on`() async throws {
            try await Self.withPools { deployment, api, receiver in
                let caller = HTTPCaller(api.address)
                func send(_ method: String, _ path: String, _ body: String = "") async throws -> HTTPReply {
                    try await caller.send(method, "/v2/queues/\(path)", headers: Load.headers, body: body)
                }
                receiver.answer("/down", with: .status(503))
                receiver.answer("/gone", with: .status(410))
                #expect(
                    try await send(
                        "PUT", "jobs", #"{"_max_claim_count": 5, "_dead_letter_queue": "dead", "own": "value"}"#
                    ).status == 201)
                #expect(try await send("PUT", "dead", "{}").status == 201)
                let retry =
                    #"{"_retry_policy": {"retries_with_no_delay": 0, "minimum_delay_retries": 100, "minimum_delay": 3, "#
                    + #""maximum_delay": 13}}"#
                for path in ["/down", "/gone"] {
                    try await Self.subscribe(receiver.url(path), to: "jobs", retry, on: api)
                }
                let long = String(repeating: "x", count: 5000)
                for number in 0..<30 {
                    let delay = number % 10 == 9 ? #", "delay": 600"# : ""
                    let body = number == 7 ? long : "\(number)"
                    #expect(
                        try await send(
                            "POST", "jobs/messages", #"{"messages": [{"body": "\#(body)", "ttl": 3600\#(delay)}]}"#
                        ).status == 201)
                }
                let claim = try await send("POST", "jobs/claims?limit=3", #"{"ttl": 600, "grace": 60}"#)
                #expect(claim.status == 201)
                let location = try #require(claim["Location"]).split(separator: "/v2/queues/").last.map(String.init)
                let pages = [
                    "jobs", "jobs/stats", "jobs/messages?echo=true&include_claimed=true&limit=20", "jobs/subscriptions",
                    location ?? "", "jobs/dead_letters?limit=20",
                ]
                func look() async throws -> [String] {
                    var texts: [String] = []
                    for page in pages {
                        let reply = try await send("GET", page)
                        #expect(reply.status == 200, "\(page): \(reply)")
                        texts.append(reply.text.replacing(#/"age" ?: ?[0-9]+/#, with: "age"))
                    }
                    return texts
                }
                // Until every delivery has had its first attempt.
                let before = try #require(
                    try await eventually {
                        let first = try await look()
                        try await Task.sleep(for: .milliseconds(300))
                        return try await look() == first && first.last?.contains("reason") == true ? first : nil
                    })
                try await Self.move("jobs", to: "two", deployment)
                for (now, then) in zip(try await look(), before) { #expect(now == then) }
                // Its dead-letter queue went along: they live on one pool.
                let refused = try await caller.send(
                    "DELETE", "/v2/pools/two", headers: Load.headers + [("X-Roles", "admin")], body: "")
                #expect(refused.status == 403 && refused.text.contains("2 queues"), "\(refused)")
                #expect(try await send("PATCH", location ?? "", #"{"ttl": 300, "grace": 60}"#).status == 204)
                #expect(try await send("DELETE", location ?? "").status == 204)
                receiver.answer("/down", with: .status(200))
                let tried = receiver.requests(at: "/down").count
                let arrived: Bool? = try await eventually {
                    receiver.requests(at: "/down").count >= tried + 30 ? true : nil
                }
                #expect(arrived == true, "what waited is delivered")
                #expect(try await send("DELETE", "jobs").status == 204)
                let left = try await caller.send("GET", "/v2/queues", headers: Load.headers, body: "").text
                #expect(left.contains("\"dead\"") && !left.contains("\"jobs\""), "\(left)")
                await caller.close()
            }
        }

        @Test func `What waits for messages of a queue goes on waiting where it moves to`() async throws {
            try await Self.withPools { deployment, api, _ in
                try await PooledDeploymentTests.administer(api.address, "PUT", "/v2/queues/jobs", "{}")
                let claimed = NIOLockedValueBox<HTTPReply?>(nil)
                let claiming = Task {
                    let caller = HTTPCaller(api.address)
                    let reply = try await caller.send(
                        "POST", "/v2/queues/jobs/claims?wait=20", headers: Load.headers, body: "{}")
                    await caller.close()
                    claimed.withLockedValue { $0 = reply }
                }
                // The message may be posted before it waits: then it is there, and the test says less.
                try await Task.sleep(for: .milliseconds(500))
                try await Self.move("jobs", to: "one", deployment)
                try await Self.move("jobs", to: "two", deployment)
                try await PooledDeploymentTests.administer(
                    api.address, "POST", "/v2/queues/jobs/messages", Ledger.body(of: 1))
                // Sooner than at the end of its own time, at which it looks in any case.
                let reply = try await eventually(within: .seconds(10)) { claimed.withLockedValue { $0 } }
                #expect(reply?.status == 201 && reply?.text.contains(#""n""#) == true, "\(String(describing: reply))")
                try await claiming.value
            }
        }

        @Test func `A mover that is killed leaves its queue open, where it was or where it goes`() async throws {
            try await Self.withPools { deployment, api, receiver in
                let names = (0..<8).map { "q\($0)" }
                let ledgers = names.map { _ in Ledger() }
                for name in names { try await Load.subscribe(receiver.url("/\(name)"), to: name, on: api.address) }
                for (name, ledger) in zip(names, ledgers) {
                    await Load(ledger, on: api.address, to: name).run(callers: 2, posts: 200)
                }
                let loads = zip(names, ledgers).map { Load($1, on: api.address, to: $0) }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for load in loads { group.addTask { await load.run(callers: 1, pause: .milliseconds(20)) } }
                    try await withTemporaryFolder { folder in
                        for (number, name) in names.enumerated() {
                            let mover = try deployment.begin(
                                ["queue", "move", name, "two", "--project", Load.project],
                                log: folder.appendingPathComponent("mover.log"))
                            try await Task.sleep(for: .milliseconds(60 + 25 * number))
                            mover.signal(SIGKILL)
                            _ = await mover.waitForExit()
                        }
                    }
                    for load in loads { try await load.more(20) }
                    for load in loads { load.stop() }
                    try await group.waitForAll()
                }
                for (name, ledger) in zip(names, ledgers) {
                    let all = try await SurvivalTests.arrival(of: ledger, at: ["/\(name)"], of: receiver)
                    let audit = ledger.audit(receiver.requests(at: "/\(name)"))
                    #expect(all && audit.isClean && audit.repeats == 0, "\(name): \(audit)")
                    #expect(ledger.refused.keys.allSatisfy { $0 == 503 } && ledger.unknown.isEmpty)
                }
                let again = try await deployment.herald(["pool", "drain", "two", "--to", "one", "--yes"])
                #expect(again.exit == .status(0), "\(again.output)")
            }
        }

        @Test func `A pool is drained while it is used, and can be removed then`() async throws {
            try await Self.withPools { deployment, api, receiver in
                let names = (0..<12).map { "q\($0)" }
                let ledgers = names.map { _ in Ledger() }
                for name in names { try await Load.subscribe(receiver.url("/\(name)"), to: name, on: api.address) }
                let loads = zip(names, ledgers).map { Load($1, on: api.address, to: $0) }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for load in loads { group.addTask { await load.run(callers: 1, pause: .milliseconds(20)) } }
                    try await PooledDeploymentTests.administer(
                        api.address, "PATCH", "/v2/pools/one", #"{"weight": 0}"#)
                    let drained = try await deployment.herald(["pool", "drain", "one", "--yes"])
                    #expect(drained.exit == .status(0) && drained.output.contains("Left: 0"), "\(drained.output)")
                    try await PooledDeploymentTests.administer(api.address, "DELETE", "/v2/pools/one", "")
                    for load in loads { try await load.more(10) }
                    for load in loads { load.stop() }
                    try await group.waitForAll()
                }
                for (name, ledger) in zip(names, ledgers) {
                    let all = try await SurvivalTests.arrival(of: ledger, at: ["/\(name)"], of: receiver)
                    let audit = ledger.audit(receiver.requests(at: "/\(name)"))
                    #expect(
                        all && audit.isClean && ledger.refused.isEmpty, "\(name): \(audit.missing) \(ledger.refused)")
                }
            }
        }

        @Test func `What cannot be moved says why, and stays`() async throws {
            try await Self.withPools { deployment, api, _ in
                let none = try await deployment.herald(["queue", "move", "none", "one"])
                #expect(none.exit == .status(66) && none.output.contains("no queue 'none'"), "\(none.output)")
                try await PooledDeploymentTests.administer(api.address, "PUT", "/v2/queues/jobs", "{}")
                let far = try await deployment.herald(["queue", "move", "jobs", "far", "--project", Load.project])
                #expect(far.exit == .status(66) && far.output.contains("no pool far"), "\(far.output)")
                let drain = try await deployment.herald(["pool", "drain", "one"])
                #expect(drain.exit == .status(64) && drain.output.contains("--yes"), "\(drain.output)")
            }
        }
    }
}
