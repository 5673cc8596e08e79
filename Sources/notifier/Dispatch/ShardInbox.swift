import Domain
import NIOConcurrencyHelpers
import NIOCore
import Runtime
import Store

/// Takes requests for the worker of one shard, from any thread: its schedule under a lock, its signal and its timer.
final class ShardInbox: Sendable {
    private struct State {
        var schedule = ShardSchedule()
        var timer: Scheduled<Void>?
    }

    let shard: Int
    let signal = AsyncSignal()
    private let clock: RedisClock
    private let eventLoop: any EventLoop
    private let state = NIOLockedValueBox(State())

    init(shard: Int, clock: RedisClock, eventLoop: any EventLoop) {
        self.shard = shard
        self.clock = clock
        self.eventLoop = eventLoop
    }

    /// Requests a kind of work; without effect once the worker stops.
    func request(_ work: ShardSchedule.Work) {
        if self.change({ $0.request(work) }) { self.signal.signal() }
    }

    /// A paced project may begin more.
    func mayBeginMore() {
        if self.change({ $0.mayBeginMore() }) { self.signal.signal() }
    }

    /// Attempts ended, and are written down.
    func attemptsEnded() {
        if self.change({ $0.attemptsEnded() }) { self.signal.signal() }
    }

    func noticed(_ look: ShardStatus) {
        if self.change({ $0.noticed(look) }) { self.signal.signal() }
        if let due = look.nextDue { self.setTimer { $0.lookAgain(at: due, now: $1) } }
    }

    func wake(_ subscription: SubscriptionID) {
        if self.change({ $0.hostHasCapacity(for: subscription) }) { self.signal.signal() }
    }

    /// A step failed; it is repeated after a pause.
    func failed(_ work: ShardSchedule.Work) {
        self.retry(work, after: self.change { $0.failed(work, chance: .random(in: 0..<1)) })
    }

    /// What a step has to be followed by failed; the step is repeated after a pause.
    func pause(_ work: ShardSchedule.Work) {
        self.retry(work, after: self.change { $0.pause(work, chance: .random(in: 0..<1)) })
    }

    private func retry(_ work: ShardSchedule.Work, after pause: Duration) {
        self.eventLoop.scheduleTask(in: .nanoseconds(Int64(pause / .nanoseconds(1)))) {
            if self.change({ $0.retry(work) }) { self.signal.signal() }
        }
    }

    /// Calls something later, on the event loop of the shard's timers.
    func schedule(in milliseconds: Int64, _ body: @escaping @Sendable () -> Void) {
        self.eventLoop.scheduleTask(in: .milliseconds(milliseconds), body)
    }

    func stop() {
        self.state.withLockedValue { state in
            state.schedule.stop()
            state.timer?.cancel()
            state.timer = nil
        }
        self.signal.finish()
    }

    /// Reads or changes the schedule.
    func change<Result>(_ body: (inout ShardSchedule) -> Result) -> Result {
        self.state.withLockedValue { body(&$0.schedule) }
    }

    /// Gives the schedule what was leased, and sets the timer as it says.
    ///
    /// - Parameter body: Given the schedule and now; returns as ``ShardSchedule/lookAgain(at:now:)`` does.
    func setTimer(_ body: (inout ShardSchedule, Timestamp) -> Int64?) {
        let now = self.clock.now
        let isDue = self.state.withLockedValue { state in
            guard let wait = body(&state.schedule, now) else { return false }
            guard wait > 0 else { return true }
            state.timer?.cancel()
            state.timer = self.eventLoop.scheduleTask(in: .milliseconds(wait)) {
                if self.change({ $0.timerFired() }) { self.signal.signal() }
            }
            return false
        }
        if isDue { self.signal.signal() }
    }
}
