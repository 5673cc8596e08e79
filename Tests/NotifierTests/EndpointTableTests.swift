import Domain
import Foundation
import HTTPClient
import NIOCore
import Notifier
import Store
import TestKit
import Testing

/// Every way an endpoint can fail, through a whole notifier, as the log of attempts shows it.
struct EndpointTableTests {
    private static let timeout = Duration.milliseconds(1500)
    private static let connectTimeout = Duration.milliseconds(700)

    private struct Row {
        let what: String
        let url: String
        /// How the first attempt ended, `503` or `timeout`.
        let end: String
        /// How many attempts were made under a policy of one more.
        let attempts: Int
        /// What must end it; nil where it does not run out of time.
        var deadline: Duration?
    }

    /// Behaviours of a receiver, each at a path of its own.
    private static let behaviours: [(what: String, answer: ReceiverAnswer, end: String, attempts: Int)] = [
        ("answers 200", .status(200), "200", 1),
        ("answers 204", .status(204), "204", 1),
        (
            // A raw answer is the last of its connection, so that one is not to be kept: another row would wait on it.
            "answers 100, then 201",
            raw("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Yes\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"),
            "201", 1
        ),
        ("answers 102 and closes", .raw("HTTP/1.1 102 Processing\r\n\r\n", closes: true), "closed", 2),
        ("answers 100 and nothing more", raw("HTTP/1.1 100 Continue\r\n\r\n"), "timeout", 2),
        ("redirects, 301", .status(301, headers: [("location", "/elsewhere")]), "301", 2),
        ("redirects, 307", .status(307, headers: [("location", "/elsewhere")]), "307", 2),
        ("answers 404", .status(404), "404", 2),
        ("answers 403", .status(403), "403", 2),
        ("answers 410", .status(410), "410", 1),
        ("answers 429", .status(429), "429", 2),
        ("answers 429, Retry-After: 0", .status(429, headers: [("retry-after", "0")]), "429", 2),
        ("answers 503, a date of the past", past, "503", 2),
        ("answers 503, Retry-After: soon", .status(503, headers: [("retry-after", "soon")]), "503", 2),
        ("answers 500, then 200", .sequence([.status(500), .status(200)]), "500", 2),
        ("reads the request and closes", .close, "closed", 2),
        ("reads the request and resets", .reset, "closed", 2),
        ("closes in its headers", .raw("HTTP/1.1 200 OK\r\ncontent-le", closes: true), "closed", 2),
        ("closes in its body", .raw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", closes: true), "closed", 2),
        ("resets in its body", .cutOff("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"), "closed", 2),
        ("hangs before its first byte", .hang, "timeout", 2),
        ("hangs in its headers", raw("HTTP/1.1 200 OK\r\ncontent-le"), "timeout", 2),
        ("hangs in its body", raw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"), "timeout", 2),
        ("drips its body, a byte each 20 ms", .drip(every: .milliseconds(20)), "timeout", 2),
        ("has a body without an end", .endlessBody, "200", 1),
        (
            "has 80 kB of headers",
            raw("HTTP/1.1 200 OK\r\n" + String(repeating: "x: \(String(repeating: "y", count: 1000))\r\n", count: 80)),
            "too_large", 2
        ),
        (
            "has 16,000 header lines", raw("HTTP/1.1 200 OK\r\n" + String(repeating: "a:\r\n", count: 16_000)),
            "too_large",
            2
        ),
        ("speaks SSH", .raw("SSH-2.0-OpenSSH_9.2\r\n\r\n", closes: true), "malformed", 2),
    ]

    private static let past = ReceiverAnswer.status(503, headers: [("retry-after", "Thu, 01 Jan 1970 00:00:10 GMT")])

    private static func raw(_ text: String) -> ReceiverAnswer { .raw(text, closes: false) }

    /// One immediate retry, and no other within the life of the message.
    private static let options =
        #"{"_retry_policy": {"retries_with_no_delay": 1, "minimum_delay": 100, "maximum_delay": 110}}"#

    @Test func `Every endpoint has the outcome it deserves in the log, and no deadline is overshot by much`()
        async throws
    {
        var answers: [String: ReceiverAnswer] = [:]
        for (index, behaviour) in Self.behaviours.enumerated() { answers["/\(index)"] = behaviour.answer }
        try await WebhookReceiver.with(answers: answers) { receiver in
            try await WebhookReceiver.with(host: "::1") { sixth in
                try await DifficultEndpoints.with { difficult in
                    let closed = try await freeLoopbackPort()
                    var rows = Self.behaviours.enumerated().map { index, behaviour in
                        Row(
                            what: behaviour.what, url: receiver.url("/\(index)"), end: behaviour.end,
                            attempts: behaviour.attempts,
                            deadline: behaviour.end == "timeout" ? Self.timeout : nil)
                    }
                    rows += [
                        Row(
                            what: "has a port without a listener", url: "http://127.0.0.1:\(closed)/", end: "connect",
                            attempts: 2),
                        Row(
                            what: "never accepts the connection", url: "http://127.0.0.1:\(difficult.silent)/",
                            end: "timeout", attempts: 2, deadline: Self.timeout),
                        Row(
                            what: "has a full queue of connections", url: "http://127.0.0.1:\(difficult.full)/",
                            end: "timeout", attempts: 2, deadline: Self.connectTimeout),
                        Row(
                            what: "hangs in the TLS handshake", url: "https://127.0.0.1:\(difficult.silent)/",
                            end: "timeout", attempts: 2, deadline: Self.connectTimeout),
                        Row(what: "speaks no TLS", url: "https://127.0.0.1:\(receiver.port)/", end: "tls", attempts: 2),
                        Row(
                            what: "has a self-signed certificate", url: "https://127.0.0.1:\(difficult.selfSigned)/",
                            end: "tls", attempts: 2),
                        Row(
                            what: "has a body of 10 MB, gzipped to 10 kB", url: "http://127.0.0.1:\(difficult.bomb)/",
                            end: "200", attempts: 1),
                        Row(what: "has IPv6 only", url: "http://[::1]:\(sixth.port)/", end: "204", attempts: 1),
                        Row(
                            what: "has an unknown name", url: "http://absent.invalid/", end: "resolve", attempts: 2),
                        Row(
                            what: "lies at an address that is not open", url: "http://169.254.169.254/",
                            end: "forbidden", attempts: 1),
                    ]
                    try await self.check(rows)
                }
            }
        }
    }

    private func check(_ rows: [Row]) async throws {
        var limits = HTTPClientLimits()
        (limits.timeout, limits.connectTimeout) = (Self.timeout, Self.connectTimeout)
        try await withTestDeployment { deployment in
            var ids: [SubscriptionID] = []
            for row in rows { ids.append(try await deployment.subscribe(row.url, options: Self.options)) }
            try await deployment.withNotifier(limits: limits, opening: ["127.0.0.0/8", "::1"]) { [ids] in
                try await deployment.post(#"{"n": 1}"#, ttl: 60)
                let counts = try await eventually {
                    var counts: [Int] = []
                    for id in ids {
                        let health = try await deployment.store.deliveries.health(
                            of: deployment.queue, subscription: id)
                        guard let health, health.backlog == 0, health.inFlight == 0 else { return [Int]?.none }
                        counts.append(health.log.attempts.count)
                    }
                    return zip(counts, rows).allSatisfy { $0 >= $1.attempts } ? counts : nil
                }
                #expect(counts != nil)
            }
            var worst = 0
            for (row, id) in zip(rows, ids) {
                let health = try await deployment.store.deliveries.health(of: deployment.queue, subscription: id)
                let attempts = health?.log.attempts ?? []
                let first = try #require(attempts.last, "\(row.what): no attempt")
                let end = first.report.end.word
                #expect(
                    end == row.end && attempts.count == row.attempts,
                    "\(row.what): \(end), \(attempts.count), \(attempts.map(\.report))")
                var over = ""
                if let deadline = row.deadline {
                    let overshoot =
                        (attempts.map(\.report.exchange.total).max() ?? 0) - Int(deadline / .milliseconds(1))
                    #expect(overshoot >= -1, "\(row.what): given up too early")
                    worst = max(worst, overshoot)
                    over = ", \(overshoot) ms over its deadline"
                }
                print("figure: endpoint \(row.what): \(end), \(attempts.count) of 2 attempts\(over)")
            }
            print("figure: endpoints: worst overshoot of a deadline \(worst) ms, all \(rows.count) at once")
        }
    }
}

extension AttemptReport.End {
    fileprivate var word: String {
        if case .answered(let status) = self { "\(status)" } else { self.error ?? "" }
    }
}
