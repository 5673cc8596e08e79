import CEpoll
package import Logging
import NIOConcurrencyHelpers

/// Sends webhooks; the door to the one thread that owns libcurl.
///
/// ```
///  any thread                      mailbox + eventfd               the transfer thread
///  send([request])  ──────────►  requests, in order  ──────────►  CurlLoop: epoll + curl_multi
///                                                                     │
///  request.completion(result)  ◄──────────────────────────────────────┘   once per request, on that thread
/// ```
package final class WebhookClient: Sendable {
    /// Of the transfer thread; libcurl and OpenSSL need a tenth of it.
    private static let stackBytes = 1 << 20

    private let mailbox: Mailbox

    /// Starts the thread, and those that look names up.
    ///
    /// They run until ``stop()``.
    ///
    /// - Parameters:
    ///   - share: How many connections it may have; nil: as many as transfers.
    ///   - lookup: Asks for the addresses of a name, and may block.
    ///   - onStart: Called once, on the thread, with whether it can transfer; if not, it has ended.
    /// - Throws: ``WebhookClientError`` when the system has no descriptor or thread left.
    package init(
        limits: WebhookLimits, share: ConnectionShare? = nil, egress: EgressPolicy, version: String, logger: Logger,
        lookup: @escaping @Sendable (String) -> NameLookup.Result = NameLookup.system,
        onStart: @escaping @Sendable (Bool) -> Void = { _ in }
    ) throws(WebhookClientError) {
        guard let event = EventFD() else { throw .noDescriptors }
        self.mailbox = Mailbox(event: event)
        let share = share ?? ConnectionShare(limits.transfersMax)
        share.signals(event)
        let names = try NameThreads(wake: event, lookup: lookup)
        let seed = ThreadSeed(
            mailbox: self.mailbox, names: names, limits: limits, share: share, egress: egress,
            userAgent: "herald/\(version)", logger: logger, onStart: onStart)
        do throws(WebhookClientError) {
            try Self.startThread(seed)
        } catch {
            names.stop()
            throw error
        }
    }

    /// Sends requests, those of one project in this order; each one's completion is called once, also after ``stop()``.
    package func send(_ requests: [WebhookRequest]) {
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

    private static func startThread(_ seed: ThreadSeed) throws(WebhookClientError) {
        let box = Unmanaged.passRetained(seed)
        let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { raw in
            guard let raw else { preconditionFailure("the thread was started without its seed") }
            Unmanaged<ThreadSeed>.fromOpaque(raw).takeRetainedValue().run()
            return nil
        }
        let status = cepoll_start_thread(run, box.toOpaque(), Self.stackBytes)
        guard status == 0 else {
            box.release()
            throw .noThread
        }
    }
}

package enum WebhookClientError: Error, Sendable, Equatable, CustomStringConvertible {
    case noDescriptors, noThread, noTransferLoop

    package var description: String {
        switch self {
        case .noDescriptors: "no file descriptor is left for its transfer thread"
        case .noThread: "no transfer thread can be started"
        case .noTransferLoop: "no file descriptor or memory is left for its transfers"
        }
    }
}

/// All that the transfer thread is born with.
private final class ThreadSeed: Sendable {
    let mailbox: Mailbox
    let names: NameThreads
    let limits: WebhookLimits
    let share: ConnectionShare
    let egress: EgressPolicy
    let userAgent: String
    let logger: Logger
    let onStart: @Sendable (Bool) -> Void

    init(
        mailbox: Mailbox, names: NameThreads, limits: WebhookLimits, share: ConnectionShare, egress: EgressPolicy,
        userAgent: String, logger: Logger, onStart: @escaping @Sendable (Bool) -> Void
    ) {
        self.mailbox = mailbox
        self.names = names
        self.limits = limits
        self.share = share
        self.egress = egress
        self.userAgent = userAgent
        self.logger = logger
        self.onStart = onStart
    }

    func run() {
        defer { self.names.stop() }
        guard
            let loop = CurlLoop(
                mailbox: self.mailbox, names: self.names, limits: self.limits, share: self.share,
                egress: self.egress, userAgent: self.userAgent)
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

/// What the rest of the house has for the transfer thread.
final class Mailbox: Sendable {
    enum Order: Comparable {
        case none, abort, stop
    }

    private struct State {
        var requests: [WebhookRequest] = []
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
    func put(_ requests: [WebhookRequest]) -> [WebhookRequest] {
        let (late, isFirst) = self.state.withLockedValue { state -> ([WebhookRequest], Bool) in
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

    func take() -> (requests: [WebhookRequest], order: Order) {
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
    func close() -> [WebhookRequest] {
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
