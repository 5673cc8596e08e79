import Domain
import HTTPClient
import Notifier
import TestKit
import Testing

/// What endpoints answer: whatever the bytes, an attempt has an outcome, and the next one goes its way.
struct AnswerFuzzTests {
    @Test(.timeLimit(.minutes(60))) func `Every answer is an outcome, and the next attempt is delivered`() async throws
    {
        var fuzzer = Fuzzer(
            "notifier-answers",
            corpus: [
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n\r\nok",
                "HTTP/1.1 503 x\r\nRetry-After: 120\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 429 x\r\nRetry-After: Sunday, 06-Nov-94 08:49:37 GMT\r\n\r\n",
                "HTTP/1.1 503 x\r\nRetry-After: Sun Nov  6 08:49:37 1994\r\nConnection: close\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: a\r\n\r\n2\r\nok\r\n0\r\na: b\r\n\r\n",
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nLink: <a>\r\n\r\nHTTP/1.1 201 Created\r\n\r\n",
                "HTTP/1.0 301 x\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
                "HTTP/1.1 401 x\r\nWWW-Authenticate: Digest realm=\"a\", nonce=\"b\"\r\nSet-Cookie: a=b\r\n\r\n",
            ],
            tokens: [
                "\r\n", "\n", ":", " ", "\t", ";", ",", "\0", "a:\r\n", "Retry-After: ", "Content-Length: ", "Date: ",
                "GMT",
                "Content-Encoding: gzip\r\n", "Transfer-Encoding: ", "chunked", "HTTP/1.1 ", "HTTP/2 ", "HTTP/0.9",
                "FFFFFFFF",
                "Connection: ", "keep-alive", "Upgrade: h2c\r\n", "é", "Nov", "Feb", "29", "08:49:60",
            ],
            rounds: 400)
        let origin = fuzzer.origin
        var limits = HTTPClientLimits()
        limits.timeout = .seconds(20)
        try await WebhookReceiver.with { receiver in
            // Another one, since a connection to the first may be about to close.
            try await WebhookReceiver.with { sound in
                try await withWebhooks(limits: limits) { client in
                    try await fuzzer.run { (bytes: [UInt8]) async throws in
                        let answer = String(decoding: bytes, as: UTF8.self)
                        receiver.answer("/", with: .raw(answer, closes: true))
                        #expect(await client.outcome(receiver.url()) != nil, "\(origin): \(answer.debugDescription)")
                        #expect(
                            await client.outcome(sound.url()) == .accepted(code: 204),
                            "\(origin): behind \(answer.debugDescription)")
                    }
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(60))) func `A wait is read or refused, and is never below zero nor beyond its bound`()
        throws
    {
        var fuzzer = Fuzzer(
            "notifier-waits",
            corpus: [
                "120", "0", "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                "Sun Nov  6 08:49:37 1994",
                "Thu, 29 Feb 9999 23:59:60 GMT",
            ],
            tokens: [" ", ",", "-", ":", "GMT", "Nov", "Feb", "29", "9999", "+", "é", "١"], rounds: 8000)
        let origin = fuzzer.origin
        try fuzzer.run { (bytes: [UInt8]) in
            let text = String(decoding: bytes, as: UTF8.self)
            for date in [nil, text, "Sun, 06 Nov 1994 08:49:36 GMT"] {
                guard case .delay(let seconds) = NotBefore(retryAfter: text, sentAt: date) else { continue }
                #expect((0...NotBefore.secondsMax).contains(seconds), "\(origin): \(text)")
            }
        }
    }
}
