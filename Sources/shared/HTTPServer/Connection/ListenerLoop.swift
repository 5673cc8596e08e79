import NIOCore

/// The connections of a listener on one event loop, and what they share there.
final class ListenerLoop {
    private static let sweepInterval = TimeAmount.seconds(1)
    /// When all connections are taken, one in so many ends at a time, over all event loops.
    private static let shedPart = 64
    /// The same of requests that arrive slowly, when nearly all are taken.
    private static let shedSlowPart = 16

    let eventLoop: any EventLoop
    let executor: LoopExecutor
    let writer = AnswerWriter(date: DateLine())
    private let core: ListenerCore
    private var connections: [HTTPConnection] = []
    /// Those that another protocol has taken over.
    private var upgraded: [ObjectIdentifier: any Channel] = [:]
    private var isSweeping = false
    private var isStopping = false
    private var isAborted = false

    init(_ core: ListenerCore, _ eventLoop: any EventLoop) {
        self.core = core
        self.eventLoop = eventLoop
        self.executor = LoopExecutor(eventLoop)
    }

    func add(_ connection: HTTPConnection) {
        connection.index = self.connections.count
        self.connections.append(connection)
        // Accepted while the listener stopped, or was cancelled.
        if self.isStopping { connection.stop() }
        if self.isAborted { connection.abort() }
        guard !self.isSweeping else { return }
        self.isSweeping = true
        self.scheduleSweep()
    }

    func remove(_ connection: HTTPConnection) {
        let last = self.connections.removeLast()
        guard last !== connection else { return }
        last.index = connection.index
        self.connections[connection.index] = last
    }

    /// Keeps a connection of another protocol until it ends: it is asked to when the listener stops.
    func addUpgraded(_ channel: any Channel) {
        self.upgraded[ObjectIdentifier(channel)] = channel
        channel.closeFuture.assumeIsolated().whenComplete { _ in
            self.upgraded[ObjectIdentifier(channel)] = nil
        }
        if self.isStopping { Self.quiesce(channel) }
    }

    private static func quiesce(_ channel: any Channel) {
        channel.pipeline.syncOperations.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }

    /// Lets the requests under way finish, and ends what has none.
    func stop() {
        self.isStopping = true
        for connection in self.connections { connection.stop() }
        for channel in self.upgraded.values { Self.quiesce(channel) }
    }

    /// Ends all connections and the tasks of their requests.
    func abort() {
        self.isAborted = true
        for connection in self.connections { connection.abort() }
        for channel in self.upgraded.values { channel.close(promise: nil) }
    }

    /// Ends connections that nothing is lost with: those without a request, or else those whose request arrives slowly, or else
    /// waits, and of them those first that have been so for longest.
    ///
    /// A new connection has a second for its first request, and that a second to arrive.
    func shed() {
        if !self.shed(by: \.idleTime, { $0.close() }), !self.shed(by: \.slowTime, { $0.close() }) {
            _ = self.shed(by: \.waitingTime) { $0.endAfterWait() }
        }
    }

    /// Ends connections whose request arrives slowly.
    func shedSlow() { _ = self.shed(by: \.slowTime, part: Self.shedSlowPart) { $0.close() } }

    /// - Returns: Whether there was one.
    private func shed(
        by time: (HTTPConnection) -> TimeAmount?, part: Int = shedPart, _ end: (HTTPConnection) -> Void
    ) -> Bool {
        let shed = self.connections.compactMap { connection in time(connection).map { (connection, $0) } }
            .filter { $0.1 >= Self.sweepInterval }.sorted { $0.1 > $1.1 }
        for (connection, _) in shed.prefix(max(1, self.connections.count / part)) { end(connection) }
        return !shed.isEmpty
    }

    /// Ends the connection whose peer has taken nothing of its answer for longest, if there is one.
    ///
    /// - Returns: Whether there was one.
    func shedStalled() -> Bool {
        var longest: (connection: HTTPConnection, time: TimeAmount)?
        for connection in self.connections {
            guard let time = connection.stalledTime, time > longest?.time ?? Self.sweepInterval else { continue }
            longest = (connection, time)
        }
        longest?.connection.close()
        return longest != nil
    }

    // One timer for all: deadlines are of seconds, and a timer for each request would cost more than the requests.
    private func scheduleSweep() {
        let loop = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.eventLoop.scheduleTask(in: Self.sweepInterval) { loop.value.sweep() }
    }

    private func sweep() {
        guard !self.connections.isEmpty else {
            self.isSweeping = false
            return
        }
        let now = NIODeadline.now()
        // A connection that ends leaves the list at once or later; none is looked at twice.
        for connection in self.connections { connection.timePassed(at: now) }
        if self.core.isFull { self.shed() }
        self.scheduleSweep()
    }
}
