import ArgumentParser
import Foundation
import HTTPClient
import Logging
import NIOConcurrencyHelpers

/// The HTTP client alone: the same bodies to the same sink, as many at once as asked for, and no Redis.
struct BareHooks: AsyncParsableCommand {
    @Option var url: String
    @Option var inFlight: Int = 64
    @Option var requests: Int = 50_000

    func run() async throws {
        let client = try CurlClient(
            limits: HTTPClientLimits(), egress: EgressPolicy(opened: [AddressRange("127.0.0.0/8")].compactMap(\.self)),
            userAgent: "herald/bench", logger: Logger(label: "bare-hooks"))
        let body = PinnedBytes(
            Array(#"{"body":{"pad":"\#(String(repeating: "x", count: 200))"},"ttl":3600,"queue_name":"q"}"#.utf8))
        let url = try HTTPURL(self.url)
        let headers = ["Content-Type: application/json"]
        let start = ContinuousClock.now
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            let sender = Sender(
                client: client, url: url, headers: headers, body: body, requests: self.requests, done: done)
            for _ in 0..<self.inFlight { sender.sendNext() }
        }
        let seconds = start.duration(to: .now) / .seconds(1)
        client.stop()
        print(#"{"per_second":\#(Double(self.requests) / seconds)}"#)
    }
}

/// Sends the next request whenever one has ended.
private final class Sender: Sendable {
    private let client: CurlClient
    private let url: HTTPURL
    private let headers: [String]
    private let body: PinnedBytes
    private let requests: Int
    private let done: CheckedContinuation<Void, Never>
    private let counts = NIOLockedValueBox((sent: 0, ended: 0))

    init(
        client: CurlClient, url: HTTPURL, headers: [String], body: PinnedBytes, requests: Int,
        done: CheckedContinuation<Void, Never>
    ) {
        self.client = client
        self.url = url
        self.headers = headers
        self.body = body
        self.requests = requests
        self.done = done
    }

    func sendNext() {
        let isLeft = self.counts.withLockedValue { counts in
            counts.sent += 1
            return counts.sent <= self.requests
        }
        guard isLeft else { return }
        self.client.send([
            HTTPClientRequest(.post, self.url, headers: self.headers, body: self.body) { _ in
                let isLast = self.counts.withLockedValue { counts in
                    counts.ended += 1
                    return counts.ended == self.requests
                }
                if isLast { self.done.resume() } else { self.sendNext() }
            }
        ])
    }
}
