import NIOCore
import TLS
import TestKit
import Testing

@Suite struct TLSHandlerTests {
    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func `Bytes arrive as they were sent, however records are cut`() async throws {
        let contexts = try await Contexts.made()
        for seed in 1...60 {
            var random = SeededGenerator(seed: UInt64(seed))
            let pair = try HandlerPair(contexts)
            try pair.exchange { Int.random(in: 1...$0, using: &random) }
            var sent: (toServer: [UInt8], toClient: [UInt8]) = ([], [])
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let size = random.pick([0, 1, 2, 300, 16_383, 16_384, 16_385, 65_023, 65_024, 65_025, 200_000])
                let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
                if Bool.random(using: &random) {
                    sent.toServer += bytes
                    try pair.client.write(bytes)
                } else {
                    sent.toClient += bytes
                    try pair.server.write(bytes)
                }
                try pair.exchange { Int.random(in: 1...$0, using: &random) }
            }
            #expect(pair.server.received == sent.toServer, "seed \(seed)")
            #expect(pair.client.received == sent.toClient, "seed \(seed)")
            try pair.client.close()
            try pair.exchange { Int.random(in: 1...$0, using: &random) }
            #expect(pair.server.isInputClosed && pair.server.errors.isEmpty, "seed \(seed)")
        }
    }

    @Test func `A handshake that arrives byte by byte is one`() async throws {
        let pair = try HandlerPair(try await Contexts.made())
        try pair.exchange { _ in 1 }
        try pair.client.write(Array("hello".utf8))
        try pair.exchange { _ in 1 }
        #expect(Self.text(pair.server.received) == "hello")
    }

    @Test func `A read brings no more bytes than it took from the socket, and keeps none back`() async throws {
        let pair = try HandlerPair(try await Contexts.made())
        try pair.exchange()
        try pair.client.write([UInt8](repeating: 7, count: 50_000))
        try pair.client.collect()
        while !pair.client.sent.isEmpty {
            let part = pair.client.sent.prefix(20_000)
            pair.client.sent.removeFirst(part.count)
            let before = pair.server.received.count
            try pair.server.receive(part)
            // At most one record has waited for its end.
            #expect(pair.server.received.count - before <= part.count + 16_384)
        }
        #expect(pair.server.received.count == 50_000)
    }

    @Test func `The peer's certificate has to be for the name or address that is connected to`() async throws {
        for (names, name, isTaken) in [
            (["DNS:localhost"], "localhost", true), (["DNS:other.example"], "localhost", false),
            (["DNS:*.example.net"], "a.example.net", true), (["DNS:a*.example.net"], "ab.example.net", false),
            (["IP:127.0.0.1"], "127.0.0.1", true), (["DNS:127.0.0.1"], "127.0.0.1", false),
            (["IP:127.0.0.2"], "127.0.0.1", false), (["IP:::1"], "::1", true), (["IP:::2"], "::1", false),
            // It has this name in its subject.
            ([String](), "server", false),
        ] {
            let pair = try HandlerPair(try await Contexts.made(for: names), to: name)
            try pair.exchange()
            #expect(pair.client.errors.isEmpty == isTaken, "\(names) for \(name)")
            #expect(pair.client.isActive == isTaken, "\(names) for \(name)")
            if !isTaken { #expect("\(pair.client.errors)".contains("mismatch"), "\(pair.client.errors)") }
        }
    }

    @Test func `A certificate that has expired, or that none we believe has signed, is refused`() async throws {
        let expired = try HandlerPair(try await Contexts.made(until: -60))
        try expired.exchange()
        #expect(expired.client.errors == [.handshake("certificate has expired")])
        let other = try HandlerPair(try await Contexts.made(believed: TestAuthority("Another")))
        try other.exchange()
        #expect("\(other.client.errors)".contains("unable to get local issuer certificate"))
        // The server is sent the reason.
        #expect("\(other.server.errors)".contains("alert unknown ca"), "\(other.server.errors)")
    }

    @Test func `A server that asks for certificates takes those of its authority only`() async throws {
        let authority = try TestAuthority("Clients")
        for (client, isTaken) in [
            (try authority.issue("client"), true), (nil, false), (try TestAuthority("Another").issue(), false),
            (try authority.issue("client", until: -60), false),
        ] {
            let pair = try HandlerPair(try await Contexts.made(client: client, asks: authority))
            try pair.exchange()
            try? pair.client.write(Array("hello".utf8))  // Refused where the handshake was.
            try pair.exchange()
            #expect(Self.text(pair.server.received) == (isTaken ? "hello" : ""))
            #expect(pair.server.errors.isEmpty == isTaken, "\(pair.server.errors)")
            #expect(pair.server.isActive == isTaken)
        }
    }

    @Test func `What is no TLS ends the connection, and HTTP in the clear gets an answer`() async throws {
        let contexts = try await Contexts.made()
        for (bytes, answer) in [
            (Array("GET / HTTP/1.1\r\n\r\n".utf8), "clear\n"), (Array("POST /v2 HTTP/1.1\r\n".utf8), "clear\n"),
            ([UInt8](repeating: 0, count: 100), nil), (Array("SSH-2.0-OpenSSH\r\n".utf8), nil),
            ([0x16, 3, 1, 0xFF, 0xFF] + [UInt8](repeating: 1, count: 70_000), nil),
        ] {
            let pair = try HandlerPair(contexts, clearTextAnswer: ByteBuffer(string: "clear\n"))
            try pair.server.receive(bytes)
            try pair.server.collect()
            #expect(!pair.server.isActive)
            #expect(pair.server.errors.count == 1)
            if let answer { #expect(Self.text(pair.server.sent) == answer) }
        }
    }

    @Test func `Changed records are an error, and nothing of them is read`() async throws {
        let contexts = try await Contexts.made()
        for seed in 1...100 {
            var random = SeededGenerator(seed: UInt64(seed))
            let pair = try HandlerPair(contexts)
            try pair.exchange()
            try pair.client.write([UInt8](repeating: 7, count: 1000))
            try pair.client.collect()
            let place = Int.random(in: 0..<pair.client.sent.count, using: &random)
            pair.client.sent[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            try pair.exchange()
            try pair.server.close()
            #expect(pair.server.received.isEmpty, "seed \(seed)")
            #expect(pair.server.errors.count == 1, "seed \(seed): \(pair.server.errors)")
        }
    }

    @Test func `What comes before a broken record is read, and an answer to it refused`() async throws {
        let contexts = try await Contexts.made()
        for isGarbage in [true, false] {
            let pair = try HandlerPair(contexts, answer: Array("answer".utf8))
            try pair.exchange()
            try pair.client.write(Array("hello".utf8))
            try pair.exchange()
            #expect(Self.text(pair.client.received) == "answer")
            #expect(pair.server.refusedAnswers == 0)
            try pair.client.write(Array(", world".utf8))
            if isGarbage {
                try pair.client.collect()
                pair.client.sent += [UInt8](repeating: 0x55, count: 100)
            } else {
                try pair.client.write(Array("lost".utf8))
                try pair.client.collect()
                pair.client.sent[pair.client.sent.count - 1] ^= 1
            }
            // As one read of the socket.
            try pair.exchange()
            #expect(Self.text(pair.server.received) == "hello, world")
            #expect(pair.server.refusedAnswers == 1)
            #expect(pair.server.errors.count == 1, "\(pair.server.errors)")
            #expect(!pair.server.isActive)
            #expect(Self.text(pair.client.received) == "answer")
        }
    }

    @Test func `Random bytes in the middle of a handshake never trap`() async throws {
        let contexts = try await Contexts.made()
        for seed in 1...300 {
            var random = SeededGenerator(seed: UInt64(seed))
            let pair = try HandlerPair(contexts)
            try pair.client.collect()
            var hello = pair.client.sent
            for _ in 0..<Int.random(in: 1...20, using: &random) {
                hello[Int.random(in: 0..<hello.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            try pair.server.receive(hello.prefix(Int.random(in: 1...hello.count, using: &random)))
            try pair.server.receive((0..<200).map { _ in UInt8.random(in: 0...255, using: &random) })
            try pair.server.close()
            #expect(pair.server.received.isEmpty)
        }
    }

    @Test func `An end without close_notify is an error`() async throws {
        let pair = try HandlerPair(try await Contexts.made())
        try pair.exchange()
        try pair.client.write(Array("half of".utf8))
        try pair.client.breakOff()
        try pair.client.close()
        try pair.exchange()
        #expect(!pair.server.isInputClosed)
        pair.server.endInput()
        #expect(Self.text(pair.server.received) == "half of")
        #expect(pair.server.errors == [.truncated])
        #expect(!pair.server.isActive)
    }

    @Test func `A server answers a client that has sent close_notify`() async throws {
        let pair = try HandlerPair(try await Contexts.made())
        try pair.exchange()
        try pair.client.write(Array("hello".utf8))
        try pair.client.close()
        let sent = pair.client.sent
        try pair.server.receive(sent)
        #expect(pair.server.isInputClosed)
        // Of the socket below it is no news.
        pair.server.endInput()
        #expect(pair.server.errors.isEmpty)
        try pair.server.write(Array("answer".utf8))
        try pair.server.collect()
        #expect(!pair.server.sent.isEmpty)
    }

    @Test func `A client closes when the server sends close_notify`() async throws {
        let pair = try HandlerPair(try await Contexts.made())
        try pair.exchange()
        try pair.server.close()
        try pair.exchange()
        #expect(!pair.client.isActive)
        #expect(pair.client.errors.isEmpty)
    }

    @Test func `Nothing is written before the handshake is over, or behind close_notify`() async throws {
        let pair = try HandlerPair(try await Contexts.made())
        #expect(throws: TLSError.notEstablished) { try pair.server.write([1]) }
        try pair.exchange()
        try pair.server.write([1])
        try pair.server.close()
        #expect(throws: (any Error).self) { try pair.server.write([2]) }
        try pair.exchange()
        #expect(pair.client.received == [1])
    }

    @Test func `A client that asks for new keys and never reads the answers ends`() async throws {
        let contexts = try await Contexts.made()
        for reads in [true, false] {
            let (server, client) = (try HandlerPair.Side(.server(contexts.server)), RawClient())
            try server.connect()
            while !client.handshake() {
                try server.receive(client.takeOutput())
                try server.collect()
                client.receive(server.sent)
                server.sent = []
            }
            try server.receive(client.takeOutput())
            if !reads { server.stall() }
            for _ in 0..<2000 where server.isActive {
                client.updateKeys()
                try server.receive(client.takeOutput())
            }
            #expect(server.isActive == reads)
            #expect(server.errors == (reads ? [] : [.unread]))
        }
    }

    @Test func `An open connection goes on with the context it began with`() async throws {
        var contexts: Contexts? = try await Contexts.made()
        let pair = try HandlerPair(try #require(contexts))
        contexts = nil
        try pair.exchange()
        try pair.client.write([1, 2, 3])
        try pair.exchange()
        #expect(pair.server.received == [1, 2, 3])
    }
}
