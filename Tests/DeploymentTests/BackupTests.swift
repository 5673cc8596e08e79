import Foundation
import Redis
import TestKit
import Testing

extension OutageTests {
    /// What a copy of Redis is worth that was taken under load, by the steps of docs/operations.md.
    struct BackupTests {
        @Test(arguments: RedisCopy.Way.allCases)
        func `A copy has what was answered 201 before it, and nothing later gets an id of what was lost`(
            way: RedisCopy.Way
        ) async throws {
            try await withTemporaryFolder { folder in
                let copy = RedisCopy(way: way, folder: folder)
                try await withDeployment(appendOnly: true, settings: ["HERALD_NOTIFIER_LEASE": "5"]) { deployment in
                    try await WebhookReceiver.with(answers: ["/away": .status(503)]) { receiver in
                        let (api, notifier) = (try await deployment.startAPI(), try await deployment.startNotifier())
                        for path in ["/well", "/away"] {
                            try await Load.subscribe(receiver.url(path), to: "jobs", on: api.address)
                        }
                        let posts = try await RestoredPosts(to: "jobs", on: api.address) { saving in
                            try await saving { try await copy.take(of: deployment.redis) }
                            for process in [api.process, notifier.process] {
                                #expect(await process.stop() == .status(0))
                            }
                        }
                        await deployment.redis.kill()
                        try await copy.restore(to: deployment.redis)
                        receiver.answer("/away", with: .status(204))
                        let mended = receiver.count
                        let next = try await deployment.startAPI()
                        _ = try await deployment.startNotifier()
                        try await posts.check(
                            "copy of \(way)", on: next.address, receiver, seen: "/well", waiting: "/away",
                            after: mended,
                            deployment)
                    }
                }
            }
        }

        @Test func `One pool is restored alone, and the others do not notice`() async throws {
            try await withTemporaryFolder { folder in
                let copy = RedisCopy(way: .appendOnlyFiles, folder: folder)
                let settings = ["HERALD_NOTIFIER_LEASE": "5", "HERALD_API_ADMIN_MODE": "true"]
                try await withRedis(appendOnly: true) { pool in
                    try await withDeployment(appendOnly: true, settings: settings) { deployment in
                        try await WebhookReceiver.with(answers: ["/away": .status(503)]) { receiver in
                            let api = try await deployment.startAPI().address
                            _ = try await deployment.startNotifier()
                            // Made before there is a pool, it stays in the default store.
                            try await Load.subscribe(receiver.url("/other"), to: "others", on: api)
                            try await DeploymentTests.PooledDeploymentTests.addPool("one", pool, on: api)
                            try await DeploymentTests.PooledDeploymentTests.makeQueue("jobs", flavor: "one", on: api)
                            for path in ["/well", "/away"] {
                                try await Load.subscribe(receiver.url(path), to: "jobs", on: api)
                            }
                            let other = Load(Ledger(), on: api, to: "others")
                            async let posting: Void = other.run(callers: 2, pause: .milliseconds(5))
                            let posts = try await RestoredPosts(to: "jobs", on: api) { saving in
                                try await saving { try await copy.take(of: pool) }
                            }
                            await pool.kill()
                            try await other.more(200)
                            try await copy.restore(to: pool)
                            receiver.answer("/away", with: .status(204))
                            try await posts.check(
                                "copy of a pool", on: api, receiver, seen: "/well", waiting: "/away",
                                after: receiver.count, deployment)
                            other.stop()
                            await posting
                            let all = try await SurvivalTests.arrival(of: other.ledger, at: ["/other"], of: receiver)
                            #expect(all && other.ledger.audit(receiver.requests(at: "/other")).isClean)
                            #expect(other.ledger.refused.isEmpty && other.ledger.unknown.isEmpty)
                        }
                    }
                }
            }
        }
    }
}

/// A copy of what a Redis has in its files.
struct RedisCopy {
    enum Way: CaseIterable { case appendOnlyFiles, snapshot }

    private static let (appendOnly, snapshot) = ("appendonlydir", "dump.rdb")

    let way: Way
    let folder: URL

    /// Copies while the server goes on.
    func take(of redis: RedisServer) async throws {
        switch self.way {
        case .appendOnlyFiles:
            // A rewrite would remove files while they are copied.
            try await redis.command("CONFIG", "SET", "auto-aof-rewrite-percentage", "0")
            try await Self.wait(for: "aof_rewrite_in_progress:0", of: redis)
            try self.copy(Self.appendOnly, from: redis.folder, to: self.folder)
            try await redis.command("CONFIG", "SET", "auto-aof-rewrite-percentage", "100")
        case .snapshot:
            try await redis.command("BGSAVE")
            try await Self.wait(for: "rdb_bgsave_in_progress:0", of: redis)
            try self.copy(Self.snapshot, from: redis.folder, to: self.folder)
        }
    }

