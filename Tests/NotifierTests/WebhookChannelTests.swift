import Domain
import HTTPClient
import NIOConcurrencyHelpers
import NIOCore
import Notifier
import TestKit
import Testing

struct WebhookChannelTests {
    @Test func `The request is exactly the one asked for`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withWebhooks { client in
                let result = await client.post(receiver.url("/hook?x=1&y=%20"), body: #"{"a":"é"}"#)
                guard case .finished(let outcome, let exchange) = result else {
                    Issue.record("the request did not finish")
                    return
                }
                #expect(outcome == .accepted(code: 204))
                #expect(exchange.address == .loopback && exchange.total >= exchange.firstByte && exchange.tls == 0)
            }
            let request = try #require(receiver.requests.first)
            #expect(request.method == "POST")
            #expect(request.uri == "/hook?x=1&y=%20")
            #expect(request.text == #"{"a":"é"}"#)
            #expect(request["content-type"] == "application/json")
            #expect(request["content-length"] == "10")
            #expect(request["user-agent"] == "herald/test")
            #expect(request["webhook-id"] == "1")
            #expect(request["host"] == "127.0.0.1:\(receiver.port)")
            #expect(request["expect"] == nil)
            #expect(request["transfer-encoding"] == nil)
            #expect(request["authorization"] == nil)
            #expect(request.headers.map(\.name).filter { $0 == "content-type" }.count == 1)
        }
    }

    @Test func `A large body has its length and no Expect`() async throws {
        try await WebhookReceiver.with { receiver in
            let body = String(repeating: "x", count: 2 << 20)
            try await withWebhooks { client in
                #expect(await client.outcome(receiver.url(), body: body) == .accepted(code: 204))
            }
            let request = try #require(receiver.requests.first)
            #expect(request.body.count == body.utf8.count)
            #expect(request["content-length"] == "\(body.utf8.count)")
            #expect(request["expect"] == nil)
        }
    }

    @Test func `User information becomes basic authentication, of this request only`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withWebhooks { client in
                let target = "127.0.0.1:\(receiver.port)/"
                #expect(await client.outcome("http://us%65r:p%40ss@\(target)") == .accepted(code: 204))
                #expect(await client.outcome("http://\(target)") == .accepted(code: 204))
            }
            #expect(receiver.requests.map { $0["authorization"] } == ["Basic dXNlcjpwQHNz", nil])
        }
    }

    @Test(
        arguments: [
            (200, Outcome.accepted(code: 200)), (204, .accepted(code: 204)), (299, .accepted(code: 299)),
            (410, .gone(code: 410)),
        ]
            + [301, 302, 304, 307, 400, 401, 404, 408, 413, 425, 429, 500, 503, 599].map {
                ($0, .deferred(code: $0, notBefore: nil))
            })
    func `An answer is what its status says, and no redirect is followed`(
        status: Int, outcome: Outcome
    ) async throws {
        let answer = ReceiverAnswer.status(status, headers: [("location", "/elsewhere")], body: "")
        try await WebhookReceiver.with(answers: ["/": answer]) { receiver in
            try await withWebhooks { #expect(await $0.outcome(receiver.url()) == outcome) }
            #expect(receiver.requests.map(\.path) == ["/"])
        }
    }

    @Test(
        arguments: [
            ("7", .delay(seconds: 7)), ("  12\t", .delay(seconds: 12)), ("soon", nil), ("-3", nil), ("", nil),
            ("Thu, 01 Jan 1970 00:00:10 GMT", .time(Timestamp(milliseconds: 10_000))),
        ] as [(String, NotBefore?)])
    func `A Retry-After is obeyed and garbage is not`(text: String, asked: NotBefore?) async throws {
        let answer = ReceiverAnswer.status(503, headers: [("ReTrY-aFter", text)], body: "later")
        try await WebhookReceiver.with(answers: ["/": answer]) { receiver in
            try await withWebhooks {
                #expect(await $0.outcome(receiver.url()) == .deferred(code: 503, notBefore: asked))
            }
        }
    }

    @Test(arguments: [true, false])
    func `A date is understood against the answer's own Date, wherever it stands`(isFirst: Bool) async throws {
        let date = ("Date", "Sun, 06 Nov 1994 08:49:07 GMT")
        let retryAfter = ("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT")
        let answer = ReceiverAnswer.status(
            503, headers: isFirst ? [date, retryAfter] : [retryAfter, date], body: "later")
        try await WebhookReceiver.with(answers: ["/": answer]) { receiver in
            try await withWebhooks {
                #expect(
                    await $0.outcome(receiver.url()) == .deferred(code: 503, notBefore: .delay(seconds: 30)))
            }
        }
    }

    /// A head of so many lines, each of so many bytes with its end, the status line among them.
    private static func head(lines: Int, bytes: Int, closes: Bool = false) -> ReceiverAnswer {
        let line = "a:" + String(repeating: "x", count: bytes - 4) + "\r\n"
        return .raw(
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n" + String(repeating: line, count: lines - 2) + "\r\n",
            closes: closes)
    }

    private static let trailers =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n"

    @Test(arguments: [
        (head(lines: 100, bytes: 5), Outcome.accepted(code: 200)),
        (head(lines: 101, bytes: 5), .unreachable(.tooLarge)),
        (head(lines: 16_000, bytes: 4), .unreachable(.tooLarge)),
        (head(lines: 10, bytes: 2040), .accepted(code: 200)),
        (head(lines: 11, bytes: 2040), .unreachable(.tooLarge)),
        (head(lines: 3, bytes: 90_000), .unreachable(.tooLarge)),
        (
            .raw(String(repeating: "HTTP/1.1 103 Early Hints\r\n\r\n", count: 200), closes: false),
            .unreachable(.tooLarge)
        ),
        (
            .raw(
                "HTTP/1.1 103 Early Hints\r\n" + String(repeating: "a:\r\n", count: 60) + "\r\nHTTP/1.1 200 OK\r\n"
                    + String(repeating: "a:\r\n", count: 60) + "\r\n", closes: false), .unreachable(.tooLarge)
        ),
        (
            .raw(trailers + String(repeating: "a: b\r\n", count: 50) + "\r\n", closes: false), .accepted(code: 200)
        ),
        (
            .raw(trailers + String(repeating: "a: b\r\n", count: 200) + "\r\n", closes: false),
            .unreachable(.tooLarge)
        ),
    ])
    func `All heads of an exchange have at most 100 lines and 16 KiB together`(
        answer: ReceiverAnswer, outcome: Outcome
    ) async throws {
        try await WebhookReceiver.with(answers: ["/": answer]) { receiver in
            try await withWebhooks { #expect(await $0.outcome(receiver.url()) == outcome) }
            #expect(receiver.count == 1)
        }
    }

    @Test(arguments: [
        (ReceiverAnswer.close, Outcome.unreachable(.closed)), (.reset, .unreachable(.closed)),
        (.raw("HTTP/1.1 100 Continue\r\n\r\n", closes: true), .unreachable(.closed)),
        (.raw("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", closes: true), .unreachable(.closed)),
        (.raw("HTTP/1.1 200 OK\r\ncontent-le", closes: true), .unreachable(.closed)),
        (.raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab", closes: true), .unreachable(.closed)),
        (.raw("SSH-2.0-OpenSSH_9.2\r\n\r\n", closes: true), .unreachable(.malformed)),
        (.raw("hello", closes: true), .unreachable(.malformed)),
        (
            .raw("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Yes\r\ncontent-length: 0\r\n\r\n", closes: false),
            .accepted(code: 201)
        ),
        (.raw("HTTP/1.1 200 OK\r\n\r\nno length, closed at the end", closes: true), .accepted(code: 200)),
        (.raw("HTTP/1.0 200 OK\r\n\r\n", closes: true), .accepted(code: 200)),
        (
            .raw("HTTP/1.1 200 OK\r\nx: \(String(repeating: "y", count: 70_000))\r\n\r\n", closes: true),
            .unreachable(.tooLarge)
        ),
        (
            .raw(
                "HTTP/1.1 200 OK\r\n" + String(repeating: "x: \(String(repeating: "y", count: 1000))\r\n", count: 80),
                closes: false), .unreachable(.tooLarge)
        ),
        (
            .raw("HTTP/1.1 200 OK\r\nx: " + String(repeating: "y", count: 200_000), closes: false),
            .unreachable(.tooLarge)
        ),
        (.endlessBody, .accepted(code: 200)),
    ])
    func `A misbehaving endpoint has the outcome it deserves, once`(
        answer: ReceiverAnswer, outcome: Outcome
    ) async throws {
        try await WebhookReceiver.with(answers: ["/": answer]) { receiver in
            try await withWebhooks { #expect(await $0.outcome(receiver.url()) == outcome) }
            #expect(receiver.count == 1)
        }
    }

    @Test(arguments: [
        ReceiverAnswer.hang, .drip(every: .milliseconds(20)),
        .raw("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", closes: false),
        .raw("HTTP/1.1 100 Continue\r\n\r\n", closes: false),
    ])
    func `An answer that does not end is given up`(answer: ReceiverAnswer) async throws {
        var limits = HTTPClientLimits()
        limits.timeout = .milliseconds(300)
        try await WebhookReceiver.with(answers: ["/": answer]) { receiver in
            try await withWebhooks(limits: limits) {
                #expect(await $0.outcome(receiver.url()) == .unreachable(.timeout))
            }
        }
    }

    @Test func `A port without a listener and a name without an address are unreachable`() async throws {
        let port = try await freeLoopbackPort()
        try await withWebhooks { client in
            #expect(await client.outcome("http://127.0.0.1:\(port)/") == .unreachable(.connect))
            #expect(await client.outcome("http://absent.invalid/") == .unreachable(.resolve))
            #expect(await client.outcome("https://127.0.0.1:\(port)/") == .unreachable(.connect))
        }
    }

    @Test func `An endpoint that does not speak TLS is a failure of TLS`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withWebhooks { client in
                #expect(await client.outcome("https://127.0.0.1:\(receiver.port)/") == .unreachable(.tls))
            }
        }
    }

    @Test func `Many requests at once all end`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withWebhooks { client in
                let outcomes = await withTaskGroup(of: Outcome?.self) { group in
                    for index in 0..<2000 { group.addTask { await client.outcome(receiver.url("/\(index)")) } }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(outcomes.allSatisfy { $0 == .accepted(code: 204) })
            }
            #expect(Set(receiver.requests.map(\.uri)).count == 2000)
            #expect(receiver.count == 2000)
        }
    }

    @Test func `What is under way ends as aborted, and what comes later does too`() async throws {
        try await WebhookReceiver.with(answers: ["/": .hang]) { receiver in
            try await withWebhooks { client in
                async let first = client.post(receiver.url())
                try await receiver.waitFor(count: 1)
                client.abortAll()
                #expect(await first == .aborted)
                receiver.answer("/", with: .status(200))
                #expect(await client.outcome(receiver.url()) == .accepted(code: 200))
                client.stop()
                #expect(await client.post(receiver.url()) == .aborted)
            }
        }
    }

}
