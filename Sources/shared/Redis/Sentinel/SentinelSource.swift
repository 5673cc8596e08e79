internal import Logging
internal import NIOCore

/// Asks Sentinels where the master is, and listens to them for its changes.
///
/// All connections of a client share one: what asks while a search lasts gets its result. It lives on one event loop, so that
/// an address that was found before a change never reaches a connection after that.
actor SentinelSource: AddressSource {
    nonisolated let eventLoop: any EventLoop
    nonisolated let unownedExecutor: UnownedSerialExecutor
    /// What is at the address of a Sentinel's word has to say itself that it is a master.
    nonisolated let provesMasters = true

    private let master: String
    /// Of the Sentinels.
    private let login: RedisLogin
    private let transport: any Transport
    private let logger: Logger
    private var search: SentinelSearch
    private var waiting: [EventLoopPromise<RedisEndpoint.Address>] = []
    private var moved: (@Sendable (RedisEndpoint.Address) -> Void)?
    private var listeners: [RedisEndpoint.Address: RedisConnection] = [:]
    private var lastChange: MasterSwitch?
    private var isOver = false

    /// - Parameters:
    ///   - sentinels: One or more.
    ///   - master: The name they know it by.
    init(
        _ sentinels: [RedisEndpoint.Address], master: String, login: RedisLogin, transport: any Transport,
        eventLoop: any EventLoop, logger: Logger
    ) {
        self.search = SentinelSearch(sentinels)
        self.master = master
        self.login = login
        self.transport = transport
        self.eventLoop = eventLoop
        self.unownedExecutor = eventLoop.executor.asUnownedSerialExecutor()
        self.logger = logger
    }

    // MARK: From any thread

    nonisolated func address(
        after loss: ConnectionLoss?, on eventLoop: any EventLoop
    ) -> EventLoopFuture<RedisEndpoint.Address> {
        let promise = eventLoop.makePromise(of: RedisEndpoint.Address.self)
        self.onLoop { $0.ask(promise, after: loss) }
        return promise.futureResult
    }

    nonisolated func follow(_ moved: @escaping @Sendable (RedisEndpoint.Address) -> Void) {
        self.onLoop { $0.moved = moved }
    }

    func end() async {
        self.isOver = true
        self.moved = nil
        self.perform(.failed(.shutDown))
        let listeners = self.listeners.values
        self.listeners = [:]
        for listener in listeners { await listener.shutDown() }
    }

    private nonisolated func onLoop(_ body: @escaping @Sendable (isolated SentinelSource) -> Void) {
        self.eventLoop.execute { self.assumeIsolated { body($0) } }
    }

    // MARK: Asking

    private func ask(_ promise: EventLoopPromise<RedisEndpoint.Address>, after loss: ConnectionLoss?) {
        guard !self.isOver else { return promise.fail(SentinelFailure.shutDown) }
        self.listen()
        self.waiting.append(promise)
        self.perform(self.search.begin(after: loss))
    }

    private func perform(_ action: SentinelSearch.Action?) {
        switch action {
        case .ask(let sentinel):
            let connector = RedisConnector(
                to: RedisEndpoint(address: sentinel, login: self.login), transport: self.transport)
            SentinelInquiry(connector: connector, master: self.master).answer(on: self.eventLoop)
                .whenComplete { result in self.assumeIsolated { $0.answered(sentinel, result) } }
        case .found(let address):
            for promise in self.takeWaiting() { promise.succeed(address) }
        case .failed(let failure):
            for promise in self.takeWaiting() { promise.fail(failure) }
        case nil: break
        }
    }

    private func answered(_ sentinel: RedisEndpoint.Address, _ result: Result<SentinelAnswer, any Error>) {
        let answer = result.mapError { $0 as? SentinelFailure ?? .unreachable }
        if case .failure(let failure) = answer {
            self.logger.debug(
                "A Sentinel does not help", metadata: ["redis.sentinel": "\(sentinel)", "error": "\(failure)"])
        }
        guard !self.isOver else { return }
        self.perform(self.search.answered(sentinel, answer))
        self.listen()
    }

    private func takeWaiting() -> [EventLoopPromise<RedisEndpoint.Address>] {
        defer { self.waiting.removeAll() }
        return self.waiting
    }

    // MARK: Listening

    /// Listens to those that are known by now.
    ///
    /// To several, since one that is cut off together with the master hears of no other. It begins with the first question of a
    /// client that follows: a client that never connects needs no listener.
    private func listen() {
        guard self.moved != nil else { return }
        let sentinels = self.search.listened
        for sentinel in sentinels where self.listeners[sentinel] == nil {
            let listener = self.listener(to: sentinel)
            self.listeners[sentinel] = listener
            listener.start()
        }
        for (sentinel, listener) in self.listeners where !sentinels.contains(sentinel) {
            self.listeners[sentinel] = nil
            Task { await listener.shutDown() }
        }
    }

    private func listener(to sentinel: RedisEndpoint.Address) -> RedisConnection {
        let connector = RedisConnector(
            to: RedisEndpoint(address: sentinel, login: self.login), transport: self.transport)
        var settings = RedisConnection.Settings(connector: connector, inFlightMax: 1, waitMax: nil, mustBeMaster: false)
        settings.peer = "Sentinel"
        settings.subscription = ChannelSubscription([MasterSwitch.channel]) { event in
            if case .message(let text) = event { self.assumeIsolated { $0.noticed(text) } }
        }
        return RedisConnection(settings, watch: ServerWatch(), eventLoop: self.eventLoop, logger: self.logger)
    }

    private func noticed(_ message: String) {
        guard let change = MasterSwitch(message, of: self.master) else { return }
        // Each of them says so.
        if change != self.lastChange {
            self.logger.notice(
                "Sentinel names another master",
                metadata: ["redis.address": "\(change.new)", "redis.former_address": "\(change.old)"])
        }
        self.lastChange = change
        self.perform(self.search.noticed(change))
        self.moved?(change.new)
    }
}
