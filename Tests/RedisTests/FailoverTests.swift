import NIOCore
import NIOPosix
import Redis
import TestKit
import Testing

/// A master becomes a replica while its connections stay open, as a failover behind one address does it.
struct FailoverTests {
    private let get = RedisCommand("GET", ["key"])

    /// An address that leads to one Redis, and to another for connections made after ``lead(to:)``.
    private func withMovedAddress(
        _ body: (_ old: RedisServer, _ new: RedisServer, _ address: Forwarder) async throws -> Void
    ) async throws {
        try await withRedis(tcp: true) { old in
            try await withRedis(tcp: true) { new in
                try await Forwarder.with(to: old) { address in try await body(old, new, address) }
            }
        }
    }

    @Test func `A demoted server is left by the probe, without a write, and the address is resolved anew`() async throws
    {
        try await self.withMovedAddress { old, new, address in
            try await withRedisPool(to: address.endpoint, connections: 3) { pool in
                try await old.command("SET", "key", "old")
                try await new.command("SET", "key", "new")
                #expect(try await pool.send(self.get).text == "old")
                address.lead(to: new)
                let port = try #require(new.tcpPort)
                try await old.command("REPLICAOF", "127.0.0.1", "\(port)")
                // No write is tried: only the probe can tell.
                let text = try await eventually { () -> String? in
                    do throws(RedisError) {
                        let text = try await pool.send(self.get).text
                        return text == "new" ? text : nil
                    } catch {
                        return nil
                    }
                }
                #expect(text == "new")
                for _ in 0..<20 { #expect(try await pool.send(self.get).text == "new") }
            }
        }
    }

    @Test func `One answer READONLY drops every connection to the address`() async throws {
        try await self.withMovedAddress { old, new, address in
            // Of a pool that takes replicas no connection asks for the role: only the answer can tell.
            let pool = RedisPool(
                endpoint: address.endpoint, connections: 3, mustBeMaster: false,
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quietLogger())
            try await old.command("SET", "key", "old")
            try await new.command("SET", "key", "new")
            for _ in 0..<6 { #expect(try await pool.send(self.get).text == "old") }
            address.lead(to: new)
            try await old.command("REPLICAOF", "127.0.0.1", "\(try #require(new.tcpPort))")
            let refusal = await failure { try await pool.send(RedisCommand("SET", ["other", "x"])) }
            guard case .refused(let error) = refusal else {
                Issue.record("the replica took a write: \(String(describing: refusal))")
                return
            }
            #expect(error.message.hasPrefix("READONLY"))
            // Reads alone from here on: the two connections without such an answer would go on with the old one. What is
            // read tells them apart: the old one gets no write of the new one's once it is no replica any more.
            try await old.command("REPLICAOF", "NO", "ONE")
            try await new.command("SET", "key", "newer")
            let isLeft = try await eventually { () -> Bool? in
                for _ in 0..<12 {
                    do throws(RedisError) {
                        guard try await pool.send(self.get).text == "newer" else { return nil }
                    } catch {
                        return nil
                    }
                }
                return true
            }
            #expect(isLeft == true)
            await pool.shutDown()
        }
    }

    @Test func `A replica is never used, and named as the reason`() async throws {
        try await withRedis(tcp: true) { master in
            try await withRedis { replica in
                try await replica.command("REPLICAOF", "127.0.0.1", "\(try #require(master.tcpPort))")
                try await withRedisPool(to: replica.endpoint) { pool in
                    await #expect(throws: RedisError.notSent(.replica)) { try await pool.send(self.get) }
                    try await replica.command("REPLICAOF", "NO", "ONE")
                    #expect(try await eventually { await succeeds { try await pool.send(self.get) } } == true)
                }
            }
        }
    }

    @Test func `A blocking read ends when its server becomes a replica`() async throws {
        try await self.withMovedAddress { old, new, address in
            let connection = RedisBlockingConnection(
                endpoint: address.endpoint, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                logger: quietLogger())
            let read = RedisCommand("BZPOPMIN", ["signals", "10"])
            async let ended = failure { try await connection.send(read, blockingFor: .seconds(10)) }
            let waits = try await eventually {
                try await old.command("INFO", "clients").text?.contains("blocked_clients:1") == true ? true : nil
            }
            #expect(waits == true)
            address.lead(to: new)
            try await old.command("REPLICAOF", "127.0.0.1", "\(try #require(new.tcpPort))")
            guard case .refused(let refusal) = await ended else {
                Issue.record("the read went on")
                return
            }
            #expect(refusal.kind == .unblocked)
            try await new.command("ZADD", "signals", "0", "x")
            let taken = try await connection.send(read, blockingFor: .seconds(10))
            #expect(taken.array?.contains { $0.text == "x" } == true)
            await connection.shutDown()
        }
    }

    @Test func `A store that is gone ends its epoch: nothing made for it is sent`() async throws {
        try await withRedis { redis in
            try await withRedisPool(to: redis.endpoint) { pool in
                try await redis.command("SET", "identity", "one")
                let epoch = pool.adopt(RedisIdentity(key: "identity", value: Array("one".utf8)))
                #expect(pool.adopt(RedisIdentity(key: "identity", value: Array("one".utf8))) == epoch)
                _ = try await pool.send(self.get, epoch: epoch)
                try await redis.command("FLUSHALL")
                #expect(try await eventually { pool.holds(epoch) ? nil : true } == true)
                await #expect(throws: RedisError.notSent(.storeChanged)) { try await pool.send(self.get, epoch: epoch) }
                // What belongs to no store goes on, and another store has an epoch of its own.
                _ = try await pool.send(self.get)
                try await redis.command("SET", "identity", "two")
                let next = pool.adopt(RedisIdentity(key: "identity", value: Array("two".utf8)))
                _ = try await pool.send(self.get, epoch: next)
                await #expect(throws: RedisError.notSent(.storeChanged)) { try await pool.send(self.get, epoch: epoch) }
            }
        }
    }

    @Test func `What waits for a Redis that comes back empty is not sent to it`() async throws {
        try await withRedis { redis in
            try await withRedisPool(to: redis.endpoint) { pool in
                try await redis.command("SET", "identity", "one")
                let epoch = pool.adopt(RedisIdentity(key: "identity", value: Array("one".utf8)))
                _ = try await pool.send(self.get, epoch: epoch)
                await redis.kill()
                async let waiting = failure {
                    try await pool.send(RedisCommand("SET", ["key", "late"]), epoch: epoch)
                }
                try await redis.start()
                let error = await waiting
                #expect(
                    [.notSent(.storeChanged), .outcomeUnknown(.disconnected), .notSent(.disconnected)].contains(error))
                #expect(try await redis.command("EXISTS", "key").int == 0)
                #expect(try await eventually { pool.holds(epoch) ? nil : true } == true)
            }
        }
    }
}
