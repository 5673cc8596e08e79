import Redis
import Testing

struct RedisValueTests {
    @Test func `An accessor gives what is there, and nil for another shape`() {
        #expect(RedisValue.string(Array("12".utf8)).text == "12")
        #expect(RedisValue.string(Array("12".utf8)).int64 == 12)
        #expect(RedisValue.string(Array("12x".utf8)).int64 == nil)
        #expect(RedisValue.string([0xFF]).text == nil)
        #expect(RedisValue.string([0xFF]).bytes == [0xFF])
        #expect(RedisValue.integer(.max).int64 == .max)
        #expect(RedisValue.integer(1).int == 1)
        #expect(RedisValue.integer(1).text == nil)
        #expect(RedisValue.array([.null]).array == [.null])
        #expect(RedisValue.null.array == nil)
        #expect(RedisValue.null.isNull)
        #expect(!RedisValue.array([]).isNull)
    }

    @Test func `A script is named as Redis names it`() {
        // redis-cli SCRIPT LOAD "return 1"
        #expect(
            RedisScript(name: "one", source: Array("return 1".utf8)).sha1 == "e0e1f9fabfc9d4800c877a703b823ac0578ff8db")
    }
}
