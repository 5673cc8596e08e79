package import Domain
import HTTPClient
package import Store

/// The attempts at sessions that are under way, and those of them that are not sent yet: a value that says what each step means.
package struct SessionAttempts: Sendable {
    /// An attempt and how it ended, for its caller to complete.
    package typealias Ended = (attempt: Attempt, result: AttemptResult)

    fileprivate struct UnderWay {
        /// Without its body once the session has it.
        var attempt: Attempt
        let target: SessionTarget
        let user: Int
        let began: ContinuousClock.Instant
        /// nil while it is not known.
        var address: SessionAddress?
        /// When it ends without an answer.
        var endsAt: ContinuousClock.Instant
        /// Whether the session has it, and is to acknowledge it.
        var isUnacknowledged = false
    }

    private let timeMax: Duration
    private var last: UInt64 = 0
    private var underWay: [UInt64: UnderWay] = [:]
    /// Those whose sessions are to be found by their names.
    private var unlocated: [UInt64] = []
    private var waiting: [UInt64] = []
    /// Those that sessions acknowledge, by project.
    private var acknowledged: [ProjectID: Int] = [:]
    private var draining: Set<Int> = []
    private var closed: Set<Int> = []

    /// Attempts of one project that may wait for clients at once: each keeps a slot for as long as its client takes.
    package static let acknowledgedMax = 1_024
    /// How much longer a notifier waits than a node does: what a client says in time is on its way so long at most.
    private static let margin = Duration.seconds(5)

    /// - Parameter timeMax: How long an attempt may take until a node has said something of it.
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
            guard let subscriber = target.subscriber else {
                // Of another version, which may send it.
                ended.append((attempt, .postponed(Self.unreadable)))
                continue
            }
            if target.isAcknowledged {
                guard self.acknowledged[attempt.project, default: 0] < Self.acknowledgedMax else {
                    ended.append((attempt, .postponed(Self.soon)))
                    continue
                }
                self.acknowledged[attempt.project, default: 0] += 1
            }
            self.last += 1
            var one = UnderWay(attempt: attempt, target: target, user: user, began: now, endsAt: now + self.timeMax)
            switch subscriber {
            case .session(let address):
                one.address = address
                self.waiting.append(self.last)
            case .named: self.unlocated.append(self.last)
            }
            self.underWay[self.last] = one
        }
        return ended
    }

    // MARK: Names

    /// Attempts whose sessions are to be found.
    package struct Unlocated: Sendable {
        package fileprivate(set) var names: [SessionNames.Entry] = []
        fileprivate var numbers: [UInt64] = []
    }

    /// Takes attempts whose sessions are to be found, at most `limit`; nil when there are none.
    package mutating func nextUnlocated(upTo limit: Int) -> Unlocated? {
        guard !self.unlocated.isEmpty else { return nil }
        var taken = Unlocated()
        for number in self.unlocated.prefix(limit) {
            // Ended meanwhile: aborted, or overdue.
            guard let one = self.underWay[number], case .named(let name)? = one.target.subscriber else { continue }
            taken.names.append(SessionNames.Entry(name, of: one.target.queue))
            taken.numbers.append(number)
        }
        self.unlocated.removeFirst(min(limit, self.unlocated.count))
        return taken
    }

    /// The sessions of names were found, in their order; nil where none has the name: its messages wait for one.
    package mutating func located(
        _ unlocated: Unlocated, at sessions: [SessionAddress?], at now: ContinuousClock.Instant
    ) -> [Ended] {
        zip(unlocated.numbers, sessions).compactMap { number, session in
            guard let session else { return self.end(number, at: now) { _, _ in Self.withoutSession } }
            self.underWay[number]?.address = session
            self.waiting.append(number)
            return nil
        }
    }

    /// The store did not say where sessions are.
    package mutating func failed(
        _ unlocated: Unlocated, pause: Duration, at now: ContinuousClock.Instant
    ) -> [Ended] { self.hold(unlocated.numbers, for: pause, at: now) }

    private mutating func hold(
        _ numbers: [UInt64], for pause: Duration, at now: ContinuousClock.Instant
    ) -> [Ended] {
        numbers.compactMap { self.end($0, at: now) { _, _ in .held(nil, Exchange(), for: pause) } }
    }

    // MARK: Sending

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
            guard let one = self.underWay[number], let address = one.address else { continue }
            let (attempt, target) = (one.attempt, one.target)
            if nodes[address.node] == nil { order.append(address.node) }
            var entries = nodes.removeValue(forKey: address.node) ?? []
            // Those of one message come together.
            if let last = entries.last, last.body === attempt.body, last.queue == target.queue {
                entries[entries.count - 1].targets.append(one.sent(as: number, to: address))
            } else {
                entries.append((attempt.body, target.queue, [one.sent(as: number, to: address)]))
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
            switch result {
            case .appended: continue
            case .full: ended += numbers.compactMap { self.end($0, at: now, Self.notNow) }
            case .gone: ended += numbers.compactMap { self.end($0, at: now, Self.nodeHasEnded) }
            }
        }
        return ended
    }

    /// The store did not take a batch: nothing is known of the sessions.
    package mutating func failed(_ batch: Batch, pause: Duration, at now: ContinuousClock.Instant) -> [Ended] {
        self.hold(Array(batch.numbers.joined()), for: pause, at: now)
    }

    // MARK: Answers

    /// What an answer of a node means.
    package enum Answer: Sendable {
        case ended(Ended)
        /// The session has the message, and is to acknowledge it: the caller says that it waits.
        case waits(Attempt)
    }

    /// A node said how an attempt ended, or what it waits for; again is no news.
    package mutating func answered(
        _ number: UInt64, _ outcome: SessionInbox.Outcome, at now: ContinuousClock.Instant
    ) -> Answer? {
        switch outcome {
        case .unacknowledged(let seconds): self.wait(for: number, seconds, at: now)
        case .written: self.ended(number, at: now) { .finished(.accepted(code: 200), $1) }
        case .unknown: self.ended(number, at: now, Self.sessionHasEnded)
        case .full: self.ended(number, at: now, Self.notNow)
        case .unreadable: self.ended(number, at: now) { .finished(.refused(code: 422), $1) }
        case .rejected(let seconds):
            self.ended(number, at: now) {
                .finished(.deferred(code: 503, notBefore: seconds.map { .delay(seconds: $0) }), $1)
            }
        case .returned: self.ended(number, at: now) { _, _ in .aborted }
        }
    }

    private mutating func ended(
        _ number: UInt64, at now: ContinuousClock.Instant, _ result: (UnderWay, Exchange) -> AttemptResult
    ) -> Answer? { self.end(number, at: now, result).map { .ended($0) } }

    private mutating func wait(for number: UInt64, _ seconds: Int, at now: ContinuousClock.Instant) -> Answer? {
        guard let one = self.underWay[number], !one.isUnacknowledged else { return nil }
        // Nothing is lost by it: another notifier sends the message, and its node knows that the session has it.
        if self.draining.contains(one.user) { return self.ended(number, at: now) { _, _ in .aborted } }
        let seconds = min(max(seconds, 0), Acknowledgement.timeoutRange.upperBound)
        self.underWay[number]?.isUnacknowledged = true
        self.underWay[number]?.endsAt = now + .seconds(seconds) + Self.margin
        self.underWay[number]?.attempt = one.attempt.sent
        return .waits(one.attempt)
    }

    /// The nodes whose sessions are to acknowledge something.
    package var unacknowledgedNodes: Set<String> {
        Set(self.underWay.values.lazy.filter(\.isUnacknowledged).compactMap(\.address?.node))
    }

    /// Nodes have ended with what their sessions were to acknowledge: it goes to the next session of its name, or ends with its
    /// subscription.
    package mutating func ended(_ nodes: Set<String>, at now: ContinuousClock.Instant) -> [Ended] {
        guard !nodes.isEmpty else { return [] }
        return self.end(
            at: now, { one in one.isUnacknowledged && one.address.map { nodes.contains($0.node) } ?? false }
        ) { _, _ in .aborted }
    }

    /// Ends attempts that no node, or no client, has answered in time.
    package mutating func timePassed(at now: ContinuousClock.Instant) -> [Ended] {
        self.end(at: now, { now >= $0.endsAt }) { .finished(.unreachable(.timeout), $1) }
    }

    /// Ends what waits for clients of an engine, now and from now on.
    package mutating func drain(of user: Int, at now: ContinuousClock.Instant) -> [Ended] {
        self.draining.insert(user)
        return self.end(at: now, { $0.user == user && $0.isUnacknowledged }) { _, _ in .aborted }
    }

    package mutating func abortAll(of user: Int, closing: Bool, at now: ContinuousClock.Instant) -> [Ended] {
        if closing { self.closed.insert(user) }
        return self.end(at: now, { $0.user == user }) { _, _ in .aborted }
    }

    package mutating func abortAll(at now: ContinuousClock.Instant) -> [Ended] {
        self.end(at: now, { _ in true }) { _, _ in .aborted }
    }

    private static let gone = Outcome.gone(code: 410)
    /// How long what belongs to a name waits, at most, where no session has it: one that takes the name ends that at once.
    private static let withoutSession = AttemptResult.held(nil, Exchange(), for: .seconds(45))
    /// How long what is not taken now waits.
    private static let soon = Duration.seconds(1)
    private static let unreadable = Duration.seconds(60)

    private static func nodeHasEnded(_ one: UnderWay, _ exchange: Exchange) -> AttemptResult {
        guard case .named? = one.target.subscriber else { return .finished(self.gone, exchange) }
        return self.withoutSession
    }

    /// The session has ended, and its subscription with it unless that has a name, which another one may be about to take.
    private static func sessionHasEnded(_ one: UnderWay, _ exchange: Exchange) -> AttemptResult {
        guard case .named? = one.target.subscriber else { return .finished(self.gone, exchange) }
        return .postponed(self.soon)
    }

    /// The node or the session takes nothing now.
    ///
    /// What is acknowledged is handed back: it counts as an attempt only when the client had it.
    private static func notNow(_ one: UnderWay, _ exchange: Exchange) -> AttemptResult {
        one.target.isAcknowledged
            ? .postponed(self.soon) : .finished(.deferred(code: 503, notBefore: .delay(seconds: 1)), exchange)
    }

    private mutating func end(
        at now: ContinuousClock.Instant, _ isWanted: (UnderWay) -> Bool, _ result: (UnderWay, Exchange) -> AttemptResult
    ) -> [Ended] {
        self.underWay.filter { isWanted($0.value) }.keys.compactMap { self.end($0, at: now, result) }
    }

    private mutating func end(
        _ number: UInt64, at now: ContinuousClock.Instant, _ result: (UnderWay, Exchange) -> AttemptResult
    ) -> Ended? {
        guard let ended = self.underWay.removeValue(forKey: number) else { return nil }
        if ended.target.isAcknowledged {
            let project = ended.attempt.project
            let left = self.acknowledged[project, default: 0] - 1
            self.acknowledged[project] = left > 0 ? left : nil
        }
        var exchange = Exchange()
        exchange.total = Int((now - ended.began) / .milliseconds(1))
        return (ended.attempt, result(ended, exchange))
    }
}

extension SessionAttempts.UnderWay {
    /// As its node gets it.
    fileprivate func sent(as number: UInt64, to address: SessionAddress) -> SessionInbox.Target {
        // What is no message that was posted, as a test, is not acknowledged.
        let delivery = self.attempt.message.flatMap { message in
            self.target.isAcknowledged
                ? SessionInbox.Delivery(id: self.attempt.delivery, message: message, number: self.attempt.number) : nil
        }
        return SessionInbox.Target(attempt: number, session: address.session, delivery: delivery)
    }
}
