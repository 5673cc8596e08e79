import Domain
import HTTPClient
package import Store

/// The attempts at sessions that are under way, and those of them that are not sent yet: a value that says what each step means.
package struct SessionAttempts: Sendable {
    /// An attempt and how it ended, for its caller to complete.
    package typealias Ended = (attempt: Attempt, result: AttemptResult)

    private struct UnderWay {
        let attempt: Attempt
        let user: Int
        let began: ContinuousClock.Instant
    }

    private let timeMax: Duration
    private var last: UInt64 = 0
    private var underWay: [UInt64: UnderWay] = [:]
    private var waiting: [UInt64] = []
    private var closed: Set<Int> = []

    /// - Parameter timeMax: How long an attempt may take.
    package init(timeMax: Duration) {
        self.timeMax = timeMax
    }

    package var isEmpty: Bool { self.underWay.isEmpty }

    /// Takes attempts to be sent.
    ///
    /// - Returns: Those that are not: their engine has ended, or their address is none.
    package mutating func add(_ attempts: [Attempt], of user: Int, at now: ContinuousClock.Instant) -> [Ended] {
        var ended: [Ended] = []
        for attempt in attempts {
            guard !self.closed.contains(user) else {
                ended.append((attempt, .aborted))
                continue
            }
            guard let target = attempt.target as? SessionTarget else {
                preconditionFailure("an attempt has a target of another channel")
            }
            guard target.address != nil else {
                ended.append((attempt, .finished(Self.gone, Exchange())))
                continue
            }
            self.last += 1
            self.underWay[self.last] = UnderWay(attempt: attempt, user: user, began: now)
            self.waiting.append(self.last)
        }
        return ended
    }

    /// What is to be sent to one node.
    package struct Batch: Sendable {
        package let node: String
        package var entries: [SessionInbox.Entry] = []
        fileprivate var numbers: [[UInt64]] = []
    }

    package var hasWaiting: Bool { !self.waiting.isEmpty }

    /// Takes what waits, at most `limit` attempts, as one entry for each notification of a node.
    ///
    /// - Parameter bytesMax: Of notifications, behind which it stops.
    package mutating func nextBatches(upTo limit: Int, bytes bytesMax: Int, from notifier: String) -> [Batch] {
        let taken = self.takeWaiting(limit, bytesMax)
        var order: [String] = []
        var nodes: [String: [(body: PinnedBytes, queue: QueueAddress, targets: [SessionInbox.Target])]] = [:]
        for number in taken {
            // Ended meanwhile: aborted, or overdue.
            guard let attempt = self.underWay[number]?.attempt, let target = attempt.target as? SessionTarget,
                let address = target.address
            else { continue }
            if nodes[address.node] == nil { order.append(address.node) }
            let one = SessionInbox.Target(attempt: number, session: address.session)
            var entries = nodes.removeValue(forKey: address.node) ?? []
            // Those of one message come together.
            if let last = entries.last, last.body === attempt.body, last.queue == target.queue {
                entries[entries.count - 1].targets.append(one)
            } else {
                entries.append((attempt.body, target.queue, [one]))
            }
            nodes[address.node] = entries
        }
        return order.map { node in
            var batch = Batch(node: node)
            for entry in nodes[node] ?? [] {
                batch.entries.append(
                    SessionInbox.Entry(from: notifier, of: entry.queue, to: entry.targets, entry.body.bytes))
                batch.numbers.append(entry.targets.map(\.attempt))
            }
            return batch
        }
    }

    private mutating func takeWaiting(_ limit: Int, _ bytesMax: Int) -> [UInt64] {
        var (taken, bytes) = ([UInt64](), 0)
        var last: PinnedBytes?
        for number in self.waiting.prefix(limit) where bytes < bytesMax {
            taken.append(number)
            guard let body = self.underWay[number]?.attempt.body, body !== last else { continue }
            bytes += body.count
            last = body
        }
        self.waiting.removeFirst(taken.count)
        return taken
    }

    /// The entries of a batch are in the inbox of their node, or not.
    package mutating func appended(
        _ batch: Batch, _ results: [SessionInbox.Append], at now: ContinuousClock.Instant
    ) -> [Ended] {
        var ended: [Ended] = []
        for (numbers, result) in zip(batch.numbers, results) {
            let outcome: Outcome
            switch result {
            case .appended: continue
            case .full: outcome = Self.full
            case .gone: outcome = Self.gone
            }
            ended += numbers.compactMap { self.end($0, at: now) { .finished(outcome, $0) } }
        }
        return ended
    }

    /// The store did not take a batch: nothing is known of the sessions.
    package mutating func failed(_ batch: Batch, pause: Duration, at now: ContinuousClock.Instant) -> [Ended] {
        batch.numbers.joined().compactMap { self.end($0, at: now) { _ in .held(nil, Exchange(), for: pause) } }
    }

    /// A node said how an attempt ended; again is no news.
    package mutating func answered(
        _ number: UInt64, _ outcome: SessionInbox.Outcome, at now: ContinuousClock.Instant
    ) -> Ended? {
        self.end(number, at: now) { exchange in
            switch outcome {
            case .written: .finished(.accepted(code: 200), exchange)
            case .unknown: .finished(Self.gone, exchange)
            case .full: .finished(Self.full, exchange)
            case .unreadable: .finished(.refused(code: 422), exchange)
            }
        }
    }

    /// Ends attempts that no node has answered in time.
    package mutating func timePassed(at now: ContinuousClock.Instant) -> [Ended] {
        let timeMax = self.timeMax
        return self.end(at: now, { now - $0.began >= timeMax }) { .finished(.unreachable(.timeout), $0) }
    }

    package mutating func abortAll(of user: Int, closing: Bool, at now: ContinuousClock.Instant) -> [Ended] {
        if closing { self.closed.insert(user) }
        return self.end(at: now, { $0.user == user }) { _ in .aborted }
    }

    package mutating func abortAll(at now: ContinuousClock.Instant) -> [Ended] {
        self.end(at: now, { _ in true }) { _ in .aborted }
    }

    private static let gone = Outcome.gone(code: 410)
    private static let full = Outcome.deferred(code: 503, notBefore: .delay(seconds: 1))

    private mutating func end(
        at now: ContinuousClock.Instant, _ isWanted: (UnderWay) -> Bool, _ result: (Exchange) -> AttemptResult
    ) -> [Ended] {
        self.underWay.filter { isWanted($0.value) }.keys.compactMap { self.end($0, at: now, result) }
    }

    private mutating func end(
        _ number: UInt64, at now: ContinuousClock.Instant, _ result: (Exchange) -> AttemptResult
    ) -> Ended? {
        guard let ended = self.underWay.removeValue(forKey: number) else { return nil }
        var exchange = Exchange()
        exchange.total = Int((now - ended.began) / .milliseconds(1))
        return (ended.attempt, result(exchange))
    }
}
