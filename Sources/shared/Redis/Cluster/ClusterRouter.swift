internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore

/// The masters of a cluster, each with connections of its own, and which of them serves which slot.
///
/// The map is read from some nodes at once, when the first command is sent, when an answer says that it is wrong, and every few
/// seconds; an answer `MOVED` corrects it at once.
final class ClusterRouter: Sendable {
    /// For how long a command waits for a slot that moves, or for another master.
    static let waitMax = TimeAmount.seconds(2)
    private static let mapInterval = Duration.seconds(5)
    /// At most so often is a map read, however many commands want a newer one.
    private static let mapPause = TimeAmount.milliseconds(100)
    private static let mapTimeout = TimeAmount.milliseconds(500)
    /// Masters that are asked at once.
    private static let askedMax = 5

    private struct State {
        var map: SlotMap?
        /// By the address of a master.
        var nodes: [RedisEndpoint.Address: ServerClient] = [:]
        /// By the address that was given; they may be replicas, and are asked for the map only.
        var seeds: [RedisEndpoint.Address: ServerClient] = [:]
        /// Since when a master does not serve; nil as key: since when none is known for a slot.
        var troubles: [RedisEndpoint.Address?: NIODeadline] = [:]
        var reading: Task<Void, Never>?
        var readAt: NIODeadline?
        var isMissing = false
        var upkeep: Task<Void, Never>?
        var isOver = false
    }

    private let seeds: [RedisEndpoint.Address]
    private let node: @Sendable (_ address: RedisEndpoint.Address, _ isSeed: Bool) -> ServerClient
    private let deadline: TimeAmount
    private let eventLoop: any EventLoop
    private let logger: Logger
    private let watch = ServerWatch()
    private let state = NIOLockedValueBox(State())

    /// - Parameters:
    ///   - seeds: Some nodes, at least one.
    ///   - deadline: From a call to its reply.
    ///   - node: Makes the connections to a master, or to a node that was given, whatever it is.
    init(
        _ seeds: [RedisEndpoint.Address], deadline: TimeAmount, eventLoop: any EventLoop, logger: Logger,
        node: @escaping @Sendable (_ address: RedisEndpoint.Address, _ isSeed: Bool) -> ServerClient
    ) {
        self.seeds = seeds
        self.deadline = deadline
        self.eventLoop = eventLoop
        self.logger = logger
        self.node = node
    }

    // MARK: Commands

    func send(_ command: EncodedCommand, epoch: Int) async throws(RedisError) -> RedisValue {
        let deadline = NIODeadline.now() + self.deadline
        return try await self.perform(command.route, epoch, by: deadline) { node, isAsking in
            await node.send(command, by: deadline, asking: isAsking)
        }
    }

    /// The same, and waits until what it wrote got as far as it has to.
    func sendAwaited(
        _ command: EncodedCommand, marking key: String, epoch: Int
    ) async throws(RedisError) -> (reply: RedisValue, copies: Int) {
        let deadline = NIODeadline.now() + self.deadline
        return try await self.perform(command.route, epoch, by: deadline) { node, isAsking in
            // Between two masters no write can be waited for: it waits for the slot.
            guard !isAsking else { return .failure(.refused(RedisServerError(message: "TRYAGAIN the slot moves"))) }
            let answer = await node.sendAwaited(command, marking: key, by: deadline)
            return answer.reply.map { (reply: $0, copies: answer.copies) }
        }
    }

    /// Sends a command to every master.
    ///
    /// - Returns: One reply or more.
    func sendToAll(_ command: EncodedCommand) async throws(RedisError) -> [RedisValue] {
        if self.masters.isEmpty { await self.readMap() }
        let masters = self.masters
        guard !masters.isEmpty else { throw .notSent(.disconnected) }
        var replies: [RedisValue] = []
        for master in masters {
            guard let node = self.client(at: master) else { throw .notSent(.shutDown) }
            replies.append(try await node.send(command, by: .now() + self.deadline).get())
        }
        return replies
    }

