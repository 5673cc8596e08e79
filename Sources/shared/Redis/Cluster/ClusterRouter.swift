internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore

/// The masters of a cluster, each with connections of its own, and which of them serves which slot.
///
/// The map is read from one node, when the first command is sent, when an answer says that it is wrong, and every few seconds; an answer
/// `MOVED` corrects it at once.
final class ClusterRouter: Sendable {
    /// For how long a command waits for a slot that moves, or for another master.
    static let waitMax = TimeAmount.seconds(2)
    private static let mapInterval = Duration.seconds(5)

    private struct State {
        var map: SlotMap?
        /// By the address of a master; those that were given, too.
        var nodes: [RedisEndpoint.Address: ServerClient] = [:]
        var reading: Task<Void, Never>?
        var upkeep: Task<Void, Never>?
        var isOver = false
    }

    private let seeds: [RedisEndpoint.Address]
    private let node: @Sendable (RedisEndpoint.Address) -> ServerClient
    private let deadline: TimeAmount
    private let logger: Logger
    private let watch = ServerWatch()
    private let state = NIOLockedValueBox(State())

    /// - Parameters:
    ///   - seeds: Some nodes, at least one.
    ///   - deadline: From a call to its reply.
    ///   - node: Makes the connections to a master.
    init(
        _ seeds: [RedisEndpoint.Address], deadline: TimeAmount, logger: Logger,
        node: @escaping @Sendable (RedisEndpoint.Address) -> ServerClient
    ) {
        self.seeds = seeds
        self.deadline = deadline
        self.logger = logger
        self.node = node
    }

    // MARK: Commands

    func send(_ command: EncodedCommand, epoch: Int) async throws(RedisError) -> RedisValue {
        let deadline = NIODeadline.now() + self.deadline
        return try await self.perform(command.route, epoch) { node, isAsking in
            await node.send(command, by: deadline, asking: isAsking)
        }
    }

    /// The same, and waits for the replicas of the master.
    func sendReplicated(
        _ command: EncodedCommand, epoch: Int
    ) async throws(RedisError) -> (reply: RedisValue, replicas: Int) {
        let deadline = NIODeadline.now() + self.deadline
        return try await self.perform(command.route, epoch) { node, isAsking in
            // Between two masters no replica can be waited for: it waits for the slot.
            guard !isAsking else { return .failure(.refused(RedisServerError(message: "TRYAGAIN the slot moves"))) }
            let answer = await node.sendReplicated(command, by: deadline)
            return answer.reply.map { (reply: $0, replicas: answer.replicas) }
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
            guard let node = self.state.withLockedValue({ $0.nodes[master] }) else { continue }
            replies.append(try await node.send(command, by: .now() + self.deadline).get())
        }
        return replies
    }

    private func perform<Reply: Sendable>(
        _ route: RedisRoute, _ epoch: Int,
        _ send: (_ node: ServerClient, _ isAsking: Bool) async -> Result<Reply, RedisError>
    ) async throws(RedisError) -> Reply {
        var retry = ClusterRetry(until: .now() + Self.waitMax)
        var redirection: Redirection?
        while true {
            guard self.watch.serves(epoch) else { throw .notSent(.storeChanged) }
            let address = redirection?.address ?? self.address(for: route)
            let step: ClusterRetry.Step
            var error = RedisError.notSent(.disconnected)
            if let address, let node = self.client(at: address) {
                switch await send(node, redirection?.isAsking ?? false) {
                case .success(let reply): return reply
                case .failure(let failure): error = failure
                }
                step = retry.next(after: error, from: address.host, at: .now())
            } else {
                step = retry.nextWithoutMaster(at: .now())
            }
            switch step {
            case .fail: throw error
            case .follow(let next):
                redirection = next
                if !next.isAsking { self.state.withLockedValue { $0.map?.move(next.slot, to: next.address) } }
            case .again(let pause, let readingMap):
                redirection = nil
                if readingMap { await self.readMap() }
                // Cancelled: the caller waits for an outcome all the same, for the pauses that are left.
                try? await Task.sleep(for: Duration(pause))
            }
        }
    }

    // MARK: Masters

    /// Where a command goes; nil while no master is known for it.
    func address(for route: RedisRoute) -> RedisEndpoint.Address? {
        self.state.withLockedValue { state in
            switch route {
            case .slot(let slot): state.map?[slot]
            case .anyNode: state.map?.masters.randomElement()
            case .oneServer: preconditionFailure("a command over slots was sent to a cluster")
            }
        }
    }

    private var masters: [RedisEndpoint.Address] { self.state.withLockedValue { $0.map?.masters ?? [] } }

    /// nil once it is over.
    private func client(at address: RedisEndpoint.Address) -> ServerClient? {
        self.state.withLockedValue { state in
            guard !state.isOver else { return nil }
            if let node = state.nodes[address] { return node }
            let node = self.node(address)
            state.nodes[address] = node
            return node
        }
    }

    /// Reads which master serves which slot, once for all that ask at the same time.
    func readMap() async {
        let reading = self.state.withLockedValue { state -> Task<Void, Never>? in
            guard !state.isOver else { return nil }
            if let reading = state.reading { return reading }
            let reading = Task {
                await self.askForMap()
                self.state.withLockedValue { $0.reading = nil }
            }
            state.reading = reading
            return reading
        }
        await reading?.value
    }

    private func askForMap() async {
        let command = RedisCommand("CLUSTER", ["SLOTS"]).encoded
        var trouble = "no node answers"
        for address in Set(self.masters).union(self.seeds).shuffled() {
            guard let node = self.client(at: address) else { return }
            switch await node.send(command, by: .now() + RedisLimits.connectTimeout) {
            case .success(let reply):
                if let map = SlotMap(reply, from: address.host) { return await self.adopt(map) }
                trouble = "\(address) names no master"
            case .failure(.refused(let refusal)):
                trouble = "\(address): \(RedisServerError.code(of: refusal.message))"
            case .failure: break
            }
        }
        self.logger.warning("The masters of the cluster are not known", metadata: ["error": "\(trouble)"])
    }

    /// Goes by a map, and ends the connections to what is no master any more.
    private func adopt(_ map: SlotMap) async {
        let gone = self.state.withLockedValue { state -> [ServerClient] in
            state.map = map
            let kept = Set(map.masters).union(self.seeds)
            let gone = state.nodes.filter { !kept.contains($0.key) }
            for address in gone.keys { state.nodes[address] = nil }
            return Array(gone.values)
        }
        guard !gone.isEmpty else { return }
        let deadline = self.deadline
        // Not in a group: what waits for replies there has its time, and nothing waits for the end.
        Task {
            try? await Task.sleep(for: Duration(deadline))
            for node in gone { await node.shutDown() }
        }
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
            defer { (state.nodes, state.upkeep, state.isOver) = ([:], nil, true) }
            return (state.nodes.values, state.upkeep)
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
