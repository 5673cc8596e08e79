internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix

/// One connection to Redis that comes back by itself.
///
/// Callers leave commands in the ``Mailbox``; the first one wakes the loop, which takes all there are, writes them with
/// one flush and remembers who waits for which reply. Replies come in the order of the commands, so a queue is enough.
///
/// A command without a reply within its deadline makes the connection suspect: it is closed, and everything in flight
/// fails. To keep it, with a tombstone for the late reply, would let commands pile up behind a Redis that answers
/// nobody, and run long after their callers were told; and closing is how a dead peer is noticed at all. The deadline
/// is watched by one timer per connection, ``sweepInterval``, and counts as missed when two sweeps in a row see it
/// passed: a process that was itself stopped for a while first reads the replies that came meanwhile.
actor RedisConnection {
    struct Settings: Sendable {
        var endpoint: RedisEndpoint
        var inFlightMax: Int
        /// See ``RedisLimits/patience``; nil waits as long as the command's own deadline.
        var patience: TimeAmount?
        /// A replica is refused, and left when a master has become one.
        var mustBeMaster = true
        /// Whether the server is asked every ``RedisLimits/probeInterval``; not where a read may be waiting in it.
        var probes = true
    }

    static let sweepInterval = TimeAmount.milliseconds(100)

    nonisolated let eventLoop: any EventLoop
    nonisolated let unownedExecutor: UnownedSerialExecutor
    private nonisolated let mailbox: NIOLockedValueBox<Mailbox>

    private let settings: Settings
    private let logger: Logger
    private var life: ConnectionLife
    private var channel: (any Channel)?
    /// Counts attempts, so that a late word from an old channel is known as such.
    private var generation = 0
    /// Taken from the mailbox while there was no connection.
    private var waiting = CircularBuffer<Request>()
    private var inFlight = InFlightQueue()
    private var outgoing = ByteBuffer()
    private var sweepIsArmed = false
    private var isProbing = false
    /// Whether the operator was told that Redis is away.
    private var outageIsLogged = false
    /// Why there is no connection, while there is none.
    private var absence = RedisError.NotSent.disconnected
    private let watch: ServerWatch

    init(_ settings: Settings, watch: ServerWatch, eventLoop: any EventLoop, logger: Logger) {
        self.settings = settings
        self.eventLoop = eventLoop
        self.unownedExecutor = eventLoop.executor.asUnownedSerialExecutor()
        self.mailbox = NIOLockedValueBox(
            Mailbox(commandsMax: settings.inFlightMax, bytesMax: RedisLimits.inFlightBytesMax))
        self.life = ConnectionLife(patience: settings.patience)
        self.watch = watch
        self.logger = logger
    }

    // MARK: From any thread

    nonisolated func post(_ request: Request, wish: Mailbox.Wish = .any) -> Mailbox.Answer {
        let answer = self.mailbox.withLockedValue { $0.post(request, wish: wish) }
        if answer == .accepted(wakeLoop: true) { self.onLoop { $0.drain() } }
        return answer
    }

    /// Connects without waiting for the first command.
    nonisolated func start() {
        self.onLoop { $0.begin() }
    }

    /// Refuses commands from this moment on; those already taken are served until ``shutDown()``.
    nonisolated func refuse() {
        self.mailbox.withLockedValue { $0.set(.shut(.shutDown)) }
    }

    /// Gives up a connection to a server that cannot be used, and makes a new one.
    nonisolated func leave(_ reason: ServerUnusable) {
        self.onLoop { if $0.life.isReady { $0.breakOff(reason) } }
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
        if self.life.end() {
            self.generation += 1
            self.drain()
            self.finish(
                self.inFlight.giveUp(.shutDown, at: .now()) + self.takeWaiting().map { $0.ending(.shutDown) },
                door: .shut(.shutDown))
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
        if self.life.phase == .ended {
            self.finish(requests.map { $0.ending(.shutDown) })
        } else if let channel = self.channel, self.life.isReady {
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
                self.write(request.command, to: channel)
                self.inFlight.append(request)
            } else {
                endings.append(request.ending(.storeChanged))
            }
        }
        self.flush(channel)
        if !endings.isEmpty { self.finish(endings) }
    }

    private func write(_ command: EncodedCommand, to channel: any Channel) {
        command.writeHeader(to: &self.outgoing)
        self.outgoing.writeImmutableBuffer(command.prefix)
        if command.arguments.readableBytes < copiedBytesMax {
            self.outgoing.writeImmutableBuffer(command.arguments)
        } else {
            channel.write(self.takeOutgoing(), promise: nil)
            channel.write(command.arguments, promise: nil)
        }
    }

    private func flush(_ channel: any Channel) {
        if self.outgoing.readableBytes > 0 { channel.write(self.takeOutgoing(), promise: nil) }
        channel.flush()
    }

    private func takeOutgoing() -> ByteBuffer {
        let taken = self.outgoing
        self.outgoing = ByteBuffer()
        return taken
    }

    // MARK: Replies in

    func received(_ replies: [RedisValue], generation: Int) {
        guard generation == self.generation else { return }
        var endings: [Ending] = []
        endings.reserveCapacity(replies.count)
        var failure: (any Error)?
        // A server that is of no use is left at once; what it says besides errors may be out of date.
        var unusable: ServerUnusable?
        for reply in replies {
            guard let command = self.inFlight.popFirst() else {
                failure = BrokenReply(reason: "a reply to nothing we asked")
                break
            }
            switch command.owner {
            case .greeting(let step):
                failure = self.greetingAnswered(step, reply)
            case .probe(let step):
                self.isProbing = false
                // Of a server that is left it does not matter which store it holds.
                if unusable == nil { unusable = self.probeAnswered(step, reply) }
            case .caller(let caller, _):
                let answer: Request.Reply
                if case .error(let error) = reply {
                    answer = .failure(.refused(error))
                    if error.endsConnection {
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
            self.breakOff(failure ?? unusable)
            self.watch.leave(unusable)
        } else if let failure {
            self.breakOff(failure)
        } else {
            // After the last reply of this read: one too many must not be taken for that of a command not yet sent.
            self.sendWaiting()
        }
    }

    private func sendWaiting() {
        guard !self.waiting.isEmpty, self.life.isReady, let channel = self.channel else { return }
        self.write(self.takeWaiting(), to: channel)
    }

    /// Tells callers how their commands ended.
    private func finish(_ endings: [Ending], door: Mailbox.Door? = nil) {
        // Before anyone is told: whoever hears of a reply may send the next command at once.
        self.mailbox.withLockedValue { mailbox in
            mailbox.release(endings)
            if let door { mailbox.set(door) }
        }
        for ending in endings { ending.caller.resume(returning: ending.reply) }
    }

    func channelEnded(_ error: any Error, generation: Int) {
        guard generation == self.generation else { return }
        self.breakOff(error)
    }

    // MARK: Coming and going

    private func begin() {
        if self.life.begin(at: .now()) { self.connect() }
    }

    private func connect() {
        self.generation += 1
        let generation = self.generation
        let bootstrap = ClientBootstrap(group: self.eventLoop)
            .connectTimeout(RedisLimits.connectTimeout)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        ReplyHandler(connection: self, generation: generation))
                }
            }
        let connecting: EventLoopFuture<any Channel> =
            switch self.settings.endpoint.address {
            case .tcp(let host, let port): bootstrap.connect(host: host, port: port)
            case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
            }
        connecting.hop(to: self.eventLoop).whenComplete { result in
            self.assumeIsolated { $0.connected(result, generation: generation) }
        }
        self.armSweep()
    }

    private func connected(_ result: Result<any Channel, any Error>, generation: Int) {
        switch result {
        case .failure(let error):
            if generation == self.generation { self.breakOff(error) }
        case .success(let channel):
            guard generation == self.generation, self.life.phase == .connecting else {
                channel.close(promise: nil)
                return
            }
            self.channel = channel
            let deadline = NIODeadline.now() + RedisLimits.connectTimeout
            let greeting = Greeting(
                to: self.settings.endpoint, mustBeMaster: self.settings.mustBeMaster, identity: self.watch.identity)
            for (step, command) in greeting.steps {
                self.write(command, to: channel)
                self.inFlight.append(step, deadline: deadline)
            }
            self.flush(channel)
            self.armSweep()
        }
    }

    /// - Returns: Why the connection is of no use.
    private func greetingAnswered(_ step: Greeting.Step, _ reply: RedisValue) -> ServerUnusable? {
        switch Greeting.judge(step, answer: reply) {
        case .goOn: return nil
        case .notReady(let refusal): return refusal
        case .otherStore(let expected):
            self.lost(expected)
            return nil
        case .ready:
            self.life.greeted(at: .now())
            self.mailbox.withLockedValue { $0.set(.ready) }
            if self.settings.probes { self.scheduleProbe() }
            if self.outageIsLogged {
                self.outageIsLogged = false
                self.logger.notice("Redis is back")
            }
            return nil
        }
    }

    // MARK: Asking the server

    private func scheduleProbe() {
        let generation = self.generation
        self.eventLoop.scheduleTask(in: RedisLimits.probeInterval) {
            self.assumeIsolated { if $0.generation == generation { $0.probe() } }
        }
    }

    private func probe() {
        guard self.life.isReady, let channel = self.channel else { return }
        self.scheduleProbe()
        // One that is not answered yet says as much as another behind it.
        guard !self.isProbing else { return }
        let steps = Greeting.probe(mustBeMaster: self.settings.mustBeMaster, identity: self.watch.identity)
        guard !steps.isEmpty else { return }
        self.isProbing = true
        let deadline = NIODeadline.now() + TimeAmount(RedisLimits.deadline)
        for (step, command) in steps {
            self.write(command, to: channel)
            self.inFlight.append(probe: step, deadline: deadline)
        }
        self.flush(channel)
        self.armSweep()
    }

    /// - Returns: Why the server is of no use.
    private func probeAnswered(_ step: Greeting.Step, _ reply: RedisValue) -> ServerUnusable? {
        switch Greeting.judge(step, answer: reply) {
        case .goOn, .ready: return nil
        case .notReady(let refusal): return refusal
        case .otherStore(let expected):
            self.lost(expected)
            return nil
        }
    }

    private func lost(_ identity: RedisIdentity) {
        if self.watch.lose(identity) {
            self.logger.critical("Redis has lost the store it held, or is another Redis: its data is gone")
        }
    }

    /// Gives the connection up and plans the next one.
    ///
    /// - Parameter cause: What callers whose command was in flight are told; a missed deadline only where it was missed.
    private func breakOff(_ error: any Error, cause: RedisError.Unknown = .disconnected) {
        let now = NIODeadline.now()
        guard let pause = self.life.broke(at: now, random: .random(in: 0..<1)) else { return }
        self.generation += 1
        self.channel?.close(promise: nil)
        self.channel = nil
        self.isProbing = false
        self.absence = (error as? ServerUnusable)?.absence ?? .disconnected
        // A caller that no longer waits for its reply says nothing about Redis.
        let isOutage = cause != .cancelled
        self.logger.log(
            level: !isOutage || self.outageIsLogged ? .debug : .warning,
            isOutage ? self.outage : "A cancelled command takes its connection along",
            metadata: ["error": "\(error)", "redis.retry_in_ms": "\(pause.nanoseconds / 1_000_000)"])
        if isOutage { self.outageIsLogged = true }
        self.eventLoop.scheduleTask(in: pause) { self.assumeIsolated { $0.pauseOver() } }
        self.finish(
            self.inFlight.giveUp(cause, at: now),
            door: self.life.isWorthWaiting(at: now) ? .waiting : .shut(self.absence))
        self.armSweep()
    }

    private var outage: Logger.Message {
        switch self.absence {
        case .replica: "Redis is a replica and takes no writes"
        case .loading: "Redis is reading its data"
        default: "Redis is not reachable"
        }
    }

    private func pauseOver() {
        if self.life.pauseOver() { self.connect() }
    }

    private func cancelOnLoop(ticket: UInt64) {
        self.drain()
        if let index = self.waiting.firstIndex(where: { $0.ticket == ticket }) {
            self.finish([self.waiting.remove(at: index).ending(.cancelled)])
        } else if self.inFlight.contains(ticket: ticket) {
            self.breakOff(CancellationError(), cause: .cancelled)
        }
    }

    // MARK: Deadlines

    /// Sets the timer if there is anything to watch.
    ///
    /// An idle connection has none.
    private func armSweep() {
        guard !self.sweepIsArmed, self.life.phase != .ended else { return }
        let doorMayShut = !self.life.isReady && self.settings.patience != nil && self.life.isWorthWaiting(at: .now())
        guard !self.inFlight.isEmpty || !self.waiting.isEmpty || doorMayShut else { return }
        self.sweepIsArmed = true
        self.eventLoop.scheduleTask(in: Self.sweepInterval) { self.assumeIsolated { $0.sweep() } }
    }

    private func sweep() {
        self.sweepIsArmed = false
        guard self.life.phase != .ended else { return }
        let now = NIODeadline.now()
        if self.inFlight.isSuspect(at: now) { self.breakOff(DeadlineMissed()) }
        var endings: [Ending] = []
        while let request = self.waiting.first, request.deadline <= now {
            self.waiting.removeFirst()
            endings.append(request.ending(.deadline))
        }
        if self.life.isWorthWaiting(at: now) {
            self.finish(endings)
        } else {
            endings += self.takeWaiting().map { $0.ending(self.absence) }
            self.finish(endings, door: .shut(self.absence))
        }
        self.armSweep()
    }

    private func takeWaiting() -> CircularBuffer<Request> {
        defer { self.waiting.removeAll() }
        return self.waiting
    }
}

/// Redis did not answer in time.
struct DeadlineMissed: Error {}

/// Longer arguments are written from where they are; shorter ones are copied, so that one write takes many commands.
private let copiedBytesMax = 16 << 10
