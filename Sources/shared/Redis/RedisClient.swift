package import Logging
internal import NIOConcurrencyHelpers
package import NIOCore
internal import ServiceLifecycle
package import TLS

/// A few connections to one Redis, shared by all of the process.
///
/// Commands of many callers travel together: each connection writes what has gathered once per turn of its loop.
///
/// * A command sent while there is no connection waits for one until ``RedisLimits/connectionWaitMax`` has passed since the
///   connection was lost; after that commands fail at once with ``RedisError/notSent(_:)``.
/// * A command without a reply within the deadline fails with ``RedisError/outcomeUnknown(_:)``, at most 0.2 s late, and
///   takes its connection along: what was in flight there fails too.
/// * Cancelling the task of a caller changes nothing: the command was sent, and its reply is awaited, for the deadline at
///   most. So a caller always learns the outcome that its connection learned.
/// * Commands of one task run in the order it sends them; commands of different tasks in any order.
package final class RedisClient: Service, Sendable {
    private enum Backend: Sendable {
        case server(ServerClient)
        case cluster(ClusterRouter)
    }

    private let backend: Backend
    /// Makes the connector of a further connection.
    private let further: @Sendable () -> RedisConnector
    private let settings: ServerClient.Settings
    private let deadline: TimeAmount
    /// How far ``runAwaited(_:epoch:)`` gets; nil: it may not be called.
    package let reach: WriteReach?
    /// Listens in a cluster; nothing does once the client is over.
    private let listener = NIOLockedValueBox<(client: ServerClient?, isOver: Bool)>((nil, false))

    /// A client of one server.
    ///
    /// - Parameters:
    ///   - connector: Where the Redis is, and how it is connected to.
    ///   - connections: 1 or more.
    ///   - inFlightMax: Commands sent or waiting on one connection, 1 or more; beyond it they fail with
    ///     ``RedisError/NotSent/tooManyInFlight``. Their bytes have a bound too, ``RedisLimits/inFlightBytesMax``.
    ///   - deadline: From the call to the reply.
    ///   - mustBeMaster: A replica is treated as one that is away: no command is sent to it.
    ///   - reach: nil: no write is waited for beyond its reply.
    ///   - eventLoopGroup: Must outlive the client.
    package init(
        connector: RedisConnector,
        connections: Int = 2,
        inFlightMax: Int = RedisLimits.inFlightMax,
        deadline: Duration = RedisLimits.deadline,
        mustBeMaster: Bool = true,
        reach: WriteReach? = nil,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) {
        precondition(deadline > .zero, "the limits of a client are positive")
        self.settings = ServerClient.Settings(
            connector: connector, connections: connections, inFlightMax: inFlightMax, mustBeMaster: mustBeMaster,
            reach: reach, eventLoopGroup: eventLoopGroup, logger: logger)
        self.deadline = TimeAmount(deadline)
        self.reach = reach
        self.further = { connector }
        self.backend = .server(ServerClient(self.settings))
    }

    /// A client of the Redis of a URL: of one server, or of a cluster.
    ///
    /// - Parameters:
    ///   - tls: What connections are encrypted with where the URL says so; nil: the authorities of the system are believed.
    ///   - connections: To each server.
    ///   - deadline: Used where the URL gives none.
    package init(
        url: RedisURL,
        tls: TLSContextHolder? = nil,
        connections: Int = 2,
        inFlightMax: Int = RedisLimits.inFlightMax,
        deadline: Duration = RedisLimits.deadline,
        mustBeMaster: Bool = true,
        reach: WriteReach? = nil,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) {
        let connect: @Sendable () -> RedisConnector = {
            RedisConnector(to: url, tls: tls, eventLoopGroup: eventLoopGroup, logger: logger)
        }
        self.further = connect
        let settings = ServerClient.Settings(
            connector: connect(), connections: connections, inFlightMax: inFlightMax, mustBeMaster: mustBeMaster,
            reach: reach, eventLoopGroup: eventLoopGroup, logger: logger)
        self.settings = settings
        self.deadline = TimeAmount(url.deadline ?? deadline)
        self.reach = reach
        guard case .cluster(let nodes) = url.topology else {
            self.backend = .server(ServerClient(settings))
            return
        }
        self.backend = .cluster(
            ClusterRouter(nodes, deadline: self.deadline, eventLoop: eventLoopGroup.next(), logger: logger) {
                address, isSeed in
                var settings = settings
                settings.connector = settings.connector.leading(to: FixedAddress(address))
                settings.isNode = true
                if isSeed { (settings.connections, settings.mustBeMaster, settings.reach) = (1, false, nil) }
                return ServerClient(settings)
            })
    }

    /// Whether its keys are divided among several masters.
    package var isCluster: Bool {
        if case .cluster = self.backend { true } else { false }
    }

    /// Expects a store at the address from now on: every new connection, and every old one every
    /// ``RedisLimits/probeInterval``, reads its identity again.
    ///
    /// In a cluster it is read as often from the master that has it.
    ///
    /// - Returns: The epoch of the store, for ``send(_:epoch:)`` and ``run(_:epoch:)``. It ends when the store is found
    ///   missing or changed, and when another one is adopted.
    package func adopt(_ identity: RedisIdentity) -> Int {
        switch self.backend {
        case .server(let server): server.adopt(identity)
        case .cluster(let router): router.adopt(identity)
        }
    }

    /// Whether the store of an epoch is still there, as far as is known.
    package func holds(_ epoch: Int) -> Bool {
        switch self.backend {
        case .server(let server): server.holds(epoch)
        case .cluster(let router): router.holds(epoch)
        }
    }

    /// Sends one command and waits for its reply.
    ///
    /// - Returns: The reply, which is never ``RedisValue/error(_:)`` itself; arrays may hold errors.
    /// - Parameter epoch: Of the store it is meant for; nil: of any.
    /// - Throws: ``RedisError/refused(_:)`` for an error reply; ``RedisError/NotSent/storeChanged`` when the epoch is over.
    package func send(_ command: RedisCommand, epoch: Int? = nil) async throws(RedisError) -> RedisValue {
        try await self.send(command.encoded, epoch)
    }

    /// Sends one command to every server that takes writes: to several in a cluster.
    ///
    /// - Returns: One reply or more.
    package func sendToAll(_ command: RedisCommand) async throws(RedisError) -> [RedisValue] {
        switch self.backend {
        case .server: [try await self.send(command)]
        case .cluster(let router): try await router.sendToAll(command.encoded)
        }
    }

    /// Runs a script by its hash, and gives Redis the source first where it does not know it.
    ///
    /// - Parameter epoch: Of the store it is meant for; nil: of any.
    /// - Throws: ``RedisError/refused(_:)`` for an error reply, never with the kind `noscript`.
    package func run(_ call: ScriptCall, epoch: Int? = nil) async throws(RedisError) -> RedisValue {
        do {
            return try await self.send(call.byHash, epoch)
        } catch .refused(let error) where error.kind == .noscript {
            // It did not run, so a second try is safe. SCRIPT LOAD keeps the script for the calls to come (Redis 7.4
            // may forget what EVAL brought), EVAL runs it even when the scripts are flushed in between.
            try await self.load(call, epoch)
            return try await self.send(call.bySource, epoch)
        }
    }

    /// Runs a script, and waits until what it wrote got as far as it has to.
    ///
    /// - Parameter epoch: Of the store it is meant for; nil: of any.
    /// - Returns: The reply, and how many said in time that they have it: fewer than ``reach`` asks for when replicas are not
    ///   there, the disk is slow, or the connection broke behind the reply. It is written all the same.
    /// - Throws: As ``run(_:epoch:)`` does.
    package func runAwaited(
        _ call: ScriptCall, epoch: Int? = nil
    ) async throws(RedisError) -> (reply: RedisValue, copies: Int) {
        do {
            return try await self.sendAwaited(call.byHash, call.markKey, epoch)
        } catch .refused(let error) where error.kind == .noscript {
            try await self.load(call, epoch)
            return try await self.sendAwaited(call.bySource, call.markKey, epoch)
        }
    }

    /// Gives Redis the source of a script.
    private func load(_ call: ScriptCall, _ epoch: Int?) async throws(RedisError) {
        var load = RedisCommand("SCRIPT", route: call.route, arguments: 2)
        load.append("LOAD")
        load.append(call.script.source)
        _ = try await self.send(load, epoch: epoch)
    }

    private func send(_ command: EncodedCommand, _ epoch: Int?) async throws(RedisError) -> RedisValue {
        let epoch = epoch ?? ServerWatch.anyEpoch
        switch self.backend {
        case .server(let server): return try await server.send(command, by: .now() + self.deadline, epoch: epoch).get()
        case .cluster(let router): return try await router.send(command, epoch: epoch)
        }
    }

    private func sendAwaited(
        _ command: EncodedCommand, _ markKey: String, _ epoch: Int?
    ) async throws(RedisError) -> (reply: RedisValue, copies: Int) {
        let epoch = epoch ?? ServerWatch.anyEpoch
        switch self.backend {
        case .server(let server):
            let answer = await server.sendAwaited(
                command, marking: markKey, by: .now() + self.deadline, epoch: epoch)
            return (try answer.reply.get(), answer.copies)
        case .cluster(let router): return try await router.sendAwaited(command, marking: markKey, epoch: epoch)
        }
    }

    /// Listens to channels, by a connection of its own that lasts as long as the client.
    ///
    /// A client listens once: when it does already, this changes nothing.
    ///
    /// - Parameter handler: Called on an event loop, which it must not hold up.
    package func listen(to channels: [RedisKey], _ handler: @escaping @Sendable (RedisEvent) -> Void) {
        switch self.backend {
        case .server(let server): server.listen(to: channels, handler)
        case .cluster:
            let listener = self.listener.withLockedValue { listener -> ServerClient? in
                guard listener.client == nil, !listener.isOver else { return nil }
                var settings = self.settings
                settings.connector = self.connector(for: .anyNode)
                listener.client = ServerClient(settings)
                return listener.client
            }
            listener?.listen(to: channels, handler)
        }
    }

    /// Whether what is published now is received, see ``listen(to:_:)``.
    package var isListening: Bool {
        switch self.backend {
        case .server(let server): server.isListening
        case .cluster: self.listener.withLockedValue { $0.client?.isListening ?? false }
        }
    }

    var eventLoopGroup: any EventLoopGroup { self.settings.eventLoopGroup }

    /// How a further connection gets to the server that a command goes to.
    func connector(for route: RedisRoute) -> RedisConnector {
        switch self.backend {
        case .server: self.further()
        case .cluster(let router): self.settings.connector.leading(to: ClusterAddresses(router: router, route: route))
        }
    }

    /// Connects, and stays connected until graceful shutdown or cancellation.
    ///
    /// Then everything that waits fails.
    package func run() async throws {
        switch self.backend {
        case .server(let server): server.start()
        case .cluster(let router): router.keepUp()
        }
        // Throws when cancelled, which ends the client the same way.
        try? await gracefulShutdown()
        await self.shutDown()
    }

    /// Ends the client where no service group does it.
    package func shutDown() async {
        let listener = self.listener.withLockedValue { listener in
            listener.isOver = true
            return listener.client
        }
        await listener?.shutDown()
        switch self.backend {
        case .server(let server): await server.shutDown()
        case .cluster(let router): await router.shutDown()
        }
    }
}