    /// Puts the copy in the place of all that a server had, which has ended, and starts it.
    func restore(to redis: RedisServer) async throws {
        try FileManager.default.removeItem(at: redis.folder.appendingPathComponent(Self.appendOnly))
        if case .snapshot = self.way {
            // With an append-only file Redis reads no snapshot: one without makes the file of it.
            try await withRedis(arguments: ["--dir", self.folder.path]) { reader in
                try await reader.command("CONFIG", "SET", "appendonly", "yes")
                try await Self.wait(for: "aof_rewrite_in_progress:0", of: reader)
                try await Self.wait(for: "aof_rewrite_scheduled:0", of: reader)
            }
        }
        try self.copy(Self.appendOnly, from: self.folder, to: redis.folder)
        try await redis.start()
    }

    private func copy(_ name: String, from source: URL, to target: URL) throws {
        try FileManager.default.copyItem(
            at: source.appendingPathComponent(name), to: target.appendingPathComponent(name))
    }

    private static func wait(for line: String, of redis: RedisServer) async throws {
        let isReached: Bool? = try await eventually {
            try await redis.command("INFO", "persistence").text?.contains(line) == true ? true : nil
        }
        #expect(isReached == true, "\(line)")
    }
}

/// What was posted to one queue before its Redis was set back to a copy, and what comes of it.
struct RestoredPosts {
    private let ledger = Ledger()
    private let queue: String
    /// Answered 201 before the copy was begun.
    private var saved: Set<Int> = []
    /// Answered 201 after it was made.
    private var lost: Set<Int> = []

    /// Posts until the body returns, and for 300 posts before and after the copy that it makes in `saving`.
    init(
        to queue: String, on address: String,
        _ body: (_ saving: (_ copy: () async throws -> Void) async throws -> Void) async throws -> Void
    ) async throws {
        self.queue = queue
        let load = Load(self.ledger, on: address, to: queue)
        async let posting: Void = load.run(callers: 8, pause: .milliseconds(5))
        var (saved, made): (Set<Int>, Set<Int>) = ([], [])
        try await body { copy in
            try await load.more(300)
            saved = Set(load.ledger.accepted.keys)
            try await copy()
            made = Set(load.ledger.accepted.keys).union(load.ledger.unknown)
            try await load.more(300)
            load.stop()
        }
        await posting
        self.saved = saved
        // A post under way at the end of the copy may have been in it.
        let first = (made.max() ?? 0) + 8
        self.lost = Set(self.ledger.accepted.keys.filter { $0 > first })
    }

    /// Posts more, and holds all of it against what arrived at two endpoints.
    ///
    /// - Parameters:
    ///   - seen: Accepted everything from the start.
    ///   - waiting: Has accepted nothing of the first `mended` requests, and everything after them.
    func check(
        _ what: String, on address: String, _ receiver: WebhookReceiver, seen: String, waiting: String,
        after mended: Int, _ deployment: Deployment
    ) async throws {
        let before = self.ledger.accepted
        let load = Load(self.ledger, on: address, to: self.queue)
        let posts = (before.keys.max() ?? 0) + 300
        let isWhole: Bool? = try await eventually(within: .seconds(60)) {
            await load.run(callers: 4, posts: posts)
            return self.ledger.accepted.count >= before.count + 200 ? true : nil
        }
        #expect(isWhole == true, "posts are not accepted: \(self.ledger.refused)")
        let later = Set(self.ledger.accepted.keys).subtracting(before.keys)
        let expected = self.saved.union(later)
        let all: Bool? = try await eventually(within: .seconds(120), every: .milliseconds(200)) {
            let requests = receiver.requests
            let accepted = Self.ids(requests[mended...].filter { $0.path == waiting })
            let known = Self.ids(requests.filter { $0.path == seen })
            return expected.isSubset(of: accepted.keys) && expected.isSubset(of: known.keys) ? true : nil
        }
        #expect(all == true, "not everything of the copy arrived; \(deployment.logs)")

        let requests = receiver.requests
        var numbers: [String: Set<Int>] = [:]
        for path in [seen, waiting] {
            let ids = Self.ids(requests.filter { $0.path == path })
            #expect(ids.values.allSatisfy { $0.count == 1 }, "a repeat has the id that it had")
            for (number, ids) in ids { for id in ids { numbers["\(path) \(id)", default: []].insert(number) } }
        }
        #expect(numbers.values.allSatisfy { $0.count == 1 }, "no two messages have one id")
        let arrived = Self.ids(requests[mended...].filter { $0.path == waiting })
        #expect(!self.lost.isEmpty && self.lost.isDisjoint(with: arrived.keys))
        let repeats = Self.ids(requests[mended...].filter { $0.path == seen }).keys.filter { before[$0] != nil }
        report(
            what,
            "\(self.saved.count) answered 201 before it, of these lost"
                + " \(self.saved.filter { arrived[$0] == nil }.count); lost of those after it \(self.lost.count);"
                + " deliveries made again \(repeats.count); \(later.count) posted since")
    }

    /// The ids under which each message came.
    private static func ids(_ requests: some Sequence<ReceivedRequest>) -> [Int: Set<String>] {
        var ids: [Int: Set<String>] = [:]
        for request in requests {
            guard let number = Ledger.number(of: request) else { continue }
            ids[number, default: []].insert(request["webhook-id"] ?? "")
        }
        return ids
    }
}
