package import Logging
internal import NIOConcurrencyHelpers
package import NIOCore
internal import ServiceLifecycle
internal import Synchronization

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
    private let connections: [RedisConnection]
    /// nil: replicas are not waited for.
    private let replicated: ReplicatedWrites?
    /// How far ``runReplicated(_:epoch:)`` gets; nil: it may not be called.
    package let replication: ReplicationRule?
    private let watch = ServerWatch()
    private let deadline: TimeAmount
    private let cursor = Atomic<UInt>(0)
    private let settings: RedisConnection.Settings
    private let eventLoopGroup: any EventLoopGroup
    private let logger: Logger
    private let listening = NIOLockedValueBox(Listening.not)

    private enum Listening {
        case not
        case by(RedisConnection, ChannelSubscription)
        case over
    }

    /// - Parameters:
    ///   - connector: Where the Redis is, and how it is connected to.
    ///   - connections: 1 or more.
    ///   - inFlightMax: Commands sent or waiting on one connection, 1 or more; beyond it they fail with
    ///     ``RedisError/NotSent/tooManyInFlight``. Their bytes have a bound too, ``RedisLimits/inFlightBytesMax``.
    ///   - deadline: From the call to the reply.
    ///   - mustBeMaster: A replica is treated as one that is away: no command is sent to it.
    ///   - replication: nil: replicas are never waited for.
    ///   - eventLoopGroup: Must outlive the client.
    package init(
        connector: RedisConnector,
        connections: Int = 2,
        inFlightMax: Int = RedisLimits.inFlightMax,
        deadline: Duration = RedisLimits.deadline,
        mustBeMaster: Bool = true,
        replication: ReplicationRule? = nil,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) {
        precondition(connections >= 1 && inFlightMax >= 1 && deadline > .zero, "the limits of a client are positive")
        let settings = RedisConnection.Settings(
            connector: connector, inFlightMax: inFlightMax, waitMax: RedisLimits.connectionWaitMax,
            mustBeMaster: mustBeMaster)
        let watch = self.watch
        self.connections = (0..<connections).map { _ in
            RedisConnection(settings, watch: watch, eventLoop: eventLoopGroup.next(), logger: logger)
        }
        self.deadline = TimeAmount(deadline)
        self.settings = settings
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
        self.replication = replication
        self.replicated = replication.map { rule in
            ReplicatedWrites(
                rule,
                over: (0..<ReplicatedWrites.connectionsMax).map { _ in
                    RedisConnection(settings, watch: watch, eventLoop: eventLoopGroup.next(), logger: logger)
                })
        }
        watch.set(self.all)
    }

    /// The connections that take commands.
    private var all: [RedisConnection] { self.connections + (self.replicated?.connections ?? []) }

    /// A client of the Redis of a URL.
    ///
    /// - Parameter deadline: Used where the URL gives none.
    package convenience init(
        url: RedisURL,
        connections: Int = 2,
        inFlightMax: Int = RedisLimits.inFlightMax,
        deadline: Duration = RedisLimits.deadline,
        mustBeMaster: Bool = true,
        replication: ReplicationRule? = nil,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) {
        self.init(
            connector: RedisConnector(to: url), connections: connections, inFlightMax: inFlightMax,
            deadline: url.deadline ?? deadline, mustBeMaster: mustBeMaster, replication: replication,
            eventLoopGroup: eventLoopGroup, logger: logger)
    }

    /// Expects a store at the address from now on: every new connection, and every old one every
    /// ``RedisLimits/probeInterval``, reads its identity again.
    ///
    /// - Returns: The epoch of the store, for ``send(_:epoch:)`` and ``run(_:epoch:)``. It ends when the store is found
    ///   missing or changed, and when another one is adopted.
    package func adopt(_ identity: RedisIdentity) -> Int { self.watch.adopt(identity) }

    /// Whether the store of an epoch is still there, as far as is known.
    package func holds(_ epoch: Int) -> Bool { self.watch.serves(epoch) }

    /// Sends one command and waits for its reply.
    ///
    /// - Returns: The reply, which is never ``RedisValue/error(_:)`` itself; arrays may hold errors.
    /// - Parameter epoch: Of the store it is meant for; nil: of any.
    /// - Throws: ``RedisError/refused(_:)`` for an error reply; ``RedisError/NotSent/storeChanged`` when the epoch is over.
    package func send(_ command: RedisCommand, epoch: Int? = nil) async throws(RedisError) -> RedisValue {
        try await self.send(command.encoded, epoch)
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

    /// Runs a script, and waits until replicas have what it wrote.
    ///
    /// - Parameter epoch: Of the store it is meant for; nil: of any.
    /// - Returns: The reply, and how many replicas said in time that they have it: fewer than ``replication`` asks for when
    ///   they are not there, are slow, or the connection broke behind the reply. It is written all the same.
    /// - Throws: As ``run(_:epoch:)`` does.
    package func runReplicated(
        _ call: ScriptCall, epoch: Int? = nil
    ) async throws(RedisError) -> (reply: RedisValue, replicas: Int) {
        guard let replicated = self.replicated else { preconditionFailure("the client waits for no replicas") }
        let store = epoch ?? ServerWatch.anyEpoch
        var answer = await replicated.send(call.byHash, by: .now() + self.deadline, epoch: store)
        if case .failure(.refused(let error)) = answer.reply, error.kind == .noscript {
            try await self.load(call, epoch)
            answer = await replicated.send(call.bySource, by: .now() + self.deadline, epoch: store)
        }
        return (try answer.reply.get(), answer.replicas)
    }

    /// Gives Redis the source of a script.
    private func load(_ call: ScriptCall, _ epoch: Int?) async throws(RedisError) {
        var load = RedisCommand("SCRIPT", route: call.route, arguments: 2)
        load.append("LOAD")
        load.append(call.script.source)
        _ = try await self.send(load, epoch: epoch)
    }

    /// Listens to channels, by a connection of its own that lasts as long as the client.
    ///
    /// A client listens once: when it does already, this changes nothing.
    ///
    /// - Parameter handler: Called on an event loop, which it must not hold up.
    package func listen(to channels: [RedisKey], _ handler: @escaping @Sendable (RedisEvent) -> Void) {
        let connection = self.listening.withLockedValue { listening -> RedisConnection? in
            guard case .not = listening else { return nil }
            var settings = self.settings
            settings.waitMax = nil
            let subscription = ChannelSubscription(channels, handler)
            settings.subscription = subscription
            let connection = RedisConnection(
                settings, watch: self.watch, eventLoop: self.eventLoopGroup.next(), logger: self.logger)
            listening = .by(connection, subscription)
            // It leaves a server with the others, which ask what the server is.
            self.watch.set(self.all + [connection])
            return connection
        }
        connection?.start()
    }

    /// Whether what is published now is received, see ``listen(to:_:)``.
    package var isListening: Bool {
        self.listening.withLockedValue { listening in
            if case .by(_, let subscription) = listening { subscription.isLive } else { false }
        }
    }

    /// Connects, and stays connected until graceful shutdown or cancellation.
    ///
    /// Then everything that waits fails.
    package func run() async throws {
        for connection in self.connections { connection.start() }
        // Throws when cancelled, which ends the client the same way.
        try? await gracefulShutdown()
        await self.shutDown()
    }

    /// Ends the client where no service group does it.
    package func shutDown() async {
        // All of them first: a command refused by one connection must not wait at the next.
        for connection in self.all { connection.refuse() }
        for connection in self.all { await connection.shutDown() }
        let listening = self.listening.withLockedValue { listening in
            defer { listening = .over }
            return listening
        }
        if case .by(let connection, _) = listening { await connection.shutDown() }
        self.watch.set([])
    }

    private func send(_ command: EncodedCommand, _ epoch: Int?) async throws(RedisError) -> RedisValue {
        let deadline = NIODeadline.now() + self.deadline
        let reply = await withUnsafeContinuation { (task: UnsafeContinuation<Request.Reply, Never>) in
            self.post(
                Request(
                    command: command, deadline: deadline, epoch: epoch ?? ServerWatch.anyEpoch, caller: .task(task)))
        }
        return try reply.get()
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
}
