package import Domain
package import Logging
import NIOConcurrencyHelpers
package import Redis
import Signing

/// What Herald keeps in Redis: the one module that knows keys and scripts.
///
/// Everything in it is a value over one Redis, except for the directory of queues, which is the control store's. It is a
/// class only so that handing it on, several times a request, copies one reference.
package final class Store: Sendable {
    package let queues: any QueueStorage
    package let messages: any MessageStorage
    package let claims: any ClaimStorage
    package let subscriptions: any SubscriptionStorage
    /// The trusts that were made for subscriptions.
    package let trusts: TrustStore
    package let deliveries: any DeliveryStorage & DeadLetterStorage
    /// At least one; each is read by a connection of its own, see ``connection(to:)``.
    package let wakeups: [WakeupSignals]
    package let signals: QueueSignals
    /// The pools, where this is the control store.
    package let pools: PoolStore
    /// Where queues live, by the control store.
    package let directory: QueueDirectory
    /// The topics, where this is the control store.
    package let topics: any TopicStorage
    /// The times of confirmations, where this is the control store.
    package let confirmations: ConfirmationSchedule
    /// The suppressed mail addresses, where this is the control store.
    package let suppressions: SuppressionStore
    /// The deliveries to addresses in the last hour, where this is the control store.
    package let addressRates: AddressRateStore
    /// The format of what the store keeps, as it was opened: what is written here is of this format.
    package let format: Int
    /// The queues that move to another pool, where this is the control store.
    package let moveNotes: MoveNotes
    /// The steps of such a move in this store.
    package let closedQueues: ClosedQueues
    /// Those that this process understands.
    package let formats: ClosedRange<Int>
    let runner: ScriptRunner
    let keySpace: KeySpace
    private let identity: [UInt8]
    private let idKey: [UInt8]
    private let limits: DeliveryLimits
    /// What ``limited(toQueues:)`` gave last.
    private let lastLimited = NIOLockedValueBox<Store?>(nil)

    init(
        runner: ScriptRunner, keySpace: KeySpace, identity: [UInt8], idKey: [UInt8], directory: QueueDirectory,
        limits: DeliveryLimits,
        format: Int, formats: ClosedRange<Int>
    ) {
        let tagger = MessageTagger(key: idKey)
        let ids = MessageIDs(tagger: tagger)
        var own = runner
        own.relocation = nil
        var limits = limits
        limits.keepsEnded = format >= StoreFormat.ofEndedDeliveries
        let moves = DeadLetterMoves(runner: runner, keySpace: keySpace, directory: directory, ids: ids)
        self.runner = runner
        self.keySpace = keySpace
        self.format = format
        self.formats = formats
        self.identity = identity
        self.idKey = idKey
        self.moveNotes = MoveNotes(runner: own, keySpace: keySpace)
        self.closedQueues = ClosedQueues(runner: own, keySpace: keySpace)
        self.limits = limits
        self.queues = QueueStore(runner: runner, keySpace: keySpace, directory: directory, ids: ids)
        self.messages = MessageStore(
            runner: runner, keySpace: keySpace, directory: directory, ids: ids,
            keepsTraces: format >= StoreFormat.ofTraces)
        self.claims = ClaimStore(runner: runner, keySpace: keySpace, ids: ids, moves: moves)
        self.subscriptions = SubscriptionStore(
            runner: runner, keySpace: keySpace, directory: directory, limits: limits)
        self.trusts = TrustStore(runner: runner, keySpace: keySpace)
        self.deliveries = DeliveryStore(
            runner: runner, keySpace: keySpace, tagger: tagger, moves: moves, limits: limits)
        self.wakeups = WakeupSignals.all(of: keySpace, inCluster: runner.client.isCluster)
        self.signals = QueueSignals(runner: runner, keySpace: keySpace)
        self.pools = PoolStore(runner: runner)
        self.directory = directory
        self.topics = TopicStore(runner: runner)
        self.confirmations = ConfirmationSchedule(runner: runner)
        self.suppressions = SuppressionStore(runner: runner)
        self.addressRates = AddressRateStore(runner: runner)
    }

    /// The same store, registering its queues in the directory of another.
    ///
    /// - Parameters:
    ///   - control: Has the directory; it may be this store itself.
    ///   - pools: The pools this store is, nil for the default one; without any it registers no queue.
    ///   - version: The version of the pools by which a queue that lives nowhere may be created here; nil: by any.
    ///   - relocation: Finds the queues that move away.
    package func registering(
        in control: Store, as pools: [PoolName?], by version: PoolVersion?, relocation: (any QueueRelocation)? = nil
    ) -> Store {
        var runner = self.runner
        runner.relocation = relocation
        return Store(
            runner: runner, keySpace: self.keySpace, identity: self.identity, idKey: self.idKey,
            directory: QueueDirectory(runner: control.runner, pools: pools, version: version),
            limits: self.limits, format: self.format, formats: self.formats)
    }

    /// The same store, creating no queue for a project that has so many.
    package func limited(toQueues queuesMax: Int) -> Store {
        // A deployment has few such limits, and most requests one and the same.
        if let last = self.lastLimited.withLockedValue({ $0 }), last.directory.queuesMax == queuesMax { return last }
        var directory = self.directory
        directory.queuesMax = queuesMax
        let limited = Store(
            runner: self.runner, keySpace: self.keySpace, identity: self.identity, idKey: self.idKey,
            directory: directory,
            limits: self.limits, format: self.format, formats: self.formats)
        self.lastLimited.withLockedValue { $0 = limited }
        return limited
    }

    /// Opens the store in another Redis the way this one was: with as many shards, its clock, and where it is new its format and the key
    /// behind its ids.
    ///
    /// It registers no queue until ``registering(in:as:by:)``.
    package func open(on client: RedisClient, logger: Logger) async throws(StoreOpeningError) -> Store {
        try await Store.open(
            on: client, shards: self.keySpace.shards.count, clock: self.runner.clock,
            durability: self.runner.durability.usual, limits: self.limits,
            formats: self.formats, newFormat: self.format, newIDKey: self.idKey, logger: logger
        )
        .registering(in: self, as: [], by: nil)
    }

    /// The way of calls to it, for those that meet a queue that moved here.
    package var access: StoreAccess { StoreAccess(runner: self.runner) }

    /// Whether it is the same Redis, perhaps by another URL.
    package func isSame(as other: Store) -> Bool { self.identity == other.identity }

    /// Whether messages keep their ids on the way from one store to the other.
    package func sharesIDs(with other: Store) -> Bool { self.idKey == other.idKey }

    /// How far what is written here gets.
    package var durability: StoreDurability { self.runner.durability }
    /// What its client waits for, see ``RedisClient/reach``.
    package var reach: WriteReach? { self.runner.client.reach }

    var shards: [ShardKeys] { self.keySpace.shards }

    /// A connection on which a worker waits for signals, which ends it.
    package func connection(to wakeups: WakeupSignals, logger: Logger) -> RedisBlockingConnection {
        RedisBlockingConnection(of: self.runner.client, in: wakeups.slot, logger: logger)
    }

    /// A connection on which streams of nodes are waited for, where this is the control store.
    package func connectionToNodeStreams(logger: Logger) -> RedisBlockingConnection {
        RedisBlockingConnection(of: self.runner.client, in: KeySpace.identity.slot, logger: logger)
    }

    /// Learns whether Redis answers.
    package func ping() async throws(StoreError) {
        _ = try await self.runner.send(RedisCommand("PING"))
    }

    /// Whether the store that was opened is still there, as far as is known: false once its Redis was found empty, or to
    /// be another one.
    package var isCurrent: Bool { self.runner.epoch.map { self.runner.client.holds($0) } ?? true }

    /// Learns whether Redis takes writes.
    ///
    /// - Returns: Whether it has memory for more, in a cluster each master that answers; without, what frees memory goes on.
    /// - Throws: When it takes none, as a replica, or is away; in a cluster that is the master of the control keys, unless another
    ///   one says that it is full.
    package func probeWritable() async throws(StoreError) -> Bool {
        let probes = [KeySpace.probe] + (self.runner.client.isCluster ? self.keySpace.shards.map(\.probe) : [])
        let answers = await self.runner.sendEach(
            probes.map { key in
                var command = RedisCommand("SET", arguments: 4)
                command.append(key)
                for argument in ["1", "EX", "60"] { command.append(argument) }
                return command
            })
        let isFull = answers.contains { answer in
            guard case .failure(let error) = answer else { return false }
            return error.trouble == .full
        }
        if case .failure(let error)? = answers.first, !isFull { throw error }
        return !isFull
    }

    /// How far the newest position of any shard is ahead of the clock; zero in a sound deployment.
    ///
    /// It is ahead after the clock of Redis was once ahead, until the clock has caught up. Order comes from positions and
    /// life from the clock, so nothing is lost by it; but ids no longer tell when they were made.
    package func positionsAhead() async throws(StoreError) -> Duration {
        let positions = try await self.runner.sendAll(
            self.keySpace.shards.map { shard in
                var command = RedisCommand("GET", arguments: 1)
                command.append(shard.lastPosition)
                return command
            })
        let now = try await self.now()
        var ahead: Int64 = 0
        for position in positions {
            // A shard without a position has not been used.
            guard let text = position.text else { continue }
            guard let value = Int64(text) else { throw .corrupt("the last position of a shard is no number") }
            ahead = max(ahead, Position(value).createdAt.milliseconds - now.milliseconds)
        }
        return .milliseconds(ahead)
    }

    private func now() async throws(StoreError) -> Timestamp {
        switch self.runner.clock {
        case .manual(let now): return now()
        case .redis:
            var time = try ReplyReader(try await self.runner.send(RedisCommand("TIME", arguments: 0)), of: "TIME")
            guard let seconds = Int64(try time.text()), let micros = Int64(try time.text()),
                (0...Int64(Int32.max) * 1000).contains(seconds)
            else { throw time.unexpected("time") }
            return Timestamp(milliseconds: seconds * 1000 + micros / 1000)
        }
    }
}
