import NIOCore
import Redis
import TestKit
import Testing

/// Every kind of error reply, provoked for real.
struct ServerErrorTests {
    @Test func `A command against another type is WRONGTYPE, in and outside of scripts`() async throws {
        try await withRedisClient { _, client in
            _ = try await client.send(RedisCommand("SET", ["key", "text"]))
            #expect(await kindOfRefusal { try await client.send(RedisCommand("LPUSH", ["key", "x"])) } == .wrongtype)
            let script = RedisScript(name: "push", source: Array("return redis.call('LPUSH', KEYS[1], 'x')".utf8))
            #expect(
                await kindOfRefusal { try await client.run(ScriptCall(script, keys: [RedisKey("key")])) } == .wrongtype)
        }
    }

    @Test func `An unknown script that is not loaded again is NOSCRIPT`() async throws {
        try await withRedisClient { _, client in
            let command = RedisCommand("EVALSHA", [String(repeating: "0", count: 40), "0"])
            #expect(await kindOfRefusal { try await client.send(command) } == .noscript)
        }
    }

    @Test func `Writing beyond maxmemory is OOM, in and outside of scripts`() async throws {
        try await withRedisClient { redis, client in
            try await redis.command("CONFIG", "SET", "maxmemory", "1")
            #expect(await kindOfRefusal { try await client.send(RedisCommand("SET", ["key", "x"])) } == .oom)
            let script = RedisScript(name: "set", source: Array("return redis.call('SET', KEYS[1], 'x')".utf8))
            #expect(await kindOfRefusal { try await client.run(ScriptCall(script, keys: [RedisKey("key")])) } == .oom)
        }
    }

    @Test func `Writing to a replica is READONLY`() async throws {
        try await withRedis { redis in
            // Port 1 has no listener: a replica that has never seen its master still refuses writes.
            try await redis.command("REPLICAOF", "127.0.0.1", "1")
            #expect(await kindOfRefusal { try await redis.command("SET", "key", "x") } == .readonly)
        }
    }

    @Test func `Beside a script that runs too long every command is answered BUSY`() async throws {
        try await withRedis(arguments: ["--busy-reply-threshold", "20"]) { redis in
            try await withRedisClient(to: redis.endpoint, deadline: .seconds(30)) { client in
                _ = try await client.send(RedisCommand("PING", []))
                async let stuck = kindOfRefusal {
                    try await redis.command("EVAL", "while true do end", "0")
                }
                let kind = try await eventually {
                    await kindOfRefusal { try await client.send(RedisCommand("GET", ["key"])) }
                }
                #expect(kind == .busy)
                _ = try await client.send(RedisCommand("SCRIPT", ["KILL"]))
                #expect(await stuck == .other)
            }
        }
    }

    @Test func `While Redis reads its data, commands wait, and none is lost`() async throws {
        try await withRedis(appendOnly: true, arguments: ["--key-load-delay", "3000"]) { redis in
            // 500 keys, 3 ms each: Redis answers LOADING for a while after its next start.
            try await redis.command("CONFIG", "SET", "appendfsync", "everysec")
            try await redis.command("DEBUG", "POPULATE", "500")
            try await redis.command("BGREWRITEAOF")
            _ = try await eventually {
                try await redis.command("INFO", "persistence").text?.contains("aof_rewrite_in_progress:0") == true
                    ? true : nil
            }
            try await redis.command("SET", "key", "kept")
            await redis.stop()
            try await redis.startWithoutWaiting()
            try await withRedisClient(to: redis.endpoint) { client in
                let kept = try await eventually { () async throws -> String? in
                    do throws(RedisError) {
                        return try await client.send(RedisCommand("GET", ["key"])).text
                    } catch {
                        // A Redis that loads is one that is not there yet: no caller ever sees LOADING at connect time.
                        #expect(error == .notSent(.loading) || error == .notSent(.disconnected))
                        return nil
                    }
                }
                #expect(kept == "kept")
            }
            #expect(redis.log.contains("DB loaded"))
        }
    }
}

/// The kind of Redis' refusal; nil when it did not refuse.
func kindOfRefusal(
    _ body: @Sendable () async throws -> RedisValue
) async -> RedisServerError.Kind? {
    do {
        _ = try await body()
        return nil
    } catch RedisError.refused(let error) {
        return error.kind
    } catch {
        Issue.record(error)
        return nil
    }
}
