import CEpoll
package import Logging
import NIOConcurrencyHelpers
package import TLS

/// Sends HTTP requests: any thread hands them to the one thread that owns libcurl.
///
/// ```
///  any thread                      mailbox + eventfd               the transfer thread
///  send([request])  ──────────►  requests, in order  ──────────►  CurlLoop: epoll + curl_multi
///                                                                     │
///  request.completion(result)  ◄──────────────────────────────────────┘   once per request, on that thread
/// ```
package final class CurlClient: Sendable {
    /// Of the transfer thread; libcurl and OpenSSL need a tenth of it.
    private static let stackBytes = 1 << 20

    private let mailbox: Mailbox

    /// Starts the thread, and those that look names up.
    ///
    /// They run until ``stop()``.
    ///
    /// - Parameters:
    ///   - share: How many connections it may have; nil: as many as transfers.
    ///   - egress: Judges each address before it is connected to; nil: every address may be.
    ///   - tls: Which authorities may sign the certificates of servers, none given: those of the system may; and the certificate for
    ///     servers that ask for one. libcurl reads the files itself, with the connections that it makes.
    ///   - lookup: Asks for the addresses of a name, and may block.
    ///   - onStart: Called once, on the thread, with whether it can transfer; if not, it has ended.
    /// - Throws: ``HTTPClientError`` when the system has no descriptor or thread left.
    package init(
        limits: HTTPClientLimits, share: ConnectionShare? = nil, egress: EgressPolicy?, userAgent: String,
        tls: TLSFiles = TLSFiles(), logger: Logger,
        lookup: @escaping @Sendable (String) -> NameLookup.Result = NameLookup.system,
        onStart: @escaping @Sendable (Bool) -> Void = { _ in }
    ) throws(HTTPClientError) {
        guard let event = EventFD() else { throw .noDescriptors }
        self.mailbox = Mailbox(event: event)
        let share = share ?? ConnectionShare(limits.transfersMax)
        share.signals(event)
        let names = try NameThreads(wake: event, lookup: lookup)
        let arguments = ThreadArguments(
            mailbox: self.mailbox, names: names, limits: limits, share: share, egress: egress,
            userAgent: userAgent, tls: tls, logger: logger, onStart: onStart)
        do throws(HTTPClientError) {
            try Self.startThread(arguments)
        } catch {
            names.stop()
            throw error
        }
    }

    /// Starts the thread, and returns when it can transfer.
    ///
    /// - Throws: ``HTTPClientError`` when the system has no descriptor, memory or thread left.
    package static func started(
        limits: HTTPClientLimits, share: ConnectionShare, egress: EgressPolicy?, userAgent: String, tls: TLSFiles,
        logger: Logger
    ) async throws(HTTPClientError) -> CurlClient {
        let (answers, continuation) = AsyncStream<Bool>.makeStream()
        let client = try CurlClient(
            limits: limits, share: share, egress: egress, userAgent: userAgent, tls: tls, logger: logger,
            onStart: {
                continuation.yield($0)
                continuation.finish()
            })
        // Cancelled: the stream ends without an answer, and the caller stops the client.
        for await canTransfer in answers where !canTransfer { throw .noTransferLoop }
        return client
    }

    /// Sends requests, those of one owner in this order; each one's completion is called once, also after ``stop()``.
    package func send(_ requests: [HTTPClientRequest]) {
        let late = self.mailbox.put(requests)
        for request in late { request.completion(.aborted) }
    }

    /// Ends what is under way: each is reported as aborted.
    package func abortAll() {
        self.mailbox.order(.abort)
    }

    /// Ends what is under way and the thread; requests sent from now on are aborted at once.
    package func stop() {
        self.mailbox.order(.stop)
    }

    private static func startThread(_ arguments: ThreadArguments) throws(HTTPClientError) {
        let box = Unmanaged.passRetained(arguments)
        let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { raw in
            guard let raw else { preconditionFailure("the thread was started without its arguments") }
            Unmanaged<ThreadArguments>.fromOpaque(raw).takeRetainedValue().run()
            return nil
        }
        let status = cepoll_start_thread(run, box.toOpaque(), Self.stackBytes)
        guard status == 0 else {
            box.release()
            throw .noThread
        }
    }
}

