import NIOCore
import Redis
import Testing

struct ReplyDecoderTests {
    @Test(arguments: [1, 2, 3, 7, 64, 1_000])
    func `Replies are the same however the bytes are cut`(piece: Int) throws {
        let wire = ByteBuffer(
            string:
                "+OK\r\n:-7\r\n$5\r\na\r\nb\0\r\n$-1\r\n*-1\r\n*0\r\n$0\r\n\r\n-OOM no\r\n*2\r\n*1\r\n:1\r\n$1\r\nx\r\n"
        )
        var decoder = ReplyDecoder()
        var replies: [RedisValue] = []
        var rest = wire
        while rest.readableBytes > 0 {
            let slice = rest.readSlice(length: min(piece, rest.readableBytes))
            try decoder.feed(try #require(slice))
            while let reply = try decoder.next() { replies.append(reply) }
        }
        let expected: [RedisValue] = [
            .string(Array("OK".utf8)), .integer(-7), .string(Array("a\r\nb\0".utf8)), .null, .null, .array([]),
            .string([]), .error(RedisServerError(message: "OOM no")),
            .array([.array([.integer(1)]), .string(Array("x".utf8))]),
        ]
        #expect(replies == expected)
    }

    @Test(arguments: [
        "HTTP/1.1 400 Bad Request\r\n", "%1\r\n+a\r\n+b\r\n", ">1\r\n+push\r\n", "_\r\n", "\0\0\0\0",
        "*99999999999\r\n", String(repeating: "*1\r\n", count: 9) + ":1\r\n",
    ])
    func `What is no reply of RESP2 is an error, not a wait`(wire: String) throws {
        var decoder = ReplyDecoder()
        var failure: BrokenReply?
        do throws(BrokenReply) {
            try decoder.feed(ByteBuffer(string: wire))
            while try decoder.next() != nil {}
        } catch {
            failure = error
        }
        #expect(failure?.reason.isEmpty == false)
    }

    @Test func `Arrays may nest seven deep`() throws {
        var decoder = ReplyDecoder()
        try decoder.feed(ByteBuffer(string: String(repeating: "*1\r\n", count: 7) + ":1\r\n"))
        var reply = try decoder.next()
        for _ in 0..<7 { reply = reply?.array?.first }
        #expect(reply == .integer(1))
    }

    @Test func `A reply longer than the bound is refused before it is whole`() throws {
        var decoder = ReplyDecoder(replyBytesMax: 1_000)
        try decoder.feed(ByteBuffer(string: "$1001\r\n"))
        var failure: BrokenReply?
        do throws(BrokenReply) {
            for _ in 0..<11 {
                try decoder.feed(ByteBuffer(repeating: 0x78, count: 100))
                _ = try decoder.next()
            }
        } catch {
            failure = error
        }
        #expect(failure?.reason == "a reply is longer than 1000 bytes")
    }
}
