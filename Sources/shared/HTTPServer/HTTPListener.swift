package import Logging
import NIOConcurrencyHelpers
package import NIOCore
import NIOPosix
import ServiceLifecycle
package import TLS

/// Listens for HTTP/1.1 until it is asked to stop, then lets the requests under way finish.
package struct HTTPListener: Service {
    private static let backlog: Int32 = 4096

    private let host: String
    private let port: Int
    private let descriptor: Int32?
    private let eventLoopGroup: any EventLoopGroup
    private let keepsReserve: Bool
    private let core: ListenerCore
    private let onListening: @Sendable (Int) -> Void

    /// - Parameters:
    ///   - port: 0 for one the kernel picks.
    ///   - descriptor: A socket that listens there already; nil: one is made.
    ///   - tls: What connections are encrypted with; nil: they are in the clear.
    ///   - keepsReserve: Whether a descriptor is kept, so that connections are accepted when the process has no other left.
    ///   - eventLoopGroup: Its event loops also run the tasks of requests.
    ///   - isProxy: Whether an address is that of a proxy whose PROXY header and `X-Forwarded-For` are believed, for bounds by
    ///     address.
    ///   - respond: Called on an event loop with every head; may not block.
    ///   - refuse: What it answers ends the connection.
    ///   - onListening: Gets the port, once.
    package init(
        host: String, port: Int, descriptor: Int32? = nil,
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        limits: HTTPLimits = HTTPLimits(), tls: TLSContextHolder? = nil, keepsReserve: Bool = false, logger: Logger,
        onListening: @escaping @Sendable (Int) -> Void,
        refuse: @escaping HTTPAction.Refuse = { fault, _ in Self.refusal(fault) },
        isProxy: @escaping @Sendable (SocketAddress) -> Bool = { _ in false },
        respond: @escaping @Sendable (HTTPRequestHead) -> HTTPAction
    ) {
        self.host = host
        self.port = port
        self.descriptor = descriptor
        self.keepsReserve = keepsReserve
        self.eventLoopGroup = eventLoopGroup
        self.core = ListenerCore(
            limits: limits, tls: tls, logger: logger, respond: respond, refuse: refuse, isProxy: isProxy)
        self.onListening = onListening
    }

    /// A refusal as plain text.
    package static func refusal(_ fault: HTTPRequestFault) -> HTTPAnswer {
        HTTPAnswer(
            fault == .overloaded ? .serviceUnavailable : .badRequest, fault.description + "\n",
            type: "text/plain; charset=utf-8")
    }

    /// Connections that are open.
    package var connections: Int { self.core.connections }

    /// - Throws: What binding throws, or that the listener ended by itself.
    package func run() async throws {
        let loops = ListenerLoops(self.core, self.eventLoopGroup)
        let (core, keepsReserve) = (self.core, self.keepsReserve)
        let bootstrap = ServerBootstrap(group: self.eventLoopGroup)
            .serverChannelOption(.backlog, value: Self.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // One at a time, so that none is accepted beyond the bound.
            .serverChannelOption(.maxMessagesPerRead, value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let reserve = keepsReserve ? ReserveDescriptor() : nil
                    try channel.pipeline.syncOperations.addHandler(AcceptHandler(core, loops, reserve: reserve))
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            // What is read at once is bounded by one buffer.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            // What the kernel does not take at once is counted, beyond this.
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 4 * 1024, high: 8 * 1024))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let loop = loops[channel.eventLoop]
                    try channel.pipeline.syncOperations.addHandler(HTTPConnection(core, loop, channel))
                }
            }
        let listener =
            if let descriptor = self.descriptor {
                try await bootstrap.withBoundSocket(descriptor).get()
            } else {
                try await bootstrap.bind(host: self.host, port: self.port).get()
            }
        self.onListening(listener.localAddress?.port ?? 0)
        let ended = listener.eventLoop.makePromise(of: Void.self)
        listener.closeFuture.whenComplete { _ in
            core.stop(ended)
            loops.stop()
        }
        let isAsked = NIOLockedValueBox(false)
        let end: @Sendable () -> Void = {
            isAsked.withLockedValue { $0 = true }
            listener.close(promise: nil)
        }
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                // Never fails: it succeeds where the last connection ends.
                try? await ended.futureResult.get()
            } onGracefulShutdown: {
                end()
            }
        } onCancel: {
            end()
            loops.abort()
        }
        guard isAsked.withLockedValue({ $0 }) else { throw HTTPListenerClosed() }
    }
}

/// The listener ended by itself, for a failure of the system.
package struct HTTPListenerClosed: Error {}

/// The parts of a listener by event loop.
struct ListenerLoops: Sendable {
    private let all: [ObjectIdentifier: NIOLoopBoundBox<ListenerLoop>]

    init(_ core: ListenerCore, _ group: any EventLoopGroup) {
        var all: [ObjectIdentifier: NIOLoopBoundBox<ListenerLoop>] = [:]
        for eventLoop in group.makeIterator() {
            all[ObjectIdentifier(eventLoop)] = NIOLoopBoundBox.makeBoxSendingValue(
                ListenerLoop(core, eventLoop), eventLoop: eventLoop)
        }
        self.all = all
    }

    /// On that event loop only.
    subscript(eventLoop: any EventLoop) -> ListenerLoop {
        guard let box = self.all[ObjectIdentifier(eventLoop)] else {
            preconditionFailure("a connection on an event loop of another group")
        }
        return box.value
    }

    func stop() { self.forEach { $0.stop() } }
    func abort() { self.forEach { $0.abort() } }
    func shed() { self.forEach { $0.shed() } }
    func shedSlow() { self.forEach { $0.shedSlow() } }

    private func forEach(_ body: @escaping @Sendable (ListenerLoop) -> Void) {
        for box in self.all.values { box.eventLoop.execute { body(box.value) } }
    }
}
