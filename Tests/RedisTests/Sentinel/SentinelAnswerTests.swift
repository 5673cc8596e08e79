import NIOCore
import Redis
import TestKit
import Testing

/// What is at the address of a Sentinel may answer anything.
struct SentinelAnswerTests {
    private func text(_ text: String) -> RedisValue { .string(Array(text.utf8)) }

    private func read(_ host: String, _ port: String) -> Result<SentinelAnswer, SentinelFailure> {
        self.read(.array([self.text(host), self.text(port)]))
    }

    private func read(_ master: RedisValue, _ sentinels: RedisValue = .null) -> Result<SentinelAnswer, SentinelFailure>
    {
        Result { () throws(SentinelFailure) in try SentinelAnswer(master: master, of: "m", sentinels: sentinels) }
    }

    @Test(arguments: [("10.0.0.1", "6379"), ("::1", "1"), ("redis-0.example", "65535")])
    func `An address is taken as it is`(host: String, port: String) throws {
        #expect(try self.read(host, port).get().master == .tcp(host: host, port: Int(port) ?? 0))
    }

    @Test(arguments: [
        ("", "6379"), ("h", "0"), ("h", "65536"), ("h", ""), ("h", "-1"), ("h", "+1"), ("h", "99999999999999999999"),
        ("a b", "1"), ("a\n", "1"), ("é", "1"), ("a\0", "1"), (String(repeating: "h", count: 256), "1"),
    ])
    func `What can be no address is none`(host: String, port: String) {
        #expect(self.read(host, port) == .failure(.unreadable))
    }

    @Test func `Other answers have their reasons`() {
        #expect(self.read(.null) == .failure(.unknownMaster("m")))
        let refusal = RedisValue.error(RedisServerError(message: "NOPERM no: m"))
        #expect(self.read(refusal) == .failure(.refused(code: "NOPERM")))
        for value in [
            RedisValue.integer(1), self.text("OK"), .array([]), .array([self.text("h")]), .array([.null, .null]),
        ] {
            #expect(self.read(value) == .failure(.unreadable))
        }
        #expect("\(SentinelFailure.unknownMaster("m"))" == "no Sentinel knows a master of the name m")
    }

    @Test func `Other Sentinels are read where they can be, and no more than are asked`() throws {
        func sentinel(_ fields: String...) -> RedisValue { .array(fields.map(self.text)) }
        let master = RedisValue.array([self.text("h"), self.text("1")])
        let some = RedisValue.array([
            sentinel("name", "x", "ip", "a", "port", "2", "flags", "sentinel"), sentinel("port", "3", "ip", "b"),
            sentinel("ip", "c"), sentinel("ip"), sentinel("port", "x", "ip", "c"), .null, .integer(1), sentinel(),
        ])
        #expect(try self.read(master, some).get().sentinels == [.tcp(host: "a", port: 2), .tcp(host: "b", port: 3)])
        let many = RedisValue.array((1...1000).map { sentinel("ip", "h\($0)", "port", "1") })
        #expect(try self.read(master, many).get().sentinels.count == RedisLimits.sentinelsMax)
        let refusal = RedisValue.error(RedisServerError(message: "NOPERM no"))
        #expect(try self.read(master, refusal).get().sentinels.isEmpty)
    }

    @Test func `A notice is read when it is about this master`() {
        let change = MasterSwitch(from: .tcp(host: "a", port: 1), to: .tcp(host: "b", port: 2))
        #expect(MasterSwitch("m a 1 b 2", of: "m") == change)
        #expect(MasterSwitch("m n a 1 b 2", of: "m n") == change)
        for text in [
            "", "m", "m ", "m a 1 b", "m a 1 b 2 3", "n a 1 b 2", "mm a 1 b 2", "m a 0 b 2", "m a 1 b x", "m n a 1 b 2",
            "m  1 b 2",
        ] {
            #expect(MasterSwitch(text, of: "m") == nil, "\(text)")
        }
    }

    @Test(.timeLimit(.minutes(60))) func `Any reply is an answer or a failure`() throws {
        var fuzzer = Fuzzer(
            "sentinel-answers",
            corpus: [
                "*2\r\n$1\r\nh\r\n$4\r\n6379\r\n*1\r\n*4\r\n$2\r\nip\r\n$1\r\na\r\n$4\r\nport\r\n$1\r\n1\r\n",
                "*-1\r\n-ERR No such master\r\n", "-NOAUTH no\r\n+m a 1 b 2\r\n",
            ],
            tokens: ["\r\n", "*", "$", ":", "-", "+", "ip", "port", "$-1\r\n", "*0\r\n", " "], rounds: 6000)
        try fuzzer.run { (bytes: [UInt8]) in
            var decoder = ReplyDecoder(replyBytesMax: 1 << 16)
            var replies: [RedisValue] = []
            do throws(BrokenReply) {
                try decoder.feed(ByteBuffer(bytes: bytes))
                while let reply = try decoder.next() { replies.append(reply) }
            } catch {}
            for reply in replies { _ = reply.text.map { MasterSwitch($0, of: "m") } }
            guard replies.count > 1 else { return }
            _ = self.read(replies[0], replies[1])
        }
    }
}
