import Domain
import NIOCore
import Redis
import Store
import TestKit
import Testing

struct MessageTests {
    @Test func `Names that look like parts of other names do not meet`() async throws {
        try await withTestStore(shards: 1) { test in
            let names = ["a", "a.b", "a.messages", "queues_set", "q", "log", "1"]
            let projects = ["pr.oj", "p", "p:q", "1:p", "}", "p:q:log", "ü: \u{0}x\n"]
            var written: [QueueAddress: String] = [:]
            for project in projects {
                for name in names {
                    let queue = try address(project, name)
                    written[queue] = "\(project) \(name)"
                    try await test.post(["\(project) \(name)"], to: queue)
                    try await test.subscribe("http://\(name)", to: queue)
                }
            }
            for (queue, body) in written {
                #expect(try await test.bodies(queue) == [body])
                #expect(
                    try await test.store.subscriptions.list(queue, after: nil, limit: 20).map(\.subscriber) == [
                        "http://\(queue.name)"
                    ])
            }
            for project in projects {
                let id = try ProjectID(project)
                let listed = try await test.listQueues(of: id, after: nil, limit: 20)
                #expect(
                    listed.map(\.name.text) == names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
                )
                #expect(try await test.store.directory.count(of: id) == names.count)
            }
            try await test.store.queues.delete(try address("pr.oj", "a"))
            #expect(try await test.bodies(try address("pr.oj", "a")).isEmpty)
            #expect(try await test.bodies(try address("pr.oj", "a.messages")) == ["pr.oj a.messages"])
        }
    }

    @Test(arguments: [4_100, 20_000])
    func `A post of very many small messages is whole`(count: Int) async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(to: queue)
            let ids = try await test.post((0..<count).map { "\($0)" }, to: queue)
            #expect(Set(ids).count == count)
            #expect(zip(ids, ids.dropFirst()).allSatisfy { $0.text < $1.text })
            #expect(try await test.bodies(queue, after: ids[count - 3]) == ["\(count - 2)", "\(count - 1)"])
            for key in try await test.keys() {
                if key.hasSuffix(":log") { #expect(try await test.redis.command("XLEN", key).int == count) }
                if key.hasSuffix(":expiries") { #expect(try await test.redis.command("ZCARD", key).int == count) }
                if key.contains("}:events:") {
                    #expect(try await test.redis.command("LLEN", key).int == count / 100)
                }
            }
            test.time.pass(seconds: 4000)
            try await test.sweepAll()
            #expect(try await test.shardKeys().allSatisfy { !$0.hasSuffix(":log") && !$0.hasSuffix(":expiries") })
        }
    }

    @Test func `A post of many messages is notified in its order`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let count = 1_001
            try await test.subscribe(to: queue)
            try await test.post((0..<count).map { "\($0)" }, to: queue)
            var delivered: [String] = []
            while true {
                let taken = try await test.take()
                #expect(Set(try await test.settle(taken.leases, .delivered)).isSubset(of: [true]))
                delivered += taken.leases.map { String(decoding: $0.body, as: UTF8.self) }
                let waiting = try await test.lease()
                _ = try await test.settle(waiting, .delivered)
                delivered += waiting.map { String(decoding: $0.body, as: UTF8.self) }
                if !taken.more && waiting.isEmpty { break }
            }
            #expect(delivered == (0..<count).map { "\($0)" }, "in the order of the post")
        }
    }

    @Test func `A message is there until the millisecond its ttl has passed`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            let id = try #require(try await test.post(["1"], to: queue, ttl: 60).first)
            try await test.post(["2"], to: queue, ttl: 61)
            test.time.pass(milliseconds: 59_999)
            #expect(try await test.bodies(queue) == ["1", "2"])
            #expect(try await test.store.messages.get(queue, id: id)?.age == 59)
            test.time.pass(milliseconds: 1)
            #expect(try await test.bodies(queue) == ["2"])
            #expect(try await test.store.messages.get(queue, id: id) == nil)
            #expect(try await test.bodies(queue, after: id) == ["2"], "a marker outlives its message")
            test.time.pass(milliseconds: 1000)
            #expect(try await test.bodies(queue).isEmpty)
        }
    }

    @Test func `A delayed message is hidden, and holds up no other message`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            try await test.post(["1"], to: queue)
            let id = try #require(try await test.post(["2"], to: queue, delay: 10).first)
            try await test.post(["3"], to: queue)
            #expect(try await test.bodies(queue) == ["1", "3"])
            #expect(try await test.store.messages.get(queue, id: id)?.delay == 10)
            test.time.pass(milliseconds: 9_999)
            #expect(try await test.bodies(queue) == ["1", "3"])
            test.time.pass(milliseconds: 1)
            #expect(try await test.bodies(queue) == ["1", "2", "3"])
        }
    }

    @Test func `Positions and ids are never used again, also after the queue was deleted`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            let old = try #require(try await test.post(["old"], to: queue).first)
            try await test.store.queues.delete(queue)
            #expect(try await test.store.queues.metadata(of: queue) == nil)
            let new = try #require(try await test.post(["new"], to: queue).first)
            #expect(old.position < new.position)
            #expect(try await test.store.messages.get(queue, id: old) == nil)
            #expect(try await test.bodies(queue, after: old) == ["new"])
        }
    }

    @Test func `An id belongs to one queue of one project`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            let id = try #require(try await test.post(["1"], to: queue).first)
            #expect(test.store.messages.isIssued(id, in: queue))
            for other in [try address("p", "q2"), try address("p2", "q")] {
                #expect(!test.store.messages.isIssued(id, in: other))
                #expect(try await test.store.messages.get(other, id: id) == nil)
            }
            let guess = MessageID(position: id.position, tag: Array(repeating: UInt8(ascii: "0"), count: 16))
            #expect(!test.store.messages.isIssued(guess, in: queue))
        }
    }

    @Test func `Several are read in the order asked for, without those that are gone`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            let short = try await test.post(["short"], to: queue, ttl: 60)
            let ids = try await test.post(["0", "1", "2"], to: queue)
            let foreign = try await test.post(["foreign"], to: try address("p", "q2"))
            test.time.pass(seconds: 60)
            let messages = try await test.store.messages.get(queue, ids: [ids[2], short[0], foreign[0], ids[0]])
            #expect(messages.map(\.id) == [ids[2], ids[0]])
            #expect(try await test.store.messages.get(queue, ids: []).isEmpty)
        }
    }

    @Test func `A message is there until its ttl is over, and not a millisecond longer`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            try await test.post(["short"], to: queue, ttl: 60)
            try await test.post(["long"], to: queue, ttl: 120)
            test.time.pass(milliseconds: 59_999)
            #expect(try await test.bodies(queue) == ["short", "long"])
            test.time.pass(milliseconds: 1)
            #expect(try await test.bodies(queue) == ["long"])
        }
    }

    @Test func `A page is full although most messages before it are the reader's own or have expired`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            let kept = try await test.post(["kept"], to: queue, ttl: 100_000, by: 1)
            try await test.post((0..<3000).map { "own \($0)" }, to: queue, by: 1)
            try await test.post((0..<2000).map { "short \($0)" }, to: queue, ttl: 60, by: 2)
            try await test.post(["a", "b"], to: queue, ttl: 100_000, by: 2)
            test.time.pass(seconds: 61)
            func page(hiding: Int?) async throws -> [String] {
                try await test.store.messages.list(
                    queue, after: kept.first, limit: 2, hiding: try hiding.map { try client($0) },
                    includeDelayed: false, includeClaimed: false
                ).map { String(decoding: $0.body, as: UTF8.self) }
            }
            #expect(try await page(hiding: 1) == ["a", "b"])
            test.time.pass(seconds: 3600)
            #expect(try await page(hiding: nil) == ["a", "b"])
        }
    }

    @Test func `A queue's own limit on posts is held before anything is written`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            _ = try await test.store.queues.create(
                queue, metadata: Array("{}".utf8), attributes: QueueAttributes(postBytesMax: 99))
            let before = try await test.keys()
            await #expect(throws: Refusal.self) { try await test.post(["1"], to: queue) }
            #expect(try await test.keys() == before)
        }
    }

    @Test func `Bodies of any bytes come back as they were`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            let bodies = [#""\u0000 ü 🜚""#, "1e400", "[ 1 ,\r\n{ } ]", String(repeating: "x", count: 262_144), "null"]
            try await test.post(bodies, to: queue)
            #expect(try await test.bodies(queue) == bodies)
        }
    }

    @Test func `A Redis that forgot the scripts is taught them again`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            for number in 0..<3 {
                try await test.redis.command("SCRIPT", "FLUSH")
                try await test.post(["\(number)"], to: queue)
            }
            #expect(try await test.bodies(queue) == ["0", "1", "2"])
        }
    }

    @Test func `Without a moved clock everything is as old as Redis says`() async throws {
        try await withTestStore(redisTime: true) { test in
            let queue = try address("p", "q")
            let id = try #require(try await test.post(["1"], to: queue, ttl: 60).first)
            let seconds = try #require(try await test.redis.command("TIME").array?.first?.int64)
            #expect(abs(id.position.createdAt.seconds - seconds) <= 60)
            #expect(try await test.bodies(queue) == ["1"])
        }
    }

    @Test func `Names are listed only for queues that are there`() async throws {
        try await withTestStore { test in
            let project = try ProjectID("p")
            for number in 0..<30 {
                _ = try await test.store.queues.create(
                    try address("p", "q\(100 + number)"), metadata: Array(#"{"n":\#(number)}"#.utf8),
                    attributes: .init())
            }
            // Names whose queue never came to be, as a crash in the middle of a creation leaves them.
            for number in 0..<40 {
                try await test.redis.command("ZADD", "herald:{control}:queues:p", "0", "q\(110 + number)x")
            }
            let first = try await test.listQueues(of: project, after: nil, limit: 20)
            #expect(first.map(\.name.text) == (0..<20).map { "q\(100 + $0)" })
            #expect(first.first.map { String(decoding: $0.metadata, as: UTF8.self) } == #"{"n":0}"#)
            let rest = try await test.listQueues(of: project, after: "q119", limit: 20)
            #expect(rest.map(\.name.text) == (20..<30).map { "q\(100 + $0)" })
            #expect(try await test.listQueues(of: project, after: "q129zzz", limit: 20).isEmpty)
        }
    }
}
