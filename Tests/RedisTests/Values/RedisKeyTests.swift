import NIOCore
import Redis
import TestKit
import Testing

struct RedisKeyTests {
    @Test(arguments: [
        ("123456789", 0x31C3), ("foo", 12182), ("{user1000}.following", 3443), ("{user1000}.followers", 3443),
        ("foo{}{bar}", 8363), ("foo{{bar}}zap", 4015), ("foo{bar}{zap}", 5061), ("", 0),
    ])
    func `The slot of a key is the one of its hash tag`(key: String, slot: UInt16) {
        #expect(KeySlot(of: key).number == slot)
    }

    @Test func `Redis computes the same slots`() async throws {
        try await withRedis(arguments: ["--cluster-enabled", "yes"]) { redis in
            var random = SeededGenerator(seed: 7)
            let alphabet = Array("ab{}:é".unicodeScalars)
            for _ in 0..<300 {
                var key = ""
                for _ in 0..<Int.random(in: 0...12, using: &random) {
                    key.unicodeScalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &random)])
                }
                let slot = try await redis.command("CLUSTER", "KEYSLOT", key).int
                #expect(slot == Int(KeySlot(of: key).number), "\(key)")
            }
        }
    }

    @Test func `A command is routed by its keys`() {
        var command = RedisCommand("MGET")
        #expect(command.route == .anyNode)
        command.append(RedisKey("{a}:1"))
        command.append("an argument {b}")
        command.append(RedisKey("{a}:2"))
        #expect(command.route == .slot(KeySlot(ofTag: "a")))
        let script = RedisScript(name: "nothing", source: Array("return 1".utf8))
        #expect(ScriptCall(script, keys: [RedisKey("{a}:1"), RedisKey("{a}:2")]).route == .slot(KeySlot(ofTag: "a")))
        #expect(ScriptCall(script, keys: []).route == .anyNode)
    }

    @Test func `A blocking read over several slots says that it needs one server`() {
        var command = RedisCommand("BZPOPMIN", route: .oneServer)
        command.append(RedisKey("{a}:1"))
        command.append(RedisKey("{b}:1"))
        #expect(command.route == .oneServer)
    }

    #if DEBUG
        @Test func `A call with keys of two slots, and a key in a slot that is not its own, are errors of the program`()
            async
        {
            await #expect(processExitsWith: .failure) {
                let script = RedisScript(name: "nothing", source: Array("return 1".utf8))
                _ = ScriptCall(script, keys: [RedisKey("{a}:1"), RedisKey("{b}:1")])
            }
            await #expect(processExitsWith: .failure) {
                var command = RedisCommand("MGET")
                command.append(RedisKey("{a}:1"))
                command.append(RedisKey("{b}:1"))
            }
            await #expect(processExitsWith: .failure) { _ = RedisKey("{a}:1", in: KeySlot(ofTag: "b")) }
        }
    #endif
}
