import Foundation
import NIOConcurrencyHelpers
import TestKit
import Testing

/// Callers that post numbered messages to one queue, each over a connection of its own, until they are stopped.
final class Load: Sendable {
    static let project = "deployment"
    static let headers = [
        ("Client-ID", "3381af92-2b9e-11e3-b191-71861300734c"), ("X-Project-Id", project),
        ("Content-Type", "application/json"),
    ]

    let ledger: Ledger
    private let queue: String
    private let address: String
    private let own: [(String, String)]
    private let isStopped = NIOLockedValueBox(false)

    /// - Parameter headers: Of each post, beside those that every request has.
    init(_ ledger: Ledger, on address: String, to queue: String, adding headers: [(String, String)] = []) {
        self.ledger = ledger
        self.queue = queue
        self.address = address
        self.own = headers
    }

    /// Waits until so many more posts were answered 201.
    func more(_ count: Int) async throws {
        let before = self.ledger.accepted.count
        let isReached: Bool? = try await eventually(within: .seconds(60)) {
            self.ledger.accepted.count >= before + count ? true : nil
        }
        #expect(isReached == true, "other answers: \(self.ledger.refused)")
    }

    /// Callers finish the request they are in, and send no other.
    func stop() { self.isStopped.withLockedValue { $0 = true } }

    /// Posts until `posts` messages have been tried, or the load is stopped or cancelled.
    ///
    /// - Parameter pause: Between two requests of one caller.
    func run(callers: Int, posts: Int = .max, pause: Duration = .zero) async {
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<callers {
                group.addTask { await self.call(posts: posts, pause: pause) }
            }
        }
    }

    private func call(posts: Int, pause: Duration) async {
        let caller = HTTPCaller(self.address)
        while !self.isStopped.withLockedValue({ $0 }), !Task.isCancelled, let number = self.ledger.next(below: posts) {
            let sent = ContinuousClock.now
            self.ledger.record(await self.post(number, with: caller), for: number, sent: sent)
            // Cancelled: the test is over, and so is the loop at its next turn.
            if pause > .zero { try? await Task.sleep(for: pause) }
        }
        await caller.close()
    }

    private func post(_ number: Int, with caller: HTTPCaller) async -> Ledger.Answer {
        do {
            let reply = try await caller.send(
                "POST", "/v2/queues/\(self.queue)/messages", headers: Self.headers + self.own,
                body: Ledger.body(of: number))
            if reply.status == 201 { return .accepted }
            // A 503 that does not invite a repeat says that the outcome is unknown (docs/api.md, "Errors").
            return .refused(status: reply.status, isCertain: reply["Retry-After"] != nil)
        } catch {
            // The process is away: come back in a moment, as a caller would.
            try? await Task.sleep(for: .milliseconds(10))
            return .unknown
        }
    }

    /// Subscribes an address to the queue.
    static func subscribe(_ url: String, to queue: String, on address: String) async throws {
        let caller = HTTPCaller(address)
        let reply = try await caller.send(
            "POST", "/v2/queues/\(queue)/subscriptions", headers: Self.headers,
            body: #"{"subscriber":"\#(url)","ttl":3600}"#)
        await caller.close()
        guard reply.status == 201 else { throw Unexpected(reply: reply) }
    }

    struct Unexpected: Error, CustomStringConvertible {
        let reply: HTTPReply
        var description: String { "\(self.reply)" }
    }
}
