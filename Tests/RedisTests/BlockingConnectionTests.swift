import NIOCore
import NIOPosix
import Redis
import TestKit
import Testing

struct BlockingConnectionTests {
    let wait = RedisCommand("BLPOP", ["signals", "20"])

    @Test func `A read waits for what another connection writes`() async throws {
        try await withBlockingConnection { redis, reader in
            async let popped = reader.send(self.wait, blockingFor: .seconds(20))
            try await readerIsBlocked(redis)
            try await redis.command("RPUSH", "signals", "x")
            let value = try await popped
            #expect(value == .array([.string(Array("signals".utf8)), .string([0x78])]))
        }
    }

    @Test func `A read that ends with nothing is null`() async throws {
        try await withBlockingConnection { _, reader in
            let value = try await reader.send(
                RedisCommand("BLPOP", ["signals", "0.01"]), blockingFor: .milliseconds(10))
            #expect(value.isNull)
        }
    }

    @Test func `A second read at the same time is refused, and the next one after is not`() async throws {
        try await withBlockingConnection { redis, reader in
            async let first = reader.send(self.wait, blockingFor: .seconds(20))
            try await readerIsBlocked(redis)
            await #expect(throws: RedisError.notSent(.tooManyInFlight)) {
                try await reader.send(self.wait, blockingFor: .seconds(20))
            }
            try await redis.command("RPUSH", "signals", "a", "b")
            _ = try await first
            for _ in 0..<100 {
                let value = try await reader.send(RedisCommand("PING", []), blockingFor: .seconds(1))
                #expect(value.text == "PONG")
            }
        }
    }

    @Test(arguments: ["restart", "kill -9", "CLIENT KILL", "SCRIPT FLUSH"])
    func `A reader in a loop survives`(event: String) async throws {
        try await withBlockingConnection { redis, reader in
            let read = Task {
                // As a worker does: what went wrong is its caller's to log, the next read waits for the connection.
                while true {
                    do throws(RedisError) {
                        let value = try await reader.send(self.wait, blockingFor: .seconds(20))
                        if let text = value.array?.last?.text { return text }
                    } catch {
                        if case .notSent(.shutDown) = error { return "shut down" }
                    }
                }
            }
            try await readerIsBlocked(redis)
            switch event {
            case "restart": try await redis.restart()
            case "kill -9": try await redis.restart(killing: true)
            case "CLIENT KILL": try await redis.command("CLIENT", "KILL", "TYPE", "normal")
            default: try await redis.command("SCRIPT", "FLUSH")
            }
            try await readerIsBlocked(redis)
            try await redis.command("RPUSH", "signals", "x")
            let text = await read.value
            #expect(text == "x")
        }
    }

    @Test func `A cancelled read ends at once, and the next one works`() async throws {
        try await withBlockingConnection { redis, reader in
            let read = Task { await failure { try await reader.send(self.wait, blockingFor: .seconds(20)) } }
            try await readerIsBlocked(redis)
            read.cancel()
            let error = await read.value
            #expect(error == .outcomeUnknown(.cancelled))
            let alreadyCancelled = Task {
                while !Task.isCancelled { await Task.yield() }
                return await failure { try await reader.send(self.wait, blockingFor: .seconds(20)) }
            }
            alreadyCancelled.cancel()
            let second = await alreadyCancelled.value
            #expect(second == .notSent(.cancelled) || second == .outcomeUnknown(.cancelled))
            let value = try await reader.send(RedisCommand("PING", []), blockingFor: .seconds(20))
            #expect(value.text == "PONG")
        }
    }

    @Test func `A Redis that answers nothing costs the block time and a margin, not more`() async throws {
        try await withBlockingConnection { redis, reader in
            _ = try await reader.send(RedisCommand("PING", []), blockingFor: .seconds(1))
            redis.pause()
            await #expect(throws: RedisError.outcomeUnknown(.deadline)) {
                try await reader.send(self.wait, blockingFor: .milliseconds(10))
            }
        }
    }

    @Test func `A shutdown ends the read that waits`() async throws {
        try await withBlockingConnection { redis, reader in
            let read = Task { await failure { try await reader.send(self.wait, blockingFor: .seconds(20)) } }
            try await readerIsBlocked(redis)
            await reader.shutDown()
            let error = await read.value
            #expect(error == .outcomeUnknown(.shutDown))
            await #expect(throws: RedisError.notSent(.shutDown)) {
                try await reader.send(self.wait, blockingFor: .seconds(20))
            }
        }
    }
}

private func withBlockingConnection(
    _ body: (RedisServer, RedisBlockingConnection) async throws -> Void
) async throws {
    try await withRedis { redis in
        let reader = RedisBlockingConnection(
            url: RedisURL(redis.endpoint), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quietLogger())
        do {
            try await body(redis, reader)
        } catch {
            await reader.shutDown()
            throw error
        }
        await reader.shutDown()
    }
}

/// Waits until a client is blocked in Redis.
private func readerIsBlocked(_ redis: RedisServer) async throws {
    let blocked = try await eventually { () -> Bool? in
        do throws(RedisError) {
            return try await redis.command("INFO", "clients").text?.contains("blocked_clients:1") == true ? true : nil
        } catch {
            return nil
        }
    }
    #expect(blocked == true)
}