    private func perform<Reply: Sendable>(
        _ route: RedisRoute, _ epoch: Int, by deadline: NIODeadline,
        _ send: (_ node: ServerClient, _ isAsking: Bool) async -> Result<Reply, RedisError>
    ) async throws(RedisError) -> Reply {
        var retry = ClusterRetry(until: min(.now() + Self.waitMax, deadline))
        var redirection: Redirection?
        while true {
            guard self.watch.serves(epoch) else { throw .notSent(.storeChanged) }
            let target = self.target(of: route, redirection)
            let step: ClusterRetry.Step
            var error = RedisError.notSent(.disconnected)
            switch target {
            case .over: throw .notSent(.shutDown)
            case .unknown: step = retry.nextWithoutMaster(at: .now())
            case .master(let address, let node, let isInTrouble):
                switch await send(node, redirection?.isAsking ?? false) {
                case .success(let reply):
                    if isInTrouble { self.serves(address) }
                    return reply
                case .failure(let failure): error = failure
                }
                step = retry.next(after: error, from: address.host, at: .now())
            }
            switch step {
            case .fail: throw error
            case .follow(let next):
                redirection = next
                if !next.isAsking { self.state.withLockedValue { $0.map?.move(next.slot, to: next.address) } }
            case .again(let pause, let readingMap):
                redirection = nil
                // In an outage that lasts commands fail at once: their callers must not pile up.
                if readingMap, self.isLasting(target.address) {
                    self.readMapBeside()
                    throw error
                }
                if readingMap { await self.readMap() }
                await self.rest(for: pause)
            }
        }
    }

    /// Also in a task that was cancelled: its caller waits for an outcome all the same, and must not spin.
    private func rest(for pause: TimeAmount) async {
        // A timer fails with its loop only, which outlives the client.
        try? await self.eventLoop.scheduleTask(in: pause) {}.futureResult.get()
    }

    // MARK: Outages

    private func serves(_ address: RedisEndpoint.Address) {
        self.state.withLockedValue { state in
            state.troubles[address] = nil
            state.troubles[nil] = nil
        }
    }

    /// Whether a master has been in trouble for longer than commands wait for it.
    ///
    /// - Parameter address: nil: none is known for a slot.
    private func isLasting(_ address: RedisEndpoint.Address?) -> Bool {
        let now = NIODeadline.now()
        return self.state.withLockedValue { state in
            let since = state.troubles[address] ?? now
            state.troubles[address] = since
            return now - since > RedisLimits.connectionWaitMax
        }
    }

    // MARK: Masters

    /// Where a command goes.
    private enum Target {
        case master(RedisEndpoint.Address, ServerClient, isInTrouble: Bool)
        /// No master is known for it.
        case unknown
        /// The client has ended.
        case over

        var address: RedisEndpoint.Address? {
            if case .master(let address, _, _) = self { address } else { nil }
        }
    }

    private func target(of route: RedisRoute, _ redirection: Redirection?) -> Target {
        self.state.withLockedValue { state in
            guard !state.isOver else { return .over }
            guard let address = redirection?.address ?? state.map?.master(for: route) else { return .unknown }
            guard let node = self.client(at: address, &state) else { return .unknown }
            return .master(address, node, isInTrouble: !state.troubles.isEmpty)
        }
    }

    /// nil while no master is known for it.
    func address(for route: RedisRoute) -> RedisEndpoint.Address? {
        self.state.withLockedValue { $0.map?.master(for: route) }
    }

    private var masters: [RedisEndpoint.Address] { self.state.withLockedValue { $0.map?.masters ?? [] } }

    /// The connections to a master; nil once it is over.
    private func client(at address: RedisEndpoint.Address) -> ServerClient? {
        self.state.withLockedValue { $0.isOver ? nil : self.client(at: address, &$0) }
    }

    /// - Returns: nil beyond as many masters as may be: a node may name any number.
    private func client(at address: RedisEndpoint.Address, _ state: inout State) -> ServerClient? {
        if let node = state.nodes[address] { return node }
        guard state.nodes.count < RedisLimits.clusterMastersMax else { return nil }
        let node = self.node(address, false)
        state.nodes[address] = node
        return node
    }

    /// The connection to a node that was given; nil once it is over.
    private func seed(at address: RedisEndpoint.Address) -> ServerClient? {
        self.state.withLockedValue { state in
            guard !state.isOver else { return nil }
            if let node = state.seeds[address] { return node }
            let node = self.node(address, true)
            state.seeds[address] = node
            return node
        }
    }

    /// Reads which master serves which slot, once for all that ask at the same time or shortly after.
    func readMap() async { await self.beginReading()?.value }

    private func readMapBeside() { _ = self.beginReading() }

    private func beginReading() -> Task<Void, Never>? {
        self.state.withLockedValue { state in
            guard !state.isOver else { return nil }
            if let reading = state.reading { return reading }
            if let readAt = state.readAt, .now() < readAt + Self.mapPause { return nil }
            let reading = Task {
                await self.askForMap()
                self.state.withLockedValue { state in
                    state.reading = nil
                    state.readAt = .now()
                }
            }
            state.reading = reading
            return reading
        }
    }

    /// Asks some masters at once, and the nodes that were given where none of these says it: those may be of another time.
    private func askForMap() async {
        let masters = self.masters.shuffled().prefix(Self.askedMax).compactMap { address in
            self.client(at: address).map { (address, $0) }
        }
        if await self.isMapRead(from: masters) { return }
        let seeds = self.seeds.compactMap { address in
            self.seed(at: address).map { (address, $0) }
        }
        if await self.isMapRead(from: seeds) { return }
        let isFirst = self.state.withLockedValue { state in
            defer { state.isMissing = true }
            return !state.isMissing
        }
        self.logger.log(level: isFirst ? .warning : .debug, "The masters of the cluster are not known")
    }

