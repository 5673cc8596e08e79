import Domain
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Runtime
import Store

/// The requests of this process that wait for messages (docs/decisions/0058-requests-that-wait.md).
///
/// ```
///  request ── look: nothing ──► wait ── signal ──► look ──► messages
///                                │ ▲
///                 time is over,  │ └── Redis: a post, a release; or a claim lapses, a delay passes
///                 peer is gone   ▼
///                              nothing
/// ```
/// One that waits costs neither a thread nor calls of Redis: for each queue Redis is asked for signals once in a while, and has
/// one timer. Of those that take messages a signal wakes one, and each that has found some wakes the next: so a message for
/// which thousands wait is not looked for by thousands.
package final class QueueWaits: Sendable {
    /// Requests of one project that wait at once.
    package static let waitsDefault = 4_096

    /// What a request that waits does with messages.
    enum Use: Sendable {
        /// It takes them, so that others do not find them.
        case take
        case read
    }

    fileprivate struct Waiter: Sendable {
        let signal: AsyncSignal
        let use: Use
        /// Was woken, and has not looked to the end since.
        var isLooking = false
    }

    fileprivate struct Queue: Sendable {
        /// In the order in which they came.
        var waiters: [UInt64] = []
        /// Until when Redis signals.
        var requestedUntil = NIODeadline.distantPast
        var timer: (at: NIODeadline, task: Scheduled<Void>)?
    }

    fileprivate struct State: Sendable {
        var queues: [String: Queue] = [:]
        var waiters: [UInt64: Waiter] = [:]
        var counts: [ProjectID: Int] = [:]
        var last: UInt64 = 0
    }

    private let waitsMax: Int
    private let eventLoop: any EventLoop
    private let state = NIOLockedValueBox(State())

    /// - Parameter waitsMax: Of one project.
    package init(waitsMax: Int = QueueWaits.waitsDefault) {
        precondition(waitsMax > 0, "a project may have nothing that waits")
        self.waitsMax = waitsMax
        self.eventLoop = MultiThreadedEventLoopGroup.singleton.next()
    }

    /// Requests that wait.
    package var count: Int { self.state.withLockedValue { $0.waiters.count } }

    /// Looks again whenever there may be messages, until something is found or the time is over.
    ///
    /// Cancelling the task ends the wait with nothing.
    ///
    /// - Parameters:
    ///   - store: Where the queue lives.
    ///   - turn: Given up while nothing is looked for.
    ///   - look: Finds something, or nil.
    /// - Returns: nil when nothing was found.
    /// - Throws: `StoreError.overloaded` when the project has too many that wait.
    func wait<Found>(
        for queue: QueueAddress, in store: Store, to use: Use, until deadline: NIODeadline, _ turn: ProjectTurn,
        _ look: () async throws -> Found?
    ) async throws -> Found? {
        let name = store.signals.name(of: queue)
        let signal = AsyncSignal()
        guard let number = self.begin(name, queue.project, signal, use) else { throw StoreError.overloaded }
        defer { self.end(number, name, queue.project) }
        let timer = self.eventLoop.scheduleTask(deadline: deadline) { signal.finish() }
        defer { timer.cancel() }
        store.signals.listen { self.received($0) }
        while true {
            if self.mustRequest(name, until: deadline) {
                let requestedUntil = NIODeadline.now() + Self.requestLife
                self.requested(name, until: requestedUntil, due: try await store.signals.request(queue))
            }
            if let found = try await look() { return found }
            self.lookedInVain(number)
            turn.leave()
            let isSignalled = await withTaskCancellationHandler {
                await signal.wait()
            } onCancel: {
                signal.finish()
            }
            guard isSignalled else { break }
            try await turn.enter()
        }
        // What was published meanwhile is lost.
        guard !store.signals.isListening, !Task.isCancelled else { return nil }
        try await turn.enter()
        return try await look()
    }

    /// Less than Redis is asked for, so that there is no gap.
    private static let requestLife = TimeAmount(QueueSignals.life - .seconds(2))
    /// Requests again with less than this left.
    private static let requestAgain = TimeAmount(QueueSignals.life / 4)

    // MARK: Those that wait

    private func begin(_ name: String, _ project: ProjectID, _ signal: AsyncSignal, _ use: Use) -> UInt64? {
        self.state.withLockedValue { state in
            guard state.counts[project, default: 0] < self.waitsMax else { return nil }
            state.counts[project, default: 0] += 1
            state.last += 1
            // Its first look comes by itself, and wakes others when it finds something.
            state.waiters[state.last] = Waiter(signal: signal, use: use, isLooking: true)
            state.queues[name, default: Queue()].waiters.append(state.last)
            return state.last
        }
    }

    private func end(_ number: UInt64, _ name: String, _ project: ProjectID) {
        let (next, timer) = self.state.withLockedValue { state -> (AsyncSignal?, Scheduled<Void>?) in
            let waiter = state.waiters.removeValue(forKey: number)
            state.counts[project, default: 1] -= 1
            if state.counts[project] == 0 { state.counts[project] = nil }
            state.queues[name]?.waiters.removeAll { $0 == number }
            guard state.queues[name]?.waiters.isEmpty == false else {
                return (nil, state.queues.removeValue(forKey: name)?.timer?.task)
            }
            // What it did not take, or did not look for any more, is for the next.
            guard let waiter, waiter.use == .take, waiter.isLooking else { return (nil, nil) }
            return (state.wakeOneThatTakes(of: name), nil)
        }
        timer?.cancel()
        next?.signal()
    }

    private func lookedInVain(_ number: UInt64) {
        self.state.withLockedValue { $0.waiters[number]?.isLooking = false }
    }

    // MARK: Signals

    private func received(_ signal: QueueSignals.Signal) {
        switch signal {
        case .anything:
            for name in self.state.withLockedValue({ Array($0.queues.keys) }) { self.wake(name) }
        case .queue(let name, let wait):
            if wait == .zero { self.wake(name) } else { self.schedule(name, at: .now() + TimeAmount(wait)) }
        }
    }

    private func wake(_ name: String) {
        for signal in self.state.withLockedValue({ $0.wake(name) }) { signal.signal() }
    }

    private func mustRequest(_ name: String, until deadline: NIODeadline) -> Bool {
        self.state.withLockedValue { state in
            state.queues[name].map { $0.requestedUntil < min(deadline, .now() + Self.requestAgain) } ?? false
        }
    }

    private func requested(_ name: String, until deadline: NIODeadline, due: Duration?) {
        self.state.withLockedValue { state in
            guard let before = state.queues[name]?.requestedUntil else { return }
            state.queues[name]?.requestedUntil = max(before, deadline)
        }
        if let due { self.schedule(name, at: .now() + TimeAmount(due)) }
    }

    /// Wakes those that wait for a queue at a time, unless they are woken before.
    private func schedule(_ name: String, at time: NIODeadline) {
        let earlier = self.state.withLockedValue { state -> Scheduled<Void>? in
            guard let queue = state.queues[name], time < queue.timer?.at ?? .distantFuture else { return nil }
            let task = self.eventLoop.scheduleTask(deadline: time) {
                self.state.withLockedValue { $0.queues[name]?.timer = nil }
                self.wake(name)
            }
            state.queues[name]?.timer = (time, task)
            return queue.timer?.task
        }
        earlier?.cancel()
    }
}

extension QueueWaits.State {
    /// - Returns: The signals of those to wake: all that read, and one that takes.
    fileprivate mutating func wake(_ name: String) -> [AsyncSignal] {
        guard let queue = self.queues[name] else { return [] }
        let readers = queue.waiters.compactMap { number in
            self.waiters[number].flatMap { $0.use == .read ? $0.signal : nil }
        }
        return readers + [self.wakeOneThatTakes(of: name)].compactMap(\.self)
    }

    /// - Returns: The signal of the one that waits for longest; of one that looks already when all do, so that it looks again.
    fileprivate mutating func wakeOneThatTakes(of name: String) -> AsyncSignal? {
        guard let queue = self.queues[name] else { return nil }
        var looking: UInt64?
        for number in queue.waiters where self.waiters[number]?.use == .take {
            if self.waiters[number]?.isLooking == false {
                self.waiters[number]?.isLooking = true
                return self.waiters[number]?.signal
            }
            if looking == nil { looking = number }
        }
        return looking.flatMap { self.waiters[$0]?.signal }
    }
}
