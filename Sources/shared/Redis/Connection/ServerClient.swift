internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import Synchronization

/// A few connections to one server, which share its commands.
///
/// The server is the whole Redis, or one master of a cluster.
final class ServerClient: Sendable {
    struct Settings: Sendable {
        var connector: RedisConnector
        /// 1 or more.
        var connections: Int
        var inFlightMax: Int
        var mustBeMaster: Bool
        /// Whether it serves some slots of a cluster: that a slot is another's says nothing against the server.
        var isNode = false
        /// nil: no write is waited for beyond its reply.
        var reach: WriteReach?
        var eventLoopGroup: any EventLoopGroup
        var logger: Logger
    }

    private let settings: Settings
    private let connections: [RedisConnection]
    /// nil: no write is waited for beyond its reply.
    private let awaited: AwaitedWrites?
    private let watch = ServerWatch()
    private let cursor = Atomic<UInt>(0)
    private let listening = NIOLockedValueBox(Listening.not)

    private enum Listening {
        case not
        case by(RedisConnection, ChannelSubscription)
        case over
    }

    init(_ settings: Settings) {
        precondition(settings.connections >= 1 && settings.inFlightMax >= 1, "the limits of a client are positive")
        self.settings = settings
        let watch = self.watch
        func connect(_ count: Int) -> [RedisConnection] {
            (0..<count).map { _ in
                RedisConnection(
                    settings.ofConnections, watch: watch, eventLoop: settings.eventLoopGroup.next(),
                    logger: settings.logger)
            }
        }
        self.connections = connect(settings.connections)
        self.awaited = settings.reach.map {
            AwaitedWrites($0, over: connect(AwaitedWrites.connectionsMax))
        }
        watch.set(self.all)
        settings.connector.addresses.follow { address in watch.move(to: address) }
    }

    /// The connections that take commands.
    private var all: [RedisConnection] { self.connections + (self.awaited?.connections ?? []) }

    /// See ``RedisClient/adopt(_:)``.
    func adopt(_ identity: RedisIdentity) -> Int { self.watch.adopt(identity) }

    /// See ``RedisClient/holds(_:)``.
    func holds(_ epoch: Int) -> Bool { self.watch.serves(epoch) }

    /// Sends one command and waits for its reply.
    ///
    /// - Parameters:
    ///   - epoch: Of the store it is meant for, see ``ServerWatch``.
    ///   - asking: Whether the server shall take it for a slot that is on its way to it.
    func send(
        _ command: EncodedCommand, by deadline: NIODeadline, epoch: Int = ServerWatch.anyEpoch, asking: Bool = false
    ) async -> Request.Reply {
        await withUnsafeContinuation { (task: UnsafeContinuation<Request.Reply, Never>) in
            let request = Request(command: command, deadline: deadline, epoch: epoch, caller: .task(task))
            if asking { self.ask(request) } else { self.post(request) }
        }
    }

    /// The same, and waits until what it wrote got as far as it has to.
    func sendAwaited(
        _ command: EncodedCommand, marking key: String, by deadline: NIODeadline, epoch: Int = ServerWatch.anyEpoch
    ) async -> AwaitedReply {
        guard let awaited = self.awaited else { preconditionFailure("the client waits for no writes") }
        return await awaited.send(command, marking: key, by: deadline, epoch: epoch)
    }

    /// Listens to channels, by a connection of its own that lasts as long as the client.
    ///
    /// A client listens once: when it does already, this changes nothing.
    func listen(to channels: [RedisKey], _ handler: @escaping @Sendable (RedisEvent) -> Void) {
        let connection = self.listening.withLockedValue { listening -> RedisConnection? in
            guard case .not = listening else { return nil }
            let subscription = ChannelSubscription(channels, handler)
            let connection = RedisConnection(
                self.settings.listening(subscription), watch: self.watch,
                eventLoop: self.settings.eventLoopGroup.next(), logger: self.settings.logger)
            listening = .by(connection, subscription)
            // It leaves a server with the others, which ask what the server is.
            self.watch.set(self.all + [connection])
            return connection
        }
        connection?.start()
    }

    /// Whether what is published now is received.
    var isListening: Bool {
        self.listening.withLockedValue { listening in
            if case .by(_, let subscription) = listening { subscription.isLive } else { false }
        }
    }

    /// Connects without waiting for the first command.
    func start() {
        for connection in self.connections { connection.start() }
    }

    /// Fails everything that waits, and ends the connections.
    func shutDown() async {
        // All of them first: a command refused by one connection must not wait at the next.
        for connection in self.all { connection.refuse() }
        for connection in self.all { await connection.shutDown() }
        let listening = self.listening.withLockedValue { listening in
            defer { listening = .over }
            return listening
        }
        if case .by(let connection, _) = listening { await connection.shutDown() }
        self.watch.set([])
        await self.settings.connector.addresses.end()
    }

    /// Gives the command to the first connection with little to do, that of the caller's own event loop before others; else, in
    /// turns, to one that is there; else to one that is coming back.
    private func post(_ request: Request) {
        let own = self.connections.firstIndex { $0.isOfThisLoop } ?? 0
        var admission = self.post(request, preferring: .lightlyLoaded, from: UInt(own))
        if admission == .tryAnother {
            let turn = self.cursor.wrappingAdd(1, ordering: .relaxed).oldValue
            admission = self.post(request, preferring: .connected, from: turn)
            if admission == .tryAnother { admission = self.post(request, preferring: .any, from: turn) }
        }
        if case .refused(let reason) = admission { request.caller.resume(returning: .failure(.notSent(reason))) }
    }

    private func post(
        _ request: Request, preferring preference: Mailbox.Preference, from turn: UInt
    ) -> Mailbox.Admission {
        let count = UInt(self.connections.count)
        var last = Mailbox.Admission.tryAnother
        for offset in 0..<count {
            let admission = self.connections[Int((turn &+ offset) % count)].post(request, preferring: preference)
            if case .accepted = admission { return admission }
            // A full connection says more than one that is away.
            if admission != .tryAnother { last = admission }
        }
        return last
    }

    /// Sends a command with `ASKING` right in front of it.
    private func ask(_ request: Request) {
        let asking = Request(
            command: RedisCommand("ASKING", arguments: 0).encoded, deadline: request.deadline, caller: .none)
        let turn = self.cursor.wrappingAdd(1, ordering: .relaxed).oldValue
        let connection = self.connections[Int(turn % UInt(self.connections.count))]
        if case .refused(let reason) = connection.post(unit: [asking, request]) {
            request.caller.resume(returning: .failure(.notSent(reason)))
        }
    }
}

extension ServerClient.Settings {
    fileprivate var ofConnections: RedisConnection.Settings {
        RedisConnection.Settings(
            connector: self.connector, inFlightMax: self.inFlightMax, waitMax: RedisLimits.connectionWaitMax,
            mustBeMaster: self.mustBeMaster, isNode: self.isNode)
    }

    fileprivate func listening(_ subscription: ChannelSubscription) -> RedisConnection.Settings {
        var settings = self.ofConnections
        settings.waitMax = nil
        settings.subscription = subscription
        return settings
    }
}
