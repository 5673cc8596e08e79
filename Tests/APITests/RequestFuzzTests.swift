import Domain
import Signing
import TestKit
import Testing

/// Paths, query strings and texts in headers, as no client would write them.
struct RequestFuzzTests {
    @Test(.timeLimit(.minutes(60))) func `Every target is answered, and never with a fault of ours`() async throws {
        var fuzzer = Fuzzer(
            "api-targets",
            corpus: [
                "/v2/queues/q/messages?limit=5&marker=abc&echo=true&include_claimed=1&include_delayed=off",
                "/v2/queues?limit=1&marker=a&detailed=True&with_count=true&name=q&_max=1",
                "/v2/queues/q/messages?ids=a,b,c%2Cd", "/v2/queues/q/subscriptions?limit=%2B5&marker=0",
                "/v2/queues/q/dead_letters?reason=exhausted&since=2026-01-01T00:00:00&limit=2",
                "/v2/queues/q%20r/stats",
                "/v2/queues/q/claims/0", "/v2/topics?limit=3", "/v2/queues/q/messages/x/deliveries", "/", "/v2",
            ],
            tokens: [
                "%", "%2", "%00", "%FF", "%2F", "%2E%2E", "..", "/", "//", "?", "&", "=", ",", "+", "+5", "-", "é",
                "limit=",
                "marker=", "ids=", "name=", ":", ";", "#", "\\", "*",
            ],
            rounds: 1500)
        let origin = fuzzer.origin
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await client.put("/v2/queues/q")
            try await fuzzer.run { (bytes: [UInt8]) async throws in
                // What ends the first line is another request's business.
                let target = String(decoding: bytes.filter { $0 > 0x20 && $0 != 0x7F }.prefix(4000), as: UTF8.self)
                let reply = try await client.send("GET", target.hasPrefix("/") ? target : "/" + target)
                #expect(
                    [200, 204, 300, 400, 403, 404, 405, 406].contains(reply.status), "\(origin): \(target) \(reply)")
            }
        }
    }

    @Test(.timeLimit(.minutes(60))) func `An expiry is a moment or none, and its text leads back to it`() throws {
        var fuzzer = Fuzzer(
            "api-expiries",
            corpus: [
                "2026-01-01T00:00:00", "2026-01-01 02:00:00+02:00", "20260101T000000Z", "2026-02-29",
                "9999-12-31T23:59:59",
                "2026-W01-1", "2026-001",
            ],
            tokens: ["-", ":", "T", "Z", "+", ".", " ", "W", "é", "0000", "24", "60"], rounds: 8000)
        let origin = fuzzer.origin
        try fuzzer.run { (bytes: [UInt8]) in
            let text = String(decoding: bytes, as: UTF8.self)
            guard let expiry = SignedURLExpiry(text) else { return }
            #expect(SignedURLExpiry(expiry.text) == expiry, "\(origin): \(text)")
        }
    }
}
