import NIOCore
import Redis
import TestKit
import Testing

struct ScriptTests {
    let append = RedisScript(
        name: "append", source: Array("redis.call('RPUSH', KEYS[1], ARGV[1]); return {KEYS[2], ARGV[1], #ARGV}".utf8))

    func call(_ argument: String) -> ScriptCall {
        var call = ScriptCall(self.append, keys: [RedisKey("{t}:list"), RedisKey("{t}:other")])
        call.append(argument)
        call.append(7)
        call.append(Int64(8))
        call.append([9])
        call.append([10][...])
        call.append(ByteBuffer(bytes: [0, 255]))
        return call
    }

    @Test func `A script Redis has never seen runs, once`() async throws {
        try await withRedisClient { _, client in
            let reply = try await client.run(self.call("a"))
            #expect(reply == .array([.string(Array("{t}:other".utf8)), .string(Array("a".utf8)), .integer(6)]))
            let length = try await client.send(RedisCommand("LLEN", ["{t}:list"])).int
            #expect(length == 1)
        }
    }

    @Test(arguments: [(["{a}:x", "{a}:y"], ["{a}:x", "{a}:y", "{a}:absent"]), (["x"], ["x"]), ([], [])])
    func `A call has a key behind its own that never exists, of their hash tag`(keys: [String], all: [String])
        async throws
    {
        let list = RedisScript(name: "list", source: Array("return KEYS".utf8))
        try await withRedisClient { _, client in
            let reply = try await client.run(ScriptCall(list, keys: keys.map { RedisKey($0) }))
            #expect(reply.array?.compactMap(\.text) == all)
        }
    }

    @Test func `After that it goes by its hash`() async throws {
        try await withRedisClient { redis, client in
            _ = try await client.run(self.call("a"))
            try await redis.command("CONFIG", "RESETSTAT")
            for _ in 0..<10 { _ = try await client.run(self.call("b")) }
            let statistics = try await redis.command("INFO", "commandstats").text ?? ""
            #expect(statistics.contains("cmdstat_evalsha:calls=10,"))
            #expect(!statistics.contains("cmdstat_eval:"))
            #expect(!statistics.contains("cmdstat_script"))
        }
    }

    @Test func `SCRIPT FLUSH under load is not noticed, and no call runs twice`() async throws {
        try await withRedisClient { redis, client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for caller in 0..<50 {
                    group.addTask {
                        for round in 0..<20 { _ = try await client.run(self.call("\(caller)/\(round)")) }
                    }
                }
                group.addTask {
                    for _ in 0..<50 { try await redis.command("SCRIPT", "FLUSH") }
                }
                try await group.waitForAll()
            }
            let entries = try await client.send(RedisCommand("LRANGE", ["{t}:list", "0", "-1"])).array ?? []
            #expect(entries.count == 1_000)
            #expect(Set(entries.compactMap(\.text)).count == 1_000)
        }
    }

    @Test func `A script that does not compile is refused, not retried without end`() async throws {
        try await withRedisClient { _, client in
            let broken = RedisScript(name: "broken", source: Array("this is not Lua".utf8))
            #expect(await kindOfRefusal { try await client.run(ScriptCall(broken, keys: [])) } == .other)
        }
    }
}
