import Domain
import NIOCore
import Notifier
import TestKit
import Testing

struct WebhookClientTests {
    @Test func `The request is exactly the one asked for`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withClient { client in
                let headers = ["Content-Type: application/json", "webhook-id: 1"]
                let result = await client.post(
                    receiver.url("/hook?x=1&y=%20"), headers: headers, body: #"{"a":"é"}"#)
                guard case .finished(let outcome, let exchange) = result else {
                    Issue.record("the request did not finish")
                    return
                }
                #expect(outcome == .accepted(status: 204))
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
            try await withClient { client in
                #expect(await client.outcome(receiver.url(), body: body) == .accepted(status: 204))
            }
            let request = try #require(receiver.requests.first)
            #expect(request.body.count == body.utf8.count)
            #expect(request["content-length"] == "\(body.utf8.count)")
            #expect(request["expect"] == nil)
        }
    }

    @Test func `User information becomes basic authentication, of this request only`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withClient { client in
                let target = "127.0.0.1:\(receiver.port)/"
                #expect(await client.outcome("http://us%65r:p%40ss@\(target)") == .accepted(status: 204))
                #expect(await client.outcome("http://\(target)") == .accepted(status: 204))
            }
            #expect(receiver.requests.map { $0["authorization"] } == ["Basic dXNlcjpwQHNz", nil])
        }
    }

    @Test(arguments: [
        (200, Outcome.accepted(status: 200)), (204, .accepted(status: 204)), (299, .accepted(status: 299)),
        (301, .refused(status: 301)), (302, .refused(status: 302)), (307, .refused(status: 307)),
        (304, .refused(status: 304)), (400, .refused(status: 400)), (401, .refused(status: 401)),
        (404, .refused(status: 404)), (410, .refused(status: 410)), (413, .refused(status: 413)),
        (408, .deferred(status: 408, retryAfter: nil)), (425, .deferred(status: 425, retryAfter: nil)),
        (429, .deferred(status: 429, retryAfter: nil)), (500, .deferred(status: 500, retryAfter: nil)),
        (503, .deferred(status: 503, retryAfter: nil)), (599, .deferred(status: 599, retryAfter: nil)),
    ])
    func `An answer is what its status says, and no redirect is followed`(
        status: Int, outcome: Outcome
    ) async throws {
        let answer = ReceiverAnswer.status(status, headers: [("location", "/elsewhere")], body: "")
        try await WebhookReceiver.with(answers: ["/": answer]) { receiver in
            try await withClient { #expect(await $0.outcome(receiver.url()) == outcome) }
            #expect(receiver.requests.map(\.path) == ["/"])
        }
    }

    @Test(arguments: [
        ("7", 7), ("  12\t", 12), ("soon", nil), ("-3", nil), ("", nil), ("Thu, 01 Jan 1970 00:00:10 GMT", 0),
    ])
    func `A wish to wait is heard and garbage is not`(text: String, seconds: Int?) async throws {
        let answer = ReceiverAnswer.status(503, headers: [("ReTrY-aFter", text)], body: "later")
        try await WebhookReceiver.with(answers: ["/": answer]) { receiver in
            try await withClient {
                #expect(await $0.outcome(receiver.url()) == .deferred(status: 503, retryAfter: seconds))
            }
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
            .accepted(status: 201)
        ),
        (.raw("HTTP/1.1 200 OK\r\n\r\nno length, closed at the end", closes: true), .accepted(status: 200)),
        (.raw("HTTP/1.0 200 OK\r\n\r\n", closes: true), .accepted(status: 200)),
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
        (.endlessBody, .accepted(status: 200)),
    ])
    func `A misbehaving endpoint has the outcome it deserves, once`(
        answer: ReceiverAnswer, outcome: Outcome
    ) async throws {
        try await WebhookReceiver.with(answers: ["/": answer]) { receiver in
            try await withClient { #expect(await $0.outcome(receiver.url()) == outcome) }
            #expect(receiver.count == 1)
        }
    }

    @Test(arguments: [
        ReceiverAnswer.hang, .drip(every: .milliseconds(20)),
        .raw("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", closes: false),
        .raw("HTTP/1.1 100 Continue\r\n\r\n", closes: false),
    ])
    func `An answer that does not end is given up`(answer: ReceiverAnswer) async throws {
        var limits = WebhookLimits()
        limits.timeout = .milliseconds(300)
        try await WebhookReceiver.with(answers: ["/": answer]) { receiver in
            try await withClient(limits: limits) {
                #expect(await $0.outcome(receiver.url()) == .unreachable(.timeout))
            }
        }
    }

    @Test func `A kept connection is used again`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withClient { client in
                for _ in 0..<5 { #expect(await client.outcome(receiver.url()) == .accepted(status: 204)) }
            }
            #expect(receiver.connections == 1)
        }
    }

    @Test func `A kept connection that closes at the next request is a failed attempt and not a second try`()
        async throws
    {
        try await WebhookReceiver.with(answers: ["/": .oncePerConnection]) { receiver in
            try await withClient { client in
                #expect(await client.outcome(receiver.url()) == .accepted(status: 204))
                #expect(await client.outcome(receiver.url()) == .unreachable(.closed))
                #expect(receiver.count == 2)
                #expect(await client.outcome(receiver.url()) == .accepted(status: 204))
            }
            #expect(receiver.count == 3)
        }
    }

    @Test func `A port nobody listens on and a name nobody has are unreachable`() async throws {
        let port = try await freeLoopbackPort()
        try await withClient { client in
            #expect(await client.outcome("http://127.0.0.1:\(port)/") == .unreachable(.connect))
            #expect(await client.outcome("http://nobody.invalid/") == .unreachable(.resolve))
            #expect(await client.outcome("https://127.0.0.1:\(port)/") == .unreachable(.connect))
        }
    }

    @Test func `An endpoint that does not speak TLS is a failure of TLS`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withClient { client in
                #expect(await client.outcome("https://127.0.0.1:\(receiver.port)/") == .unreachable(.tls))
            }
        }
    }

    @Test func `Many requests at once all end`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withClient { client in
                let outcomes = await withTaskGroup(of: Outcome?.self) { group in
                    for index in 0..<2000 { group.addTask { await client.outcome(receiver.url("/\(index)")) } }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(outcomes.allSatisfy { $0 == .accepted(status: 204) })
            }
            #expect(Set(receiver.requests.map(\.uri)).count == 2000)
            #expect(receiver.count == 2000)
        }
    }

    @Test func `What is under way ends as aborted, and what comes later does too`() async throws {
        try await WebhookReceiver.with(answers: ["/": .hang]) { receiver in
            try await withClient { client in
                async let first = client.post(receiver.url())
                try await receiver.waitFor(count: 1)
                client.abortAll()
                #expect(await first == .aborted)
                receiver.answer("/", with: .status(200))
                #expect(await client.outcome(receiver.url()) == .accepted(status: 200))
                client.stop()
                #expect(await client.post(receiver.url()) == .aborted)
            }
        }
    }
}
