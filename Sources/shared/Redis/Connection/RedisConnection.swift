internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore

/// One connection to Redis that reconnects by itself.
///
/// Callers leave commands in the ``Mailbox``; the first one wakes the loop, which takes all there are, writes them with
/// one flush and keeps which caller waits for which reply. Replies come in the order of the commands, so a queue is enough.
///
/// A command without a reply within its deadline makes the connection suspect: it is closed, and everything in flight
/// fails. Keeping it, with a tombstone for the late reply, would let commands pile up behind a Redis that does not answer,
/// to run long after their callers have failed; and closing is how a dead peer is noticed at all. The deadline
/// is watched by one timer per connection, ``sweepInterval``, and counts as missed when two sweeps in a row see it
/// passed: a process that was itself stopped for a while first reads the replies that came meanwhile.
actor RedisConnection {
    static let sweepInterval = TimeAmount.milliseconds(100)

    nonisolated let eventLoop: any EventLoop
    nonisolated let unownedExecutor: UnownedSerialExecutor
    private nonisolated let mailbox: NIOLockedValueBox<Mailbox>

    private let settings: Settings
    private let logger: Logger
    private var machine: ConnectionStateMachine
    private var channel: (any Channel)?
    /// Counts attempts, so that a late event of an old channel is known as such.
    private var generation = 0
    /// Where the last attempt led to; nil before its source said so.
    private var address: RedisEndpoint.Address?
    private var loss: ConnectionLoss?
    /// Taken from the mailbox while there was no connection.
    private var waiting = CircularBuffer<Request>()
    private var inFlight = InFlightQueue()
    private var writer = CommandWriter()
    private var sweepIsArmed = false
    private var isProbing = false
    private var outageLog: OutageLog
    /// Why there is no connection, while there is none.
    private var absence = RedisError.NotSent.disconnected
    private let watch: ServerWatch

    init(_ settings: Settings, watch: ServerWatch, eventLoop: any EventLoop, logger: Logger) {
        self.settings = settings
        self.eventLoop = eventLoop
        self.unownedExecutor = eventLoop.executor.asUnownedSerialExecutor()
        self.mailbox = NIOLockedValueBox(
            Mailbox(commandsMax: settings.inFlightMax, bytesMax: RedisLimits.inFlightBytesMax))
        self.machine = ConnectionStateMachine(waitMax: settings.waitMax)
        self.watch = watch
        self.logger = logger
        self.outageLog = OutageLog(logger, peer: settings.peer)
    }

    // MARK: From any thread

    nonisolated func post(
        _ request: Request, preferring preference: Mailbox.Preference = .any
    ) -> Mailbox.Admission {
        let admission = self.mailbox.withLockedValue { $0.post(request, preferring: preference) }
        if admission == .accepted(wakeLoop: true) { self.onLoop { $0.drain() } }
        return admission
    }

    /// Sends commands in a row over one and the same connection, or none of them.
    nonisolated func post(unit requests: [Request]) -> Mailbox.Admission {
        let admission = self.mailbox.withLockedValue { $0.post(unit: requests) }
        if admission == .accepted(wakeLoop: true) { self.onLoop { $0.drain() } }
        return admission
    }

    /// Whether commands are written at once.
    nonisolated var isConnected: Bool { self.mailbox.withLockedValue { $0.state == .connected } }

    /// Whether the caller runs on its event loop: then a command and its reply cross no thread.
    nonisolated var isOfThisLoop: Bool { self.eventLoop.inEventLoop }

    /// Connects without waiting for the first command.
    nonisolated func start() {
        self.onLoop { $0.begin() }
    }

    /// Refuses commands from this moment on; those already taken are served until ``shutDown()``.
    nonisolated func refuse() {
        self.mailbox.withLockedValue { $0.set(.refusing(.shutDown)) }
    }

    /// Gives up a connection to a server that cannot be used, and makes a new one.
    nonisolated func leave(_ reason: ServerUnusable) {
        self.onLoop { if $0.machine.isReady { $0.fail(reason) } }
    }

    /// Gives up a connection, or an attempt at one, that leads to another server than the master.
    nonisolated func leave(unlessAt master: RedisEndpoint.Address) {
        self.onLoop { connection in
            guard let address = connection.address, address != master else { return }
            if connection.machine.isReady || connection.machine.state == .connecting {
                connection.fail(ServerUnusable.replaced)
            }
        }
    }

    /// Ends one blocking read early, wherever it is.
    nonisolated func cancel(ticket: UInt64) {
        self.onLoop { $0.cancelOnLoop(ticket: ticket) }
    }

    private nonisolated func onLoop(_ body: @escaping @Sendable (isolated RedisConnection) -> Void) {
        self.eventLoop.execute { self.assumeIsolated { body($0) } }
    }

    /// Fails everything that waits, closes the socket and refuses what comes later.
    ///
    /// Once is enough, twice is harmless.
    func shutDown() async {
        if self.machine.end() {
            self.generation += 1
            self.drain()
            self.finish(
                self.inFlight.giveUp(.shutDown, at: .now()) + self.takeWaiting().map { $0.ending(.shutDown) },
                state: .refusing(.shutDown))
        }
        guard let channel = self.channel else { return }
        self.channel = nil
        channel.close(promise: nil)
        // The future of a channel's end never fails.
        try? await channel.closeFuture.get()
    }

    // MARK: Commands out

    private func drain() {
        self.begin()
        let requests = self.mailbox.withLockedValue { $0.take() }
        if self.machine.state == .ended {
            self.finish(requests.map { $0.ending(.shutDown) })
        } else if let channel = self.channel, self.machine.isReady {
            self.write(requests, to: channel)
        } else {
            self.waiting.append(contentsOf: requests)
        }
        self.armSweep()
    }

    /// Sends what is meant for the store that is there, and fails the rest.
    private func write(_ requests: some Sequence<Request>, to channel: any Channel) {
        var endings: [Ending] = []
        for request in requests {
            if self.watch.serves(request.epoch) {
                self.writer.write(request.command, to: channel)
                self.inFlight.append(request)
            } else {
                endings.append(request.ending(.storeChanged))
            }
        }
        self.writer.flush(channel)
        if !endings.isEmpty { self.finish(endings) }
    }

    // MARK: Replies in

    func received(_ replies: [RedisValue], generation: Int) {
        guard generation == self.generation else { return }
        var endings: [Ending] = []
        endings.reserveCapacity(replies.count)
        var failure: (any Error)?
        // Such a server is left at once; what it answers besides errors may be out of date.
        var unusable: ServerUnusable?
        for reply in replies {
            if self.settings.subscription?.take(reply) == true { continue }
            guard let command = self.inFlight.popFirst() else {
                failure = BrokenReply(reason: "a reply without a command")
                break
            }
            switch command.owner {
            case .handshake(let step):
                failure = self.answered(step, reply, isProbe: false)
            case .probe(let step):
                self.isProbing = false
                // Of a server that is left it does not matter which store it holds.
                if unusable == nil { unusable = self.answered(step, reply, isProbe: true) }
            case .subscribe(let isLast):
                if case .error(let error) = reply {
                    failure = ChannelsRefused(code: String(RedisServerError.code(of: error.message)))
                } else if isLast {
                    self.becameReady()
                    self.settings.subscription?.began()
                }
            case .caller(let caller, _):
                let answer: Request.Reply
                if case .error(let error) = reply {
                    answer = .failure(.refused(error))
                    if error.endsConnection(ofNode: self.settings.isNode) {
                        unusable = ServerUnusable(step: nil, code: String(RedisServerError.code(of: error.message)))
                    }
                } else {
                    answer = unusable == nil ? .success(reply) : .failure(.outcomeUnknown(.disconnected))
                }
                endings.append(Ending(caller: caller, reply: answer, bytes: command.bytes))
            }
            if failure != nil { break }
        }
        self.finish(endings)
        if let unusable {
            self.fail(failure ?? unusable)
            self.watch.leave(unusable)
        } else if let failure {
            self.fail(failure)
        } else {
            // After the last reply of this read: one too many must not be taken for that of a command not yet sent.
            self.sendWaiting()
        }
    }

    private func sendWaiting() {
        guard !self.waiting.isEmpty, self.machine.isReady, let channel = self.channel else { return }
        self.write(self.takeWaiting(), to: channel)
    }

    /// Resumes the callers of commands that ended.
    private func finish(_ endings: [Ending], state: Mailbox.State? = nil) {
        // First, because a caller that is resumed may send its next command at once.
        self.mailbox.withLockedValue { mailbox in
            mailbox.release(endings)
            if let state { mailbox.set(state) }
        }
        for ending in endings { ending.caller.resume(returning: ending.reply) }
    }

    func channelEnded(_ error: any Error, generation: Int) {
        guard generation == self.generation else { return }
        self.fail(error)
    }

    // MARK: Connecting

    private func begin() {
        if self.machine.begin(at: .now()) { self.connect() }
    }

    private func connect() {
        self.generation += 1
        let generation = self.generation
        self.address = nil
        self.settings.connector.connect(
            after: self.loss, on: self.eventLoop,
            found: { address in
                self.assumeIsolated { if $0.generation == generation { $0.address = address } }
            },
            configure: { channel in
                try channel.pipeline.syncOperations.addHandler(ReplyHandler(connection: self, generation: generation))
            }
        )
        .whenComplete { result in self.assumeIsolated { $0.connected(result, generation: generation) } }
        self.armSweep()
    }

    private func connected(_ result: Result<any Channel, any Error>, generation: Int) {
        switch result {
        case .failure(let error):
            if generation == self.generation { self.fail(error) }
        case .success(let channel):
            guard generation == self.generation, self.machine.state == .connecting else {
                channel.close(promise: nil)
                return
            }
            self.channel = channel
            let handshake = self.settings.handshake(for: self.watch.identity)
            self.send(
                handshake.steps.map { (.handshake($0.step), $0.command) }, within: RedisLimits.connectTimeout,
                to: channel)
        }
    }

    /// Sends commands of the connection itself.
    private func send(
        _ commands: [(owner: InFlightQueue.Command.Owner, command: EncodedCommand)], within limit: TimeAmount,
        to channel: any Channel
    ) {
        let deadline = NIODeadline.now() + limit
        for (owner, command) in commands {
            self.writer.write(command, to: channel)
            self.inFlight.append(owner, deadline: deadline)
        }
        self.writer.flush(channel)
        self.armSweep()
    }

    /// - Returns: Why the server cannot be used.
    private func answered(_ step: Handshake.Step, _ reply: RedisValue, isProbe: Bool) -> ServerUnusable? {
        switch Handshake.judge(step, answer: reply) {
        case .proceed: return nil
        case .unusable(let reason): return reason
        case .otherStore(let expected):
            if self.watch.lose(expected) {
                self.logger.critical("Redis has lost the store it held, or is another Redis: its data is gone")
            }
            return nil
        case .ready:
            if !isProbe { self.settings.subscription == nil ? self.becameReady() : self.subscribe() }
            return nil
        }
    }

    private func becameReady() {
        self.machine.handshakeCompleted(at: .now())
        self.mailbox.withLockedValue { $0.set(.connected) }
        self.loss = nil
        if self.settings.probes { self.scheduleProbe() }
        self.outageLog.recovered(at: self.address)
    }

    /// The last step of a connection that listens: without it there is no use in one.
    private func subscribe() {
        guard let subscription = self.settings.subscription, let channel = self.channel else { return }
        let last = subscription.commands.count - 1
        self.send(
            subscription.commands.enumerated().map { (.subscribe(isLast: $0 == last), $1) },
            within: TimeAmount(RedisLimits.deadline), to: channel)
    }

    // MARK: Probing a server in use

    private func scheduleProbe() {
        let generation = self.generation
        self.eventLoop.scheduleTask(in: RedisLimits.probeInterval) {
            self.assumeIsolated { if $0.generation == generation { $0.probe() } }
        }
    }

    private func probe() {
        guard self.machine.isReady, let channel = self.channel else { return }
        self.scheduleProbe()
        // One that is not answered yet says as much as another behind it.
        guard !self.isProbing else { return }
        let steps = self.settings.probe(for: self.watch.identity)
        guard !steps.isEmpty else { return }
        self.isProbing = true
        self.send(
            steps.map { (.probe($0.step), $0.command) }, within: TimeAmount(RedisLimits.deadline), to: channel)
    }

    // MARK: Loss

    /// Gives the connection up and plans the next one.
    ///
    /// - Parameter cause: What commands in flight fail with; a missed deadline only where it was missed.
    private func fail(_ error: any Error, cause: RedisError.Unknown = .disconnected) {
        let now = NIODeadline.now()
        guard let pause = self.machine.failed(at: now, random: .random(in: 0..<1)) else { return }
        self.generation += 1
        self.channel?.close(promise: nil)
        self.channel = nil
        self.isProbing = false
        self.settings.subscription?.ended()
        let unusable = error as? ServerUnusable
        self.absence = unusable?.absence ?? .disconnected
        self.loss = ConnectionLoss(address: self.address, reason: unusable?.lossReason ?? .unreachable)
        if cause == .cancelled {
            self.logger.debug("A cancelled command takes its connection along")
        } else {
            self.outageLog.lost(self.absence, error, at: self.address, retryingIn: pause)
        }
        self.eventLoop.scheduleTask(in: pause) { self.assumeIsolated { $0.pauseOver() } }
        self.finish(
            self.inFlight.giveUp(cause, at: now),
            state: self.machine.acceptsWaiting(at: now) ? .connecting : .refusing(self.absence))
        self.armSweep()
    }

    private func pauseOver() {
        if self.machine.pauseOver() { self.connect() }
    }

    private func cancelOnLoop(ticket: UInt64) {
        self.drain()
        if let index = self.waiting.firstIndex(where: { $0.ticket == ticket }) {
            self.finish([self.waiting.remove(at: index).ending(.cancelled)])
        } else if self.inFlight.contains(ticket: ticket) {
            self.fail(CancellationError(), cause: .cancelled)
        }
    }

    // MARK: Deadlines

    /// Sets the timer if there is anything to watch.
    ///
    /// An idle connection has none.
    private func armSweep() {
        guard !self.sweepIsArmed, self.machine.state != .ended else { return }
        let waitMayEnd =
            !self.machine.isReady && self.settings.waitMax != nil && self.machine.acceptsWaiting(at: .now())
        guard !self.inFlight.isEmpty || !self.waiting.isEmpty || waitMayEnd else { return }
        self.sweepIsArmed = true
        self.eventLoop.scheduleTask(in: Self.sweepInterval) { self.assumeIsolated { $0.sweep() } }
    }

    private func sweep() {
        self.sweepIsArmed = false
        guard self.machine.state != .ended else { return }
        let now = NIODeadline.now()
        if self.inFlight.isSuspect(at: now) { self.fail(DeadlineMissed()) }
        var endings: [Ending] = []
        while let request = self.waiting.first, request.deadline <= now {
            self.waiting.removeFirst()
            endings.append(request.ending(.deadline))
        }
        if self.machine.acceptsWaiting(at: now) {
            self.finish(endings)
        } else {
            endings += self.takeWaiting().map { $0.ending(self.absence) }
            self.finish(endings, state: .refusing(self.absence))
        }
        self.armSweep()
    }

    private func takeWaiting() -> CircularBuffer<Request> {
        defer { self.waiting.removeAll() }
        return self.waiting
    }
}
