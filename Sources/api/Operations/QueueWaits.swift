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

    /// A queue of a store; the same name may be in several.
    fileprivate struct Name: Hashable, Sendable {
        let source: QueueSignals.Source
        let text: String
    }

    fileprivate struct Waiter: Sendable {
        let signal: AsyncSignal
        let use: Use
        /// It looks, or was woken to.
        var isLooking = true
        /// Was woken while it looked: what it finds may be older than that.
        var mustLookAgain = false
    }

    fileprivate struct Queue: Sendable {
        /// In the order in which they came.
        var waiters: [UInt64] = []
        /// Until when Redis signals.
        var requestedUntil = NIODeadline.distantPast
        /// One of those that wait has to ask when something is due next.
        var asksForTime = false
        var timer: (at: NIODeadline, task: Scheduled<Void>)?
    }

    fileprivate struct State: Sendable {
        var queues: [Name: Queue] = [:]
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

    // MARK: Those that wait

    /// Takes a place among the requests that wait.
    ///
    /// - Throws: `StoreError.overloaded` when the project has too many.
    func begin(for queue: QueueAddress, in store: Store, to use: Use) throws(StoreError) -> QueueWait {
        store.signals.listen { self.received($0, from: store.signals.source) }
        let name = Name(source: store.signals.source, text: store.signals.name(of: queue))
        let signal = AsyncSignal()
        let number = self.state.withLockedValue { state -> UInt64? in
            guard state.counts[queue.project, default: 0] < self.waitsMax else { return nil }
            state.counts[queue.project, default: 0] += 1
            state.last += 1
            state.waiters[state.last] = Waiter(signal: signal, use: use)
            state.queues[name, default: Queue()].waiters.append(state.last)
            return state.last
        }
        guard let number else { throw .overloaded }
        return QueueWait(self, queue, store, name, signal, number: number)
    }

    fileprivate func end(_ number: UInt64, _ name: Name, _ project: ProjectID) {
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

    fileprivate func lookedInVain(_ number: UInt64) {
        self.state.withLockedValue { state in
            guard state.waiters[number]?.mustLookAgain == true else {
                state.waiters[number]?.isLooking = false
                return
            }
            state.waiters[number]?.mustLookAgain = false
        }
    }

    /// What one that takes would have found is found later: the others would fail as it did.
    fileprivate func lookFailed(_ number: UInt64, _ name: Name) {
        self.state.withLockedValue { $0.waiters[number]?.isLooking = false }
        self.schedule(name, at: .now() + Self.pauseAfterFailure)
    }

    private static let pauseAfterFailure = TimeAmount.seconds(1)

    fileprivate func wakes(_ signal: AsyncSignal, at deadline: NIODeadline) -> Scheduled<Void> {
        self.eventLoop.scheduleTask(deadline: deadline) { signal.signal() }
    }

    // MARK: Requests to Redis

    fileprivate func mustRequest(_ name: Name, until deadline: NIODeadline) -> Bool {
        self.state.withLockedValue { state in
            guard let queue = state.queues[name] else { return false }
            state.queues[name]?.asksForTime = false
            return queue.asksForTime || queue.requestedUntil < deadline
        }
    }

    fileprivate func requested(_ name: Name, until deadline: NIODeadline, due: Duration?) {
        self.state.withLockedValue { state in
            guard let before = state.queues[name]?.requestedUntil else { return }
            state.queues[name]?.requestedUntil = max(before, deadline)
        }
        if let due { self.schedule(name, at: .now() + TimeAmount(due)) }
    }

    fileprivate func requestFailed(_ name: Name) {
        self.state.withLockedValue { $0.queues[name]?.asksForTime = true }
    }

    // MARK: Signals

    private func received(_ signal: QueueSignals.Signal, from source: QueueSignals.Source) {
        switch signal {
        case .anything:
            let signals = self.state.withLockedValue { state -> [AsyncSignal] in
                var signals: [AsyncSignal] = []
                for name in state.queues.keys where name.source == source {
                    // It may be a Redis that knows of no request.
                    state.queues[name]?.requestedUntil = .distantPast
                    signals += state.wake(name)
                }
                return signals
            }
            for signal in signals { signal.signal() }
        case .queue(let text, let wait):
            let name = Name(source: source, text: text)
            if wait == .zero { self.wake(name) } else { self.schedule(name, at: .now() + TimeAmount(wait)) }
        }
    }

    private func wake(_ name: Name) {
        for signal in self.state.withLockedValue({ $0.wake(name) }) { signal.signal() }
    }

    /// Wakes those that wait for a queue at a time, unless they are woken before.
    private func schedule(_ name: Name, at time: NIODeadline) {
        let earlier = self.state.withLockedValue { state -> Scheduled<Void>? in
            guard let queue = state.queues[name], time < queue.timer?.at ?? .distantFuture else { return nil }
            let task = self.eventLoop.scheduleTask(deadline: time) {
                self.state.withLockedValue { state in
                    state.queues[name]?.timer = nil
                    state.queues[name]?.asksForTime = true
                }
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
    fileprivate mutating func wake(_ name: QueueWaits.Name) -> [AsyncSignal] {
        guard let queue = self.queues[name] else { return [] }
        let readers = queue.waiters.compactMap { number in
            self.waiters[number].flatMap { $0.use == .read ? $0.signal : nil }
        }
        return readers + [self.wakeOneThatTakes(of: name)].compactMap(\.self)
    }

    /// - Returns: The signal of the one that waits for longest; of one that looks already when all do, so that it looks again.
    fileprivate mutating func wakeOneThatTakes(of name: QueueWaits.Name) -> AsyncSignal? {
        guard let queue = self.queues[name] else { return nil }
        var looking: UInt64?
        for number in queue.waiters where self.waiters[number]?.use == .take {
            if self.waiters[number]?.isLooking == false {
                self.waiters[number]?.isLooking = true
                return self.waiters[number]?.signal
            }
            if looking == nil { looking = number }
        }
        guard let looking else { return nil }
        self.waiters[looking]?.mustLookAgain = true
        return self.waiters[looking]?.signal
    }
}

/// The place of one request among those that wait for messages of a queue; it is given back with the last reference.
package final class QueueWait: Sendable {
    private let waits: QueueWaits
    private let queue: QueueAddress
    private let store: Store
    private let name: QueueWaits.Name
    private let signal: AsyncSignal
    private let number: UInt64

    fileprivate init(
        _ waits: QueueWaits, _ queue: QueueAddress, _ store: Store, _ name: QueueWaits.Name, _ signal: AsyncSignal,
        number: UInt64
    ) {
        self.waits = waits
        self.queue = queue
        self.store = store
        self.name = name
        self.signal = signal
        self.number = number
    }

    /// Whether it is of a queue in that store.
    func isIn(_ store: Store) -> Bool { self.name.source == store.signals.source }

    deinit { self.waits.end(self.number, self.name, self.queue.project) }

    /// Less than Redis is asked for, so that there is no gap, and longer than anything waits.
    private static let requestLife = TimeAmount(QueueSignals.life - .seconds(2))

    /// Looks again whenever there may be messages, until something is found or the time is over.
    ///
    /// Cancelling the task ends the wait with nothing.
    ///
    /// - Parameters:
    ///   - wait: Its turn is given up while nothing is looked for.
    ///   - hasMoved: Whether the queue lives in another store now: then the wait ends with nothing, before its time.
    ///   - look: Finds something, or nil.
    /// - Returns: nil when nothing was found.
    func found<Found>(
        _ wait: MessageWait, unless hasMoved: () async throws -> Bool, _ look: () async throws -> Found?
    ) async throws -> Found? {
        let (deadline, turn) = (wait.deadline, wait.turn)
        let timer = self.waits.wakes(self.signal, at: deadline)
        defer { timer.cancel() }
        repeat {
            if self.waits.mustRequest(self.name, until: deadline) { try await self.request() }
            do {
                if let found = try await look() { return found }
            } catch {
                self.waits.lookFailed(self.number, self.name)
                throw error
            }
            self.waits.lookedInVain(self.number)
            if try await hasMoved() { return nil }
            turn.leave()
            await withTaskCancellationHandler {
                _ = await self.signal.wait()
            } onCancel: {
                self.signal.signal()
            }
            if Task.isCancelled { return nil }
            // What was published while nothing was heard is lost.
            if .now() >= deadline, self.store.signals.isListening { return nil }
            // Before it looks: a claim that was made for nothing would have to be given back.
            try await wait.hold()
            try await turn.enter()
        } while .now() < deadline
        return try await look()
    }

    private func request() async throws(StoreError) {
        let requestedUntil = NIODeadline.now() + Self.requestLife
        do throws(StoreError) {
            let due = try await self.store.signals.request(self.queue)
            self.waits.requested(self.name, until: requestedUntil, due: due)
        } catch {
            self.waits.requestFailed(self.name)
            throw error
        }
    }
}
