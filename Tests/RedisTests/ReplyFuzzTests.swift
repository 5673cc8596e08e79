import NIOCore
import Redis
import TestKit
import Testing

/// What comes from a Redis, or from something that is none, and the addresses that lead there.
struct ReplyFuzzTests {
    @Test(.timeLimit(.minutes(60))) func `Bytes are replies, a part of one or an error, however they are cut`() throws {
        var fuzzer = Fuzzer(
            "redis-replies",
            corpus: [
                "+OK\r\n:-7\r\n$5\r\na\r\nb\0\r\n", "$-1\r\n*-1\r\n*0\r\n$0\r\n\r\n-OOM no\r\n",
                "*3\r\n*1\r\n:1\r\n$1\r\nx\r\n*2\r\n+a\r\n$2\r\nbc\r\n", "-MOVED 3999 127.0.0.1:6381\r\n",
                "-READONLY You can't write\r\n:9223372036854775807\r\n",
            ],
            tokens: ["\r\n", "+", "-", ":", "$", "*", "%", ">", "_", "#t", "(", "=", "~", "\0", "$-1\r\n", "*1\r\n"],
            rounds: 8000)
        let origin = fuzzer.origin
        var cuts = Fuzzer("redis-cuts", corpus: [""], tokens: [], rounds: 0)
        try fuzzer.run { (bytes: [UInt8]) in
            let whole = Self.read(bytes, pieces: [bytes.count])
            var pieces: [Int] = []
            var rest = bytes.count
            while rest > 0 {
                let piece = Int.random(in: 1...rest, using: &cuts)
                pieces.append(piece)
                rest -= piece
            }
            let cut = Self.read(bytes, pieces: pieces)
            #expect(whole.isBroken == cut.isBroken && whole.replies == cut.replies, "\(origin): \(bytes)")
        }
    }

    private static func read(_ bytes: [UInt8], pieces: [Int]) -> (replies: [RedisValue], isBroken: Bool) {
        var decoder = ReplyDecoder(replyBytesMax: 1 << 16)
        var replies: [RedisValue] = []
        var rest = ByteBuffer(bytes: bytes)
        do throws(BrokenReply) {
            for piece in pieces {
                guard let slice = rest.readSlice(length: piece) else { break }
                try decoder.feed(slice)
                while let reply = try decoder.next() { replies.append(reply) }
            }
        } catch {
            return (replies, true)
        }
        return (replies, false)
    }

    @Test(.timeLimit(.minutes(60))) func `An address of a Redis is read or refused`() throws {
        var fuzzer = Fuzzer(
            "redis-addresses",
            corpus: [
                "redis://user:p%40ss@host:6379/3?socket_timeout=0.5&dbid=2", "unix:///run/redis.sock?db=1",
                "redis://[::1]:6380", "redis://:secret@/path/of.sock", "rediss://x", "unix:/a?db=0",
                "redis+sentinel://:p@a,[::1]:2/name/3?sentinel_username=u&sentinel_password=s",
                "redis+cluster://a,b:2/",
                "redis://a,b?master=m&sentinel_password=s",
            ],
            tokens: ["://", "@", ":", "/", "?", "&", "=", "[", "]", "%", "%00", "é", ","], rounds: 6000)
        try fuzzer.run { (bytes: [UInt8]) in
            let text = String(decoding: bytes, as: UTF8.self)
            for dialect in [RedisURLGrammar.Dialect.pool, .setting] { _ = try? RedisURLGrammar(dialect).read(text) }
            _ = RedisURL.masked(text)
        }
    }
}
