import NIOCore
import Redis
import TestKit
import Testing

struct PipelineTests {
    @Test func `Replies come back to the callers they belong to, thousands at once`() async throws {
        try await withRedisClient { _, client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for caller in 0..<2_000 {
                    group.addTask {
                        for round in 0..<3 {
                            let text = "\(caller)/\(round)"
                            let echo = try await client.send(RedisCommand("ECHO", [text])).text
                            #expect(echo == text)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `Commands of one caller run in the order it sent them`() async throws {
        try await withRedisClient { _, client in
            for number in 1...500 {
                let counted = try await client.send(RedisCommand("INCR", ["counter"])).int
                #expect(counted == number)
            }
        }
    }

    @Test(arguments: [0, 1, 16_383, 16_384, 65_536, 1 << 20, 20 << 20])
    func `Values of any size come back as they were sent`(bytes: Int) async throws {
        try await withRedisClient { _, client in
            let value = (0..<bytes).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            var set = RedisCommand("SET", arguments: 2)
            set.append("key")
            set.append(value)
            _ = try await client.send(set)
            let kept = try await client.send(RedisCommand("GET", ["key"])).bytes
            #expect(kept == value)
        }
    }

    @Test func `Every byte value survives in every kind of argument`() async throws {
        try await withRedisClient { _, client in
            let bytes = (0...255).map { UInt8($0) } + Array("\r\n$3\r\nfoo\r\n".utf8)
            var command = RedisCommand("RPUSH")
            command.append("list")
            command.append(bytes)
            command.append(bytes[10..<20])
            command.append(ByteBuffer(bytes: bytes))
            command.append("héllo\r\n")
            command.append(0)
            command.append(Int64.min)
            command.append(Int64.max)
            let length = try await client.send(command).int
            #expect(length == 7)
            let kept = try await client.send(RedisCommand("LRANGE", ["list", "0", "-1"])).array ?? []
            #expect(
                kept.map(\.bytes) == [
                    bytes, Array(bytes[10..<20]), bytes, Array("héllo\r\n".utf8), Array("0".utf8),
                    Array("-9223372036854775808".utf8), Array("9223372036854775807".utf8),
                ])
            #expect(kept.last?.int64 == .max)
        }
    }

    @Test func `Replies of every shape are distinguished`() async throws {
        try await withRedisClient { _, client in
            var eval = RedisCommand("EVAL", arguments: 2)
            eval.append("return {1, 'two', false, {3, {4}}, redis.error_reply('OOM of some kind'), {}}")
            eval.append(0)
            let reply = try await client.send(eval)
            let expected = RedisValue.array([
                .integer(1), .string(Array("two".utf8)), .null, .array([.integer(3), .array([.integer(4)])]),
                .error(RedisServerError(message: "OOM of some kind")), .array([]),
            ])
            #expect(reply == expected)
            let missing = try await client.send(RedisCommand("GET", ["missing"]))
            #expect(missing.isNull)
        }
    }

    @Test func `Beyond the bound a command is refused unsent, and the bound counts exactly`() async throws {
        try await withRedis { redis in
            try await withRedisClient(to: redis.endpoint, connections: 1, inFlightMax: 8) { client in
                _ = try await client.send(RedisCommand("PING", []))
                redis.pause()
                try await withThrowingTaskGroup(of: RedisError?.self) { group in
                    for _ in 0..<20 {
                        group.addTask {
                            do throws(RedisError) {
                                _ = try await client.send(RedisCommand("INCR", ["counter"]))
                                return nil
                            } catch {
                                return error
                            }
                        }
                    }
                    for _ in 0..<12 {
                        let refusal = try await group.next()
                        #expect(refusal == .notSent(.tooManyInFlight))
                    }
                    redis.resume()
                    for _ in 0..<8 {
                        let failure = try await group.next()
                        #expect(failure == .some(nil))
                    }
                }
                let counter = try await client.send(RedisCommand("GET", ["counter"])).int
                #expect(counter == 8)
            }
        }
    }

    @Test func `The bytes in flight are bounded too, but one large command alone is taken`() async throws {
        try await withRedis { redis in
            try await withRedisClient(to: redis.endpoint, connections: 1, deadline: .seconds(30)) { client in
                _ = try await client.send(RedisCommand("PING", []))
                redis.pause()
                var large = RedisCommand("SET", arguments: 2)
                large.append("key")
                large.append([UInt8](repeating: 0, count: RedisLimits.inFlightBytesMax))
                try await withThrowingTaskGroup(of: RedisError?.self) { group in
                    for _ in 0..<2 { group.addTask { [large] in await failure { try await client.send(large) } } }
                    let refusal = try await group.next()
                    #expect(refusal == .notSent(.tooManyInFlight))
                    redis.resume()
                    let other = try await group.next()
                    #expect(other == .some(nil))
                }
            }
        }
    }
}
