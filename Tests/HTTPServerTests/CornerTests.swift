import HTTPServer
import NIOConcurrencyHelpers
import NIOCore
import TestKit
import Testing

/// HTTP/1.1 at its corners, as bytes over a socket: what is answered, and whether the connection goes on.
struct CornerTests {
    /// Bytes, and the statuses of what comes back when a further request is sent behind them.
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: String
        let statuses: [Int]
        let text: String?

        init(_ name: String, _ bytes: String, _ statuses: [Int], _ text: String? = nil) {
            self.name = name
            self.bytes = bytes
            self.statuses = statuses
            self.text = text
        }

        var testDescription: String { self.name }
    }

    /// Answered last wherever the connection goes on.
    private static let probe = "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    private static func get(_ fields: String..., path: String = "/", version: String = "1.1") -> String {
        "GET \(path) HTTP/\(version)\r\nHost: x\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n"
    }

    private static func post(_ fields: String..., body: String) -> String {
        "POST /p HTTP/1.1\r\nHost: x\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n" + body
    }

    // MARK: Answered

    private static let kept: [Row] = [
        Row("a request", Self.get(), [200, 200], "GET / "),
        Row("an empty line before it", "\r\n" + Self.get(), [200, 200]),
        Row("a target in absolute form", Self.get(path: "http://y:80/a?b=c"), [200, 200], "GET /a?b=c "),
        Row("in absolute form without a path", Self.get(path: "HTTP://y?b"), [200, 200], "GET /?b "),
        Row("OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", [200, 200], "OPTIONS * "),
        Row("a method of its own", "BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n", [200, 200], "BREW /pot "),
        Row("an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", [200, 200]),
        Row("blanks around a value", "GET / HTTP/1.1\r\nHost: \t x \t\r\n\r\n", [200, 200]),
        Row("an unknown expectation", Self.get("Expect: the unexpected"), [200, 200]),
        Row("Connection: keep-alive", Self.get("Connection: Keep-Alive"), [200, 200]),
        Row("other options of Connection", Self.get("Connection: foo, bar ,"), [200, 200]),
        Row(
            "three at once", Self.get() + Self.get(path: "/now") + Self.get(path: "/b"), [200, 200, 200, 200], "GET /b "
        ),
        Row(
            "h2c with its settings",
            Self.post(
                "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQ",
                "Content-Length: 2",
                body: "ab"), [200, 200], "POST /p ab"),
        Row("websocket", Self.get("Connection: upgrade", "Upgrade: websocket"), [200, 200]),
        Row("an upgrade that Connection does not name", Self.get("Upgrade: x"), [200, 200]),
        Row("a body", Self.post("Content-Length: 3", body: "abc"), [200, 200], "POST /p abc"),
        Row("an empty body", Self.post("Content-Length: 0", body: ""), [200, 200], "POST /p "),
        Row("a body with GET", Self.get("Content-Length: 3") + "abc", [200, 200], "GET / abc"),
        Row(
            "chunks with extensions and trailers",
            Self.post(
                "Transfer-Encoding: Chunked",
                body: "3;a=b;c=\"d\"\r\nabc\r\n00A ; x\r\n0123456789\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n"),
            [200, 200], "POST /p abc0123456789"),
        Row("no chunk", Self.post("Transfer-Encoding: chunked", body: "0\r\n\r\n"), [200, 200]),
        Row("a body nothing reads", Self.get("Content-Length: 3", path: "/refused") + "abc", [404, 200]),
        Row(
            "a large body nothing reads",
            Self.get("Content-Length: 400000", path: "/refused") + String(repeating: "x", count: 400_000), [404, 200]),
        Row(
            "a body that is too large", Self.post("Content-Length: 1001", body: String(repeating: "x", count: 1001)),
            [413, 200]),
        Row(
            "chunks that are too large",
            Self.post(
                "Transfer-Encoding: chunked", body: "400\r\n" + String(repeating: "x", count: 1024) + "\r\n0\r\n\r\n"),
            [413, 200]),
        Row("Expect with its body", Self.post("Expect: 100-continue", "Content-Length: 1", body: "a"), [200, 200]),
        Row(
            "a target of the greatest length", Self.get(path: "/" + String(repeating: "a", count: 16_383)), [200, 200]),
        Row("a header of 16 kB", Self.get("X: " + String(repeating: "a", count: 16_379)), [200, 200]),
        Row(
            "128 headers", "GET / HTTP/1.1\r\nHost: x\r\n" + String(repeating: "X: y\r\n", count: 127) + "\r\n",
            [200, 200]),
        Row("HTTP/1.0 that keeps its connection", Self.get("Connection: keep-alive", version: "1.0"), [200, 200]),
        Row("HTTP/1.0 that keeps it among others", Self.get("Connection: x, KEEP-ALIVE", version: "1.0"), [200, 200]),
    ]

    /// Answered, and the connection ends.
    private static let ended: [Row] = [
        Row("Connection: close", Self.get("Connection: close"), [200]),
        Row("close in a list", Self.get("Connection: foo, Close"), [200]),
        Row("close in a second header", Self.get("Connection: foo", "Connection: CLOSE"), [200]),
        Row("HTTP/1.0", Self.get(version: "1.0"), [200]),
        Row("HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", [200]),
        Row("HTTP/1.0 that asks for an upgrade", Self.get("Connection: upgrade", "Upgrade: x", version: "1.0"), [200]),
        Row(
            "a body nothing reads, whose sender waits for a 100",
            Self.get("Expect: 100-continue", "Content-Length: 3", path: "/refused"), [404]),
    ]

    // MARK: Refused

    private static let refused: [Row] =
        [
            ("noise", "\u{16}\u{3}\u{1}\u{2}\u{0}"), ("a line of noise", "hello\r\n\r\n"), ("HTTP/0.9", "GET /\r\n"),
            ("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), ("HTTP/1.2", Self.get(version: "1.2")),
            ("HTTP/2.0", Self.get(version: "2.0")), ("http in lower case", "GET / http/1.1\r\nHost: x\r\n\r\n"),
            ("HTTP/1.10", Self.get(version: "1.10")), ("two blanks", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n"),
            ("a blank behind the version", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n"),
            ("a tab", "GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n"), ("a blank in the target", Self.get(path: "/a b")),
            ("a control in the target", Self.get(path: "/\u{1}")), ("a fragment", Self.get(path: "/#a")),
            ("bytes beyond ASCII in the target", Self.get(path: "/ä")),
            ("a relative target", Self.get(path: "a")), ("GET *", Self.get(path: "*")),
            ("another scheme", Self.get(path: "ftp://x/")), ("no host in the target", Self.get(path: "http:///a")),
            ("CONNECT", "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n"),
            ("a long method", String(repeating: "A", count: 33) + " / HTTP/1.1\r\nHost: x\r\n\r\n"),
            ("bare LF", "GET / HTTP/1.1\nHost: x\n\n"), ("bare LF behind a header", "GET / HTTP/1.1\r\nHost: x\n\r\n"),
            ("bare LF at the end", "GET / HTTP/1.1\r\nHost: x\r\n\n"),
            ("bare CR in a value", "GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n"),
            ("bare CR in the request line", "GET /\r HTTP/1.1\r\nHost: x\r\n\r\n"),
            ("a folded header", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n"),
            ("a blank before the first header", "GET / HTTP/1.1\r\n Host: x\r\n\r\n"),
            ("a blank before the colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n"),
            ("no colon", "GET / HTTP/1.1\r\nHost: x\r\nfoo\r\n\r\n"),
            ("no name", "GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n"),
            ("a name with a slash", Self.get("a/b: c")), ("NUL in a value", Self.get("A: b\u{0}c")),
            ("a control in a value", Self.get("A: b\u{7}c")), ("DEL in a value", Self.get("A: \u{7F}")),
            ("no Host", "GET / HTTP/1.1\r\n\r\n"), ("two of Host", Self.get("Host: x")),
            ("a list as Host", "GET / HTTP/1.1\r\nHost: x, y\r\n\r\n"),
            ("a path as Host", "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n"),
            ("a user in Host", "GET / HTTP/1.1\r\nHost: u@x\r\n\r\n"),
            ("two of Host in HTTP/1.0", Self.get("Host: y", version: "1.0")),
            ("129 headers", Self.get(String(repeating: "X: y\r\n", count: 128))),
            ("a header too long", Self.get("X: " + String(repeating: "a", count: 16_380))),
            (
                "a head too long",
                Self.get(String(repeating: "X: \(String(repeating: "a", count: 10_000))\r\n", count: 7))
            ),
            ("a target too long", Self.get(path: "/" + String(repeating: "a", count: 16_384))),
            ("a target without end", "GET /" + String(repeating: "a", count: 17_000)),
            ("five empty lines", String(repeating: "\r\n", count: 5) + Self.get()),
            // Request smuggling: what two recipients may read in two ways.
            ("Content-Length twice", Self.post("Content-Length: 1", "Content-Length: 1", body: "a")),
            ("two lengths", Self.post("Content-Length: 1", "Content-Length: 2", body: "ab")),
            ("a list of lengths", Self.post("Content-Length: 5, 5", body: "abcde")),
            ("a length with a sign", Self.post("Content-Length: +5", body: "abcde")),
            ("a negative length", Self.post("Content-Length: -1", body: "")),
            ("a length in hexadecimal digits", Self.post("Content-Length: 0x5", body: "abcde")),
            ("an empty length", Self.post("Content-Length:", body: "")),
            ("a length with a blank", Self.post("Content-Length: 1 0", body: "a")),
            ("a fraction", Self.post("Content-Length: 1.0", body: "a")),
            ("a length that overflows", Self.post("Content-Length: 18446744073709551617", body: "a")),
            ("length and chunks", Self.post("Content-Length: 5", "Transfer-Encoding: chunked", body: "0\r\n\r\n")),
            ("chunks and length", Self.post("Transfer-Encoding: chunked", "Content-Length: 5", body: "0\r\n\r\n")),
            (
                "chunks with a name behind a blank",
                Self.post("Transfer-Encoding : chunked", "Content-Length: 5", body: "0\r\n\r\n")
            ),
            ("chunks on a folded line", Self.post("Transfer-Encoding:\r\n chunked", body: "0\r\n\r\n")),
            ("chunks behind a vertical tab", Self.post("Transfer-Encoding: \u{B}chunked", body: "0\r\n\r\n")),
            ("xchunked", Self.post("Transfer-Encoding: xchunked", body: "0\r\n\r\n")),
            ("chunked in quotes", Self.post("Transfer-Encoding: \"chunked\"", body: "0\r\n\r\n")),
            ("chunked, identity", Self.post("Transfer-Encoding: chunked, identity", body: "0\r\n\r\n")),
            ("identity, chunked", Self.post("Transfer-Encoding: identity, chunked", body: "0\r\n\r\n")),
            ("identity", Self.post("Transfer-Encoding: identity", "Content-Length: 1", body: "a")),
            ("gzip, chunked", Self.post("Transfer-Encoding: gzip, chunked", body: "0\r\n\r\n")),
            ("chunked twice", Self.post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body: "0\r\n\r\n")),
            ("chunked and an x", Self.post("Transfer-Encoding: chunked", "Transfer-Encoding: x", body: "0\r\n\r\n")),
            ("an empty coding", Self.post("Transfer-Encoding:", body: "")),
            ("chunks in HTTP/1.0", "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            ("a header behind a bare CR", "POST / HTTP/1.1\r\nHost: x\r\nA: b\rContent-Length: 5\r\n\r\nabcde"),
            ("a length behind a NUL", Self.post("A: b\u{0}\r\nContent-Length: 5", body: "abcde")),
        ].map { Row($0.0, $0.1, [400]) }
        + [
            ("a size with a sign", "+1\r\na\r\n0\r\n\r\n"), ("a negative size", "-1\r\na\r\n0\r\n\r\n"),
            ("a size with 0x", "0x1\r\na\r\n0\r\n\r\n"), ("a blank before the size", " 1\r\na\r\n0\r\n\r\n"),
            ("a blank behind the size", "1 \r\na\r\n0\r\n\r\n"), ("no size", "\r\na\r\n0\r\n\r\n"),
            ("a size of other digits", "g\r\na\r\n0\r\n\r\n"),
            ("a size that overflows", "fffffffffffffffff\r\na\r\n"),
            ("a size with zeros in front", String(repeating: "0", count: 16) + "1\r\na\r\n"),
            ("bare LF behind the size", "1\na\r\n0\r\n\r\n"), ("bare LF behind a chunk", "1\r\na\n0\r\n\r\n"),
            ("a chunk longer than its size", "1\r\nab\r\n0\r\n\r\n"),
            ("bare CR in an extension", "1;a\rb\r\na\r\n0\r\n\r\n"),
            ("bare LF in an extension", "1;a\nb\r\na\r\n0\r\n\r\n"),
            ("a long extension", "1;" + String(repeating: "a", count: 5000)),
            ("many extensions", String(repeating: "1;\(String(repeating: "a", count: 100))\r\na\r\n", count: 50)),
            ("a trailer without a colon", "0\r\nfoo\r\n\r\n"), ("a folded trailer", "0\r\nA: b\r\n c\r\n\r\n"),
            ("an extension without a name", "1;\r\na\r\n0\r\n\r\n"),
            ("a blank behind an extension", "1;a \r\na\r\n0\r\n\r\n"),
            ("an extension that is not closed", "1;a=\"b\r\na\r\n0\r\n\r\n"),
            ("bare LF behind a trailer", "0\r\nA: b\n\r\n"),
            ("long trailers", "0\r\nA: \(String(repeating: "a", count: 17_000))\r\n\r\n"),
            ("many trailers", "0\r\n" + String(repeating: "A: b\r\n", count: 129) + "\r\n"),
        ].map { Row($0.0, Self.post("Transfer-Encoding: chunked", body: $0.1), [400]) }

    @Test(arguments: Self.kept + Self.ended + Self.refused)
    func `Each is read in one way, or refused and the connection closed`(row: Row) async throws {
        try await withListener { listener in
            let connection = try await listener.connect()
            try await connection.send(row.bytes + Self.probe)
            let received = try #require(try await connection.all())
            #expect(received.statuses.filter { $0 != 100 } == row.statuses, "\(received.text)")
            if let text = row.text { #expect(received.text.contains(text), "\(received.text)") }
            #expect(received.text.contains("GET /last ") == (row.statuses.count > 1 && row.statuses.last == 200))
            await connection.close()
        }
    }

    @Test(arguments: Self.kept + Self.ended + Self.refused)
    func `It makes no difference in which pieces the bytes arrive`(row: Row) async throws {
        // Rows of a few bytes: each alone.
        guard row.bytes.utf8.count < 300 else { return }
        try await withListener { listener in
            let connection = try await listener.connect()
            do {
                for byte in (row.bytes + Self.probe).utf8 { try await connection.send([byte]) }
            } catch {
                // Refused and closed in the middle.
            }
            let received = try #require(try await connection.all())
            #expect(received.statuses.filter { $0 != 100 } == row.statuses, "\(received.text)")
            await connection.close()
        }
    }

    @Test(arguments: [
        ("nothing", "", []), ("half a head", "GET / HT", [400]),
        ("half a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc", [400]),
        ("half a chunk", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", [400]),
        ("a request", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", [200]),
        ("two requests", "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", [200, 200]),
        (
            "two requests that need no task",
            "GET /now HTTP/1.1\r\nHost: x\r\n\r\nGET /now HTTP/1.1\r\nHost: x\r\n\r\n", [200, 200]
        ),
        (
            "a request behind one of a task", "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /now HTTP/1.1\r\nHost: x\r\n\r\n",
            [200, 200]
        ),
        ("a request and an empty line", "GET / HTTP/1.1\r\nHost: x\r\n\r\n\r\n", [200]),
        ("half a body nothing reads", "GET /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc", [404]),
    ])
    func `A peer that sends no more is answered for what is whole`(
        name: String, bytes: String, statuses: [Int]
    ) async throws {
        try await withListener { listener in
            let connection = try await listener.connect()
            try await connection.send(bytes)
            try await connection.closeOutput()
            let received = try #require(try await connection.all())
            #expect(received.statuses == statuses, "\(received.text)")
            await connection.close()
        }
    }

    @Test func `An answer to HEAD has the length of a body and no bytes of it`() async throws {
        try await withListener { listener in
            let connection = try await listener.connect()
            try await connection.send("HEAD /now HTTP/1.1\r\nHost: x\r\n\r\n" + Self.probe)
            let text = try #require(try await connection.all()).lines
            #expect(text.contains("Content-Length: 3\n") && !text.contains("now"))
            #expect(text.matches(of: /\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\n/).count == 2, "\(text)")
            #expect(text.contains("GET /last "))
        }
    }

    @Test func `A 100 is sent when the body is wanted, and only then`() async throws {
        try await withListener { listener in
            let wanted = try await listener.connect()
            try await wanted.send("POST /p HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n")
            #expect(try await wanted.received { $0.text == "HTTP/1.1 100 Continue\r\n\r\n" } != nil)
            try await wanted.send("abc" + Self.probe)
            #expect(try await wanted.all()?.statuses == [100, 200, 200])

            let large = try await listener.connect()
            try await large.send("POST /p HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3000\r\n\r\n")
            #expect(try await large.all()?.statuses == [413])
            await large.close()
        }
    }

    @Test func `A peer may send a large body, and that it sends no more, before the body is asked for`() async throws {
        let isClosed = NIOLockedValueBox(false)
        try await withListener { _ in
            .task { exchange in
                _ = try? await eventually { isClosed.withLockedValue { $0 } ? true : nil }
                let body = try? await exchange.body(upTo: 1 << 20)
                return HTTPAnswer(.ok, "\(body?.readableBytes ?? -1) bytes", type: "text/plain")
            }
        } _: { listener in
            let connection = try await listener.connect()
            let body = String(repeating: "x", count: 400_000)
            try await connection.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n" + body)
            try await connection.closeOutput()
            isClosed.withLockedValue { $0 = true }
            #expect(try #require(try await connection.all()).text.hasSuffix("400000 bytes"))
        }
    }
}
