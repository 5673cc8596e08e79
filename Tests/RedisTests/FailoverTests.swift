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
            try await withRedisClient(to: address.endpoint, connections: 3) { client in
                try await old.command("SET", "key", "old")
                try await new.command("SET", "key", "new")
                #expect(try await client.send(self.get).text == "old")
                address.lead(to: new)
                let port = try #require(new.tcpPort)
                try await old.command("REPLICAOF", "127.0.0.1", "\(port)")
                // No write is tried: only the probe can tell.
                let text = try await eventually { () -> String? in
                    do throws(RedisError) {
                        let text = try await client.send(self.get).text
                        return text == "new" ? text : nil
                    } catch {
                        return nil
                    }
                }
                #expect(text == "new")
                for _ in 0..<20 { #expect(try await client.send(self.get).text == "new") }
            }
        }
    }

    @Test func `One answer READONLY drops every connection to the address`() async throws {
        try await self.withMovedAddress { old, new, address in
            // Of a client that takes replicas no connection asks for the role: only the answer can tell.
            let client = RedisClient(
                url: RedisURL(address.endpoint), connections: 3, mustBeMaster: false,
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quietLogger())
            try await old.command("SET", "key", "old")
            try await new.command("SET", "key", "new")
            for _ in 0..<6 { #expect(try await client.send(self.get).text == "old") }
            address.lead(to: new)
            try await old.command("REPLICAOF", "127.0.0.1", "\(try #require(new.tcpPort))")
            let refusal = await failure { try await client.send(RedisCommand("SET", ["other", "x"])) }
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
                        guard try await client.send(self.get).text == "newer" else { return nil }
                    } catch {
                        return nil
                    }
                }
                return true
            }
            #expect(isLeft == true)
            await client.shutDown()
        }
    }

    @Test func `A replica is never used, and named as the reason`() async throws {
        try await withRedis(tcp: true) { master in
            try await withRedis { replica in
                try await replica.command("REPLICAOF", "127.0.0.1", "\(try #require(master.tcpPort))")
                try await withRedisClient(to: replica.endpoint) { client in
                    await #expect(throws: RedisError.notSent(.replica)) { try await client.send(self.get) }
                    try await replica.command("REPLICAOF", "NO", "ONE")
                    #expect(try await eventually { await succeeds { try await client.send(self.get) } } == true)
                }
            }
        }
    }

    @Test func `A blocking read ends when its server becomes a replica`() async throws {
        try await self.withMovedAddress { old, new, address in
            let connection = RedisBlockingConnection(
                url: RedisURL(address.endpoint), eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
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
            try await withRedisClient(to: redis.endpoint) { client in
                try await redis.command("SET", "identity", "one")
                let epoch = client.adopt(RedisIdentity(key: RedisKey("identity"), value: Array("one".utf8)))
                #expect(client.adopt(RedisIdentity(key: RedisKey("identity"), value: Array("one".utf8))) == epoch)
                _ = try await client.send(self.get, epoch: epoch)
                try await redis.command("FLUSHALL")
                #expect(try await eventually { client.holds(epoch) ? nil : true } == true)
                await #expect(throws: RedisError.notSent(.storeChanged)) {
                    try await client.send(self.get, epoch: epoch)
                }
                // What belongs to no store goes on, and another store has an epoch of its own.
                _ = try await client.send(self.get)
                try await redis.command("SET", "identity", "two")
                let next = client.adopt(RedisIdentity(key: RedisKey("identity"), value: Array("two".utf8)))
                _ = try await client.send(self.get, epoch: next)
                await #expect(throws: RedisError.notSent(.storeChanged)) {
                    try await client.send(self.get, epoch: epoch)
                }
            }
        }
    }

    @Test func `What waits for a Redis that comes back empty is not sent to it`() async throws {
        try await withRedis { redis in
            try await withRedisClient(to: redis.endpoint) { client in
                try await redis.command("SET", "identity", "one")
                let epoch = client.adopt(RedisIdentity(key: RedisKey("identity"), value: Array("one".utf8)))
                _ = try await client.send(self.get, epoch: epoch)
                await redis.kill()
                async let waiting = failure {
                    try await client.send(RedisCommand("SET", ["key", "late"]), epoch: epoch)
                }
                try await redis.start()
                let error = await waiting
                #expect(
                    [.notSent(.storeChanged), .outcomeUnknown(.disconnected), .notSent(.disconnected)].contains(error))
                #expect(try await redis.command("EXISTS", "key").int == 0)
                #expect(try await eventually { client.holds(epoch) ? nil : true } == true)
            }
        }
    }
}
