import HTTPServer
import NIOConcurrencyHelpers
import NIOCore
import TestKit
import Testing

/// Answers whose bodies come part after part.
struct StreamTests {
    private static let part = ByteBuffer(repeating: UInt8(ascii: "x"), count: 64 * 1024)

    private func answer(_ stream: @escaping HTTPAnswer.Stream) -> HTTPAnswer {
        HTTPAnswer(
            status: .ok, headers: [.contentType: "text/plain"], body: ByteBuffer(string: "begin "), stream: stream)
    }

    @Test func `Parts arrive as chunks, and the connection goes on`() async throws {
        try await withListener { _ in
            .task { _ in
                self.answer { writer in
                    try await writer.write(ByteBuffer(string: "one "))
                    try await writer.write(ByteBuffer())
                    try await writer.write(ByteBuffer(string: "two"))
                }
            }
        } _: { listener in
            let connection = try await listener.connect()
            let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
            try await connection.send(request + "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + request)
            let end = "0\r\n\r\n"
            let received = try await connection.received { $0.statuses.count == 3 && $0.text.hasSuffix(end) }
            let text = try #require(received).lines
            #expect(text.matches(of: /6\nbegin \n4\none \n3\ntwo\n0\n\n/).count == 2, "\(text)")
            #expect(text.matches(of: /Transfer-Encoding: chunked/).count == 3)
            await connection.close()
        }
    }

    @Test func `To HTTP-1-0 they come without chunks, and the connection ends behind them`() async throws {
        try await withListener { _ in
            .answer(self.answer { try await $0.write(ByteBuffer(string: "end")) })
        } _: { listener in
            let connection = try await listener.connect()
            try await connection.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            let text = try #require(try await connection.all()).text
            #expect(text.hasSuffix("\r\n\r\nbegin end") && !text.contains("chunked"), "\(text)")
        }
    }

    @Test func `A write waits while the peer does not read`() async throws {
        let written = NIOLockedValueBox(0)
        try await withListener { _ in
            .task { _ in
                self.answer { writer in
                    for _ in 0..<400 {
                        try await writer.write(Self.part)
                        written.withLockedValue { $0 += 1 }
                    }
                }
            }
        } _: { listener in
            let connection = try await listener.connect(reads: false)
            try await connection.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            // 25 MiB wait; the kernel takes a few of them.
            var before = -1
            while written.withLockedValue({ $0 }) != before {
                before = written.withLockedValue { $0 }
                try await Task.sleep(for: .milliseconds(200))
            }
            #expect(before < 300)
            try await connection.startReading()
            #expect(try await connection.received { $0.bytes.count > 400 << 16 } != nil)
            #expect(written.withLockedValue { $0 } == 400)
            await connection.close()
        }
    }

    @Test func `A write fails when the peer has gone`() async throws {
        let (begun, failed) = (NIOLockedValueBox(false), NIOLockedValueBox(false))
        try await withListener { _ in
            .task { _ in
                self.answer { writer in
                    do {
                        begun.withLockedValue { $0 = true }
                        while true { try await writer.write(Self.part) }
                    } catch {
                        failed.withLockedValue { $0 = true }
                        throw error
                    }
                }
            }
        } _: { listener in
            let connection = try await listener.connect(reads: false)
            try await connection.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await eventually { begun.withLockedValue { $0 } ? true : nil } == true)
            try await connection.reset()
            #expect(try await eventually { failed.withLockedValue { $0 } ? true : nil } == true)
        }
    }

    @Test func `A body that cannot be completed does not look complete`() async throws {
        struct Failure: Error {}
        try await withListener { _ in
            .answer(self.answer { _ in throw Failure() })
        } _: { listener in
            let connection = try await listener.connect()
            try await connection.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            let text = try #require(try await connection.all()).text
            #expect(!text.contains("0\r\n\r\n"), "\(text)")
        }
    }
}
