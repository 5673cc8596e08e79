import Foundation
import Redis
import Runtime
import TestKit
import Testing

extension DeploymentTests {
    /// What the machine does not give: space on the disk of Redis, memory for it, processor time for Herald.
    struct ScarcityTests {
        private static let settings = ["HERALD_NOTIFIER_LEASE": "5"]

        /// Runs callers against an API and a notifier, and holds what was promised against what has arrived.
        ///
        /// - Parameter body: Ends when posts are accepted again.
        private static func withLoad(
            _ name: String, on redis: RedisServer, callers: Int = 8, pause: Duration = .milliseconds(5),
            _ body:
                @Sendable (Load, Deployment, _ api: Deployment.Running, _ notifier: Deployment.Running)
                async throws -> Void
        ) async throws {
            try await withProcesses(of: Deployment(redis: redis, settings: Self.settings)) { deployment in
                try await WebhookReceiver.with { receiver in
                    let (api, notifier) = (try await deployment.startAPI(), try await deployment.startNotifier())
                    try await Load.subscribe(receiver.url("/a"), to: "jobs", on: api.address)
                    let load = Load(Ledger(), on: api.address, to: "jobs")
                    async let posting: Void = load.run(callers: callers, pause: pause)
                    try await load.more(100)
                    try await body(load, deployment, api, notifier)
                    load.stop()
                    await posting
                    let all = try await SurvivalTests.arrival(of: load.ledger, at: ["/a"], of: receiver)
                    let audit = load.ledger.audit(receiver.requests(at: "/a"))
                    report(
                        name,
                        "\(audit.promised) answered 201, lost \(audit.missing.count), repeats \(audit.repeats);"
                            + " other answers \(load.ledger.refused)")
                    #expect(all, "not everything arrived; \(deployment.logs)")
                    #expect(audit.isClean)
                    #expect(load.ledger.refused.keys.allSatisfy { $0 == 503 })
                    #expect(api.process.exit == nil && notifier.process.exit == nil, "\(deployment.logs)")
                }
            }
        }

        // MARK: Disk

        @Test(
            .enabled("a file system of one's own takes root") { await TestDisk.isAvailable() },
            arguments: FailoverOutcome.runs)
        func `With a full disk Redis refuses posts, and goes on with everything once there is space`(
            run: Int
        ) async throws {
            try await withTestDisk(bytes: 32 << 20) { disk in
                try await withRedis(
                    appendOnly: true, host: disk.host, arguments: ["--dir", disk.path, "--appendfsync", "everysec"]
                ) { redis in
                    try await Self.withLoad("disk of Redis full, everysec, run \(run)", on: redis) {
                        load, deployment, api, notifier async throws in
                        let caller = HTTPCaller(api.address)
                        try await disk.fill()
                        let post = #"{"messages": [{"body": "full"}]}"#
                        let refused: HTTPReply? = try await eventually {
                            let reply = try await caller.send(
                                "POST", "/v2/queues/other/messages", headers: Load.headers, body: post)
                            return reply.status == 503 ? reply : nil
                        }
                        #expect(refused?.text.contains("The storage is read-only") == true)
                        #expect(refused?["Retry-After"] == "1")
                        let listed = try await caller.send(
                            "GET", "/v2/queues/jobs/messages?echo=true", headers: Load.headers)
                        #expect(listed.status == 200, "\(listed)")
                        let claimed = try await caller.send("POST", "/v2/queues/jobs/claims", headers: Load.headers)
                        #expect(claimed.status == 503, "\(claimed)")
                        for process in [api, notifier] {
                            let admin = HTTPCaller(try #require(process.ready.admin))
                            #expect(try await admin.send("GET", "/livez").status == 200)
                            let isNotReady: Bool? = try await eventually {
                                let reply = try await admin.send("GET", "/readyz")
                                return reply.status == 503 && reply.text.contains("read_only") ? true : nil
                            }
                            #expect(isNotReady == true)
                            await admin.close()
                        }
                        try await disk.clear()
                        try await load.more(200)
                        await caller.close()
                    }
                }
            }
        }

        @Test(
            .enabled("a file system of one's own takes root") { await TestDisk.isAvailable() },
            arguments: FailoverOutcome.runs)
        func `A Redis that ends since its disk is full, and is started again, has what was acknowledged`(
            run: Int
        ) async throws {
            try await withTestDisk(bytes: 32 << 20) { disk in
                try await withRedis(appendOnly: true, host: disk.host, arguments: ["--dir", disk.path]) { redis in
                    try await Self.withLoad("disk of Redis full, always, run \(run)", on: redis) {
                        load, deployment, _, _ async throws in
                        try await disk.fill()
                        // With `appendfsync always` it ends before it acknowledges what it cannot write.
                        let hasEnded: Bool? = try await eventually { redis.isRunning ? nil : true }
                        #expect(hasEnded == true)
                        try await disk.clear()
                        try await redis.start()
                        try await load.more(200)
                    }
                }
            }
        }

        // MARK: Memory

        @Test(
            .enabled("control groups take root") { await ControlGroup.isAvailable(for: .memory(64 << 20)) },
            arguments: FailoverOutcome.runs)
        func `A Redis that is killed for its memory, and is started again, has what was acknowledged`(
            run: Int
        ) async throws {
            try await withControlGroup(.memory(48 << 20)) { group in
                try await withRedis(appendOnly: true, host: group.host) { redis in
                    try await Self.withLoad("Redis killed for its memory, run \(run)", on: redis) {
                        load, deployment, api, _ async throws in
                        let caller = HTTPCaller(api.address)
                        let large = #"{"messages": [{"body": "\#(String(repeating: "x", count: 200_000))"}]}"#
                        for _ in 0..<1000 where redis.isRunning {
                            _ = try await caller.send(
                                "POST", "/v2/queues/large/messages", headers: Load.headers, body: large)
                        }
                        await caller.close()
                        #expect(!redis.isRunning)
                        try group.set(.memory(1 << 30))
                        try await redis.start()
                        try await load.more(200)
                    }
                }
            }
        }

        // MARK: Processor

        @Test(
            .enabled("control groups take root") { await ControlGroup.isAvailable(for: .processor(0.2)) },
            arguments: FailoverOutcome.runs)
        func `Processes that have a fifth of a core stay alive, and lose nothing`(
            run: Int
        ) async throws {
            try await withControlGroup(.processor(0.2)) { group in
                try await withRedis { redis in
                    try await Self.withLoad(
                        "a fifth of a core, run \(run)", on: redis, callers: 4, pause: .milliseconds(20)
                    ) {
                        load, deployment, api, notifier async throws in
                        try group.add(api.process)
                        try group.add(notifier.process)
                        let before = load.ledger.accepted.count
                        let admins = try [api, notifier].map { HTTPCaller(try #require($0.ready.admin)) }
                        var looks = 0
                        let done: Bool? = try await eventually(within: .seconds(60)) {
                            for admin in admins {
                                let live = try await admin.send("GET", "/livez")
                                #expect(live.status == 200)
                            }
                            looks += 1
                            return load.ledger.accepted.count > before + 300 ? true : nil
                        }
                        #expect(done == true && looks > 1, "\(load.ledger.refused)")
                        for admin in admins { await admin.close() }
                    }
                }
            }
        }
    }
}
