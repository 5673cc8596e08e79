import Domain
import Placement
import Redis
import Store
import TestKit
import Testing

/// Moves between pools of one directory.
struct QueueMoverTests {
    private static func isThere(_ queue: QueueAddress, in directory: PoolDirectory) async throws -> Bool {
        try await directory.store(of: queue).queues.metadata(of: queue) != nil
    }

    @Test func `Between two URLs of one Redis only the directory of queues changes`() async throws {
        try await withRedis { redis in
            try await withDirectory(on: redis) { directory async throws in
                let queue = try address("p", "q")
                #expect(try await directory.make(queue) == nil)
                try await directory.put("a", "\(redis.url)?t=a")
                try await QueueMover(directory).move([queue], from: nil, to: PoolName("a"))
                #expect(try await directory.placement(of: queue)?.pool == PoolName("a"))
                #expect(try await Self.isThere(queue, in: directory))
            }
        }
    }

    @Test func `A queue that is deleted and made again elsewhere while it is to move stays where it is`() async throws {
        try await withRedis { redis in
            try await withRedis { other in
                try await withDirectory(on: redis) { directory async throws in
                    let (queue, notes) = (try address("p", "q"), directory.defaultStore.moveNotes)
                    #expect(try await directory.make(queue) == nil)
                    try await directory.put("a", other.url)
                    let (a, version) = (try PoolName("a"), directory.snapshot.version)
                    #expect(try await notes.begin([queue], from: nil, to: a, by: "m1", version) == .begun)
                    #expect(try await notes.begin([queue], from: nil, to: a, by: "m2", version) == .busy(queue.name))
                    #expect(try await notes.hold(queue, by: "m2") == nil)
                    try await directory.delete(queue)
                    #expect(try await directory.make(queue) == a)
                    #expect(try await notes.commit([queue], from: nil, to: a, by: "m1", version) == .lost)
                    #expect(try await directory.placement(of: queue)?.pool == a)
                    #expect(try await directory.defaultStore.pools.queueCounts()[a] == 1)
                }
            }
        }
    }

    @Test func `A queue moves there and back at once, and where it was nothing keeps it from being made again`()
        async throws
    {
        try await withRedis { redis in
            try await withRedis { other in
                try await withDirectory(on: redis) { directory async throws in
                    let (queue, a) = (try address("p", "q"), try PoolName("a"))
                    #expect(try await directory.make(queue) == nil)
                    try await directory.put("a", other.url)
                    for _ in 0..<2 {
                        try await QueueMover(directory).move([queue], from: nil, to: a)
                        #expect(try await Self.isThere(queue, in: directory))
                        try await QueueMover(directory).move([queue], from: a, to: nil)
                        #expect(try await Self.isThere(queue, in: directory))
                    }
                    try await QueueMover(directory).move([queue], from: nil, to: a)
                    try await directory.delete(queue)
                    #expect(try await directory.placement(of: queue) == nil)
                    #expect(try await !Self.isThere(queue, in: directory), "it is gone, and not said to be moving")
                    try await directory.remove("a")
                    #expect(try await directory.make(queue) == nil)
                    #expect(try await Self.isThere(queue, in: directory))
                }
            }
        }
    }
}