    /// Goes by the first map that one of these nodes answers.
    private func isMapRead(from nodes: [(RedisEndpoint.Address, ServerClient)]) async -> Bool {
        guard !nodes.isEmpty else { return false }
        let command = RedisCommand("CLUSTER", ["SLOTS"]).encoded
        let (answers, sink) = AsyncStream<(RedisEndpoint.Address, Request.Reply)>.makeStream()
        for (address, node) in nodes {
            // Not in a group: the first that answers is enough, and each ends by its own deadline.
            Task { sink.yield((address, await node.send(command, by: .now() + Self.mapTimeout))) }
        }
        var missing = nodes.count
        for await (address, answer) in answers {
            missing -= 1
            switch answer {
            case .success(let reply):
                if let map = SlotMap(reply, from: address.host), await self.adopt(map) { return true }
            case .failure(let error):
                self.logger.debug(
                    "A node of the cluster does not help",
                    metadata: ["redis.address": "\(address)", "error": "\(error)"])
            }
            if missing == 0 { break }
        }
        return false
    }

    /// Goes by a map, and ends the connections to what is no master any more.
    ///
    /// - Returns: Whether it is one of this cluster: an address may be another's by now.
    private func adopt(_ map: SlotMap) async -> Bool {
        if let identity = self.watch.identity, map != self.state.withLockedValue({ $0.map }),
            let master = map[identity.key.slot], let node = self.client(at: master),
            case .success(let kept) = await node.send(identity.command, by: .now() + Self.mapTimeout),
            kept.bytes != identity.value
        {
            self.logger.warning(
                "A node names masters that have another store", metadata: ["redis.address": "\(master)"])
            return false
        }
        let gone = self.state.withLockedValue { state -> [ServerClient] in
            state.map = map
            state.isMissing = false
            let kept = Set(map.masters)
            let gone = Array(state.nodes.filter { !kept.contains($0.key) }.values) + state.seeds.values
            state.nodes = state.nodes.filter { kept.contains($0.key) }
            state.troubles = state.troubles.filter { trouble in trouble.key.map { kept.contains($0) } ?? true }
            state.seeds = [:]
            return gone
        }
        let deadline = self.deadline
        for node in gone {
            // Not in a group: what waits for replies there has its time, and nothing waits for the end.
            self.eventLoop.scheduleTask(in: deadline) { Task { await node.shutDown() } }
        }
        return true
    }

    // MARK: The store

    /// Expects a store, as ``RedisClient/adopt(_:)`` does, whose identity is asked for at the master of its slot.
    func adopt(_ identity: RedisIdentity) -> Int {
        let epoch = self.watch.adopt(identity)
        self.keepUp()
        return epoch
    }

    func holds(_ epoch: Int) -> Bool { self.watch.serves(epoch) }

    /// Reads map and identity again from time to time, until the end.
    func keepUp() {
        self.state.withLockedValue { state in
            guard state.upkeep == nil, !state.isOver else { return }
            state.upkeep = Task { await self.lookAgain() }
        }
    }

    private func lookAgain() async {
        var mapAt = ContinuousClock.now + Self.mapInterval
        while !Task.isCancelled {
            if let identity = self.watch.identity { await self.check(identity) }
            if mapAt <= .now {
                await self.readMap()
                mapAt = .now + Self.mapInterval
            }
            // Cancelled: the condition of the loop sees it.
            try? await Task.sleep(for: Duration(RedisLimits.probeInterval))
        }
    }

    private func check(_ identity: RedisIdentity) async {
        do throws(RedisError) {
            let kept = try await self.send(identity.command, epoch: ServerWatch.anyEpoch)
            guard kept.bytes != identity.value, self.watch.lose(identity) else { return }
            self.logger.critical("The cluster has lost the store it held, or is another one: its data is gone")
        } catch {
            // Nothing is known then, and commands fail by themselves.
        }
    }

    func shutDown() async {
        let (nodes, upkeep) = self.state.withLockedValue { state in
            defer { (state.nodes, state.seeds, state.upkeep, state.isOver) = ([:], [:], nil, true) }
            return (Array(state.nodes.values) + Array(state.seeds.values), state.upkeep)
        }
        upkeep?.cancel()
        for node in nodes { await node.shutDown() }
        await upkeep?.value
    }
}

extension RedisEndpoint.Address {
    /// Empty for a socket.
    fileprivate var host: String {
        switch self {
        case .tcp(let host, _): host
        case .unix: ""
        }
    }
}
