import NIOConcurrencyHelpers

/// How much an engine has under way at once, over all shards.
///
/// A slot is held from before a lease is asked for until its outcome is written down, so nothing in this process grows
/// beyond the slots: neither transfers, nor results that wait for Redis.
package struct SlotLedger: Sendable {
    /// A lease call asks for no more than this, so that its reply stays of a size.
    package static let perCallMax = 256
    /// Bytes of message bodies under way.
    ///
    /// Reached only by very large messages: 8192 of 32 KiB.
    package static let bytesMax = 256 << 20

    private var limit: Int
    package private(set) var used = 0
    package private(set) var bytes = 0
    /// Shards that got nothing, longest waiting first.
    private var starved: [Int] = []
    /// Shards that were woken and have not come yet.
    private var called: Set<Int> = []

    package init(limit: Int) {
        precondition(limit > 0, "a notifier without a slot delivers nothing")
        self.limit = limit
    }

    /// Sets another limit; what is held beyond it is not taken away, and nothing is given until it has come back.
    package mutating func limit(to limit: Int) {
        precondition(limit > 0, "a notifier without a slot delivers nothing")
        self.limit = limit
    }

    /// Takes up to `wanted` slots, and no more than ``perCallMax``.
    ///
    /// A shard that gets none is woken when some are free again. While others wait for that, one gets no more than half of
    /// what is free: a shard that never rests, with a message to very many, would have taken all before they come.
    package mutating func reserve(for shard: Int, upTo wanted: Int = Self.perCallMax) -> Int {
        let free = self.bytes >= Self.bytesMax ? 0 : max(0, self.limit - self.used)
        self.called.remove(shard)
        let isContended = !self.called.isEmpty || self.starved.contains { $0 != shard }
        let count = min(isContended ? free - free / 2 : free, wanted, Self.perCallMax)
        self.used += count
        if count == 0, !self.starved.contains(shard) { self.starved.append(shard) }
        return count
    }

    /// Counts the body of a lease that came for a reserved slot.
    package mutating func load(bytes: Int) {
        self.bytes += bytes
    }

    /// Gives slots back.
    ///
    /// - Returns: The shard to wake. It passes the call on when it leaves something, see ``next()``.
    package mutating func release(_ count: Int, bytes: Int) -> Int? {
        self.used -= count
        self.bytes -= bytes
        precondition(self.used >= 0 && self.bytes >= 0, "a slot was given back twice")
        return self.next()
    }

    /// The next shard that waits, if there is something for it.
    package mutating func next() -> Int? {
        guard self.used < self.limit, self.bytes < Self.bytesMax, !self.starved.isEmpty else { return nil }
        let shard = self.starved.removeFirst()
        self.called.insert(shard)
        return shard
    }
}

/// The slots of an engine, shared by its shards.
final class Slots: Sendable {
    private struct State {
        var ledger: SlotLedger
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state: NIOLockedValueBox<State>

    init(limit: Int) {
        self.state = NIOLockedValueBox(State(ledger: SlotLedger(limit: limit)))
    }

    func limit(to limit: Int) {
        self.state.withLockedValue { $0.ledger.limit(to: limit) }
    }

    var used: Int { self.state.withLockedValue { $0.ledger.used } }

    func reserve(for shard: Int, upTo wanted: Int = SlotLedger.perCallMax) -> Int {
        self.state.withLockedValue { $0.ledger.reserve(for: shard, upTo: wanted) }
    }

    func load(bytes: Int) {
        self.state.withLockedValue { $0.ledger.load(bytes: bytes) }
    }

    /// - Returns: The shard to wake.
    func release(_ count: Int, bytes: Int = 0) -> Int? {
        let (shard, waiters) = self.state.withLockedValue { state in
            let shard = state.ledger.release(count, bytes: bytes)
            guard state.ledger.used == 0 else { return (shard, [CheckedContinuation<Void, Never>]()) }
            defer { state.waiters = [] }
            return (shard, state.waiters)
        }
        for waiter in waiters { waiter.resume() }
        return shard
    }

    /// Returns when no slot is held.
    func waitUntilIdle() async {
        await withCheckedContinuation { continuation in
            let isIdle = self.state.withLockedValue { state in
                if state.ledger.used > 0 { state.waiters.append(continuation) }
                return state.ledger.used == 0
            }
            if isIdle { continuation.resume() }
        }
    }
}
