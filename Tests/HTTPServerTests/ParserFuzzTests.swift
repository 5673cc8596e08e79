import HTTPServer
import NIOCore
import NIOEmbedded
import NIOHTTP1
import TestKit
import Testing

/// The parser beside that of NIO (llhttp): what ours takes, llhttp reads in the same way; ours refuses more.
struct ParserFuzzTests {
    /// A request as a parser reads it.
    private struct Reading: Equatable {
        var method = ""
        var fields: [String] = []
        var body: [UInt8] = []
    }

    private static let corpus = [
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /v2/queues/q/messages?a=b HTTP/1.1\r\nHost: x:80\r\nContent-Length: 5\r\nClient-ID: 1\r\n\r\nabcde",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n",
        "OPTIONS * HTTP/1.0\r\nConnection: keep-alive, x\r\nExpect: 100-continue\r\n\r\n",
        "PUT http://a/b HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    ]
    private static let tokens = [
        "\r\n", "\n", "\r", " ", "\t", ":", "\u{0}", "\r\n ", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n",
        "chunked", "identity", ",", ";", "0\r\n\r\n", "Host: x\r\n", "HTTP/1.1", "HTTP/1.0", "+", "-", "0x", "\u{B}",
        "Expect: x\r\n",
    ]

    private func ours(_ bytes: [UInt8]) -> Reading? {
        var input = ByteBuffer(bytes: bytes)
        let limits = HTTPLimits()
        var parser = HeadParser(limits)
        do throws(HTTPRequestFault) {
            guard let head = try parser.next(&input) else { return nil }
            var reading = Reading(method: head.method.rawValue)
            reading.fields = head.fields.map { "\($0.name): \(head.value(of: $0))" }
            var body = BodyDecoder(head.framing, limits)
            while true {
                switch try body.next(&input) {
                case .bytes(let part): reading.body += part.readableBytesView
                case .incomplete: return nil
                case .end: return reading
                }
            }
        } catch {
            return nil
        }
    }

    private func llhttp(_ bytes: [UInt8]) -> Reading? {
        let channel = EmbeddedChannel()
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        do {
            try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
            try channel.writeInbound(ByteBuffer(bytes: bytes))
        } catch {
            // It may have read a request before the fault.
        }
        var reading = Reading()
        while let part = try? channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head(let head):
                reading.method = head.method.rawValue
                // It leaves blanks behind a value where they are.
                reading.fields = head.headers.map { name, value in
                    "\(name.lowercased()): \(value.reversed().drop { $0 == " " || $0 == "\t" }.reversed().map(String.init).joined())"
                }
            case .body(let part): reading.body += part.readableBytesView
            case .end: return reading
            }
        }
        return nil
    }

    /// The methods that llhttp knows; ours takes any token.
    private static let methods: Set<String> = ["GET", "POST", "PUT", "OPTIONS"]

    @Test func `What is taken for a request is one to llhttp too, and the same`() throws {
        var fuzzer = Fuzzer("http-request", corpus: Self.corpus, tokens: Self.tokens, rounds: 20_000)
        var taken = 0
        let origin = fuzzer.origin
        try fuzzer.run { bytes in
            guard let ours = self.ours(bytes), Self.methods.contains(ours.method) else { return }
            taken += 1
            let theirs = self.llhttp(bytes)
            // It refuses tabs behind a length, which are blanks as all others are (RFC 9110, 5.6.3).
            if theirs == nil, String(decoding: bytes, as: UTF8.self).contains("\t\r\n") { return }
            #expect(ours == theirs, "\(origin): \(String(decoding: bytes, as: UTF8.self).debugDescription)")
        }
        #expect(taken > 100)
    }

    @Test(arguments: corpus) func `A request of the corpus is taken`(text: String) {
        #expect(self.ours(Array(text.utf8)) != nil)
        #expect(self.ours(Array(text.utf8)) == self.llhttp(Array(text.utf8)))
    }
}
