import TestKit
import Testing

/// A queue that callers post to while something happens to its deployment, and its subscriber.
struct LoadedQueue: Sendable {
    let load: Load
    let queue: String
    /// Of its subscriber.
    let path: String

    /// Runs callers against queues at once, each with a subscriber of its own, around `body`; then posts to each have to go on.
    ///
    /// - Parameters:
    ///   - paths: The path of the subscriber of each queue.
    ///   - before: Posts to each that are answered 201 before the body begins.
    static func with(
        _ paths: KeyValuePairs<String, String>, on api: Deployment.Running, _ receiver: WebhookReceiver, before: Int,
        _ body: ([LoadedQueue]) async throws -> Void
    ) async throws -> [LoadedQueue] {
        let loads = paths.map { queue, path in
            LoadedQueue(load: Load(Ledger(), on: api.address, to: queue), queue: queue, path: path)
        }
        for each in loads { try await Load.subscribe(receiver.url(each.path), to: each.queue, on: api.address) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for each in loads { group.addTask { await each.load.run(callers: 4, pause: .milliseconds(5)) } }
            for each in loads { try await each.load.more(before) }
            try await body(loads)
            for each in loads { try await each.load.more(100) }
            for each in loads { each.load.stop() }
            try await group.waitForAll()
        }
        return loads
    }

    /// Holds what was promised against what arrived, and prints the figures.
    ///
    /// - Parameters:
    ///   - begun: When the time without a 201 is counted from.
    ///   - more: What else there is to say of that time.
    ///   - isUntouched: Whether there was no other answer than 201.
    func check(
        _ name: String, since begun: ContinuousClock.Instant, _ more: String, isUntouched: Bool,
        _ receiver: WebhookReceiver, _ deployment: Deployment
    ) async throws {
        let ledger = self.load.ledger
        let all = try await SurvivalTests.arrival(of: ledger, at: [self.path], of: receiver)
        let audit = ledger.audit(receiver.requests(at: self.path))
        report(
            name,
            "no 201 for \(ledger.longestPause(after: begun).milliseconds) ms, \(more); \(audit.promised) answered 201,"
                + " lost \(audit.missing.count), repeats \(audit.repeats); other answers \(ledger.refused)")
        #expect(all, "not everything arrived; \(deployment.logs)")
        #expect(audit.isClean && ledger.refused.keys.allSatisfy { $0 == 503 })
        if isUntouched { #expect(ledger.refused.isEmpty && ledger.unknown.isEmpty) }
    }
}

typealias SurvivalTests = OutageTests.SurvivalTests