package enum HTTPClientError: Error, Sendable, Equatable, CustomStringConvertible {
    case noDescriptors, noThread, noTransferLoop

    package var description: String {
        switch self {
        case .noDescriptors: "no file descriptor is left for its transfer thread"
        case .noThread: "no transfer thread can be started"
        case .noTransferLoop: "no file descriptor or memory is left for its transfers"
        }
    }
}

/// What the transfer thread is started with.
private final class ThreadArguments: Sendable {
    let mailbox: Mailbox
    let names: NameThreads
    let limits: HTTPClientLimits
    let share: ConnectionShare
    let egress: EgressPolicy?
    let userAgent: String
    let tls: TLSFiles
    let logger: Logger
    let onStart: @Sendable (Bool) -> Void

    init(
        mailbox: Mailbox, names: NameThreads, limits: HTTPClientLimits, share: ConnectionShare, egress: EgressPolicy?,
        userAgent: String, tls: TLSFiles, logger: Logger, onStart: @escaping @Sendable (Bool) -> Void
    ) {
        self.mailbox = mailbox
        self.names = names
        self.limits = limits
        self.share = share
        self.egress = egress
        self.userAgent = userAgent
        self.tls = tls
        self.logger = logger
        self.onStart = onStart
    }

    func run() {
        defer { self.names.stop() }
        guard
            let loop = CurlLoop(
                mailbox: self.mailbox, names: self.names, limits: self.limits, share: self.share,
                egress: self.egress, userAgent: self.userAgent, tls: self.tls)
        else {
            self.logger.critical("No memory or descriptor for the transfer thread")
            for request in self.mailbox.close() { request.completion(.aborted) }
            self.onStart(false)
            return
        }
        self.onStart(true)
        loop.run()
    }
}

/// The requests and orders that other threads have for the transfer thread.
final class Mailbox: Sendable {
    enum Order: Comparable {
        case none, abort, stop
    }

    private struct State {
        var requests: [HTTPClientRequest] = []
        var order = Order.none
        var isSignalled = false
        var isClosed = false
    }

    let event: EventFD
    private let state = NIOLockedValueBox(State())

    init(event: EventFD) {
        self.event = event
    }

    /// - Returns: The requests that came too late.
    func put(_ requests: [HTTPClientRequest]) -> [HTTPClientRequest] {
        let (late, isFirst) = self.state.withLockedValue { state -> ([HTTPClientRequest], Bool) in
            guard !state.isClosed else { return (requests, false) }
            state.requests += requests
            return ([], Self.signalOnce(&state))
        }
        if isFirst { self.event.signal() }
        return late
    }

    func order(_ order: Order) {
        let isFirst = self.state.withLockedValue { state in
            state.order = max(state.order, order)
            if order == .stop { state.isClosed = true }
            return Self.signalOnce(&state)
        }
        if isFirst { self.event.signal() }
    }

    func take() -> (requests: [HTTPClientRequest], order: Order) {
        self.event.drain()
        return self.state.withLockedValue { state in
            defer {
                state.requests = []
                state.order = .none
                state.isSignalled = false
            }
            return (state.requests, state.order)
        }
    }

    /// Takes no more, and gives back what had not been taken.
    func close() -> [HTTPClientRequest] {
        self.state.withLockedValue { state in
            state.isClosed = true
            defer { state.requests = [] }
            return state.requests
        }
    }

    /// One system call for all that is put while the thread is on its way.
    private static func signalOnce(_ state: inout State) -> Bool {
        defer { state.isSignalled = true }
        return !state.isSignalled
    }
}
