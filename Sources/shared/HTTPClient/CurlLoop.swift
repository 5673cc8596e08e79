import CCurl
import CEpoll
import Glibc
import TLS

/// The transfer thread: libcurl's multi interface over epoll.
///
/// This file, `Multi.swift` and `Transfer.swift` alone touch libcurl's pointers.
///
/// Everything in here belongs to the thread that made it and never leaves it; requests come in and results go out as
/// values. libcurl says which descriptors to watch and when to wake; in between the thread sleeps, for ever when
/// nothing is under way.
///
/// Requests are spread over several multi handles by their host. Whenever a transfer is taken out of one, libcurl 7.88
/// walks over the connections of that handle until it finds the one the transfer used: with all of them in one handle, half
/// of the processor time of a wide fan-out went there.
final class CurlLoop {
    /// Multi handles; the requests to one host share one, and with it their connections.
    private static let multisCount = 16
    /// Easy handles kept for the next request; a flood's worth of them would stay in memory for nothing.
    private static let idleMax = 512
    /// Requests begun before answers are looked at again.
    ///
    /// Had a page of hundreds all begun at once, each would open a connection of its own, while those before it may be
    /// answered already; and libcurl walks through all connections for each transfer that ends.
    private static let startsMax = 8

    private let mailbox: Mailbox
    private let nameThreads: NameThreads
    private let limits: HTTPClientLimits
    private let fieldsKept: [ResponseHead.FieldName]
    private let share: ConnectionShare
    /// The bound of ``multis``.
    private var connectionsMax: Int
    private let egress: EgressPolicy?
    private let userAgent: String
    private let tls: TLSFiles
    private let multis: [Multi]
    private let epoll: Epoll
    /// The multi handle of each watched descriptor.
    private var owners: [Int32: Multi] = [:]
    private var idle: [Transfer] = []
    /// Taken from the mailbox and not begun yet.
    private var waiting = FairQueue<String?, PendingRequest>()
    private var names: NameTable
    private var waiters = NameWaiters()
    private var addressLists = AddressLists()
    private var underWay: [UnsafeMutableRawPointer: Transfer] = [:]
    /// Transfers whose descriptors cannot be watched.
    private var unwatched: [UnsafeMutableRawPointer] = []

    init?(
        mailbox: Mailbox, names: NameThreads, limits: HTTPClientLimits, share: ConnectionShare, egress: EgressPolicy?,
        userAgent: String, tls: TLSFiles
    ) {
        guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK, let epoll = Epoll(),
            epoll.watch(mailbox.event.descriptor, reading: true, writing: false)
        else { return nil }
        let multis = (0..<Self.multisCount).compactMap { _ in Multi() }
        guard multis.count == Self.multisCount else { return nil }
        self.mailbox = mailbox
        self.nameThreads = names
        self.names = NameTable(
            freshMilliseconds: Int64(min(HTTPClientLimits.namesFreshMax, limits.namesUsableMax).milliseconds),
            staleMilliseconds: Int64(limits.namesUsableMax.milliseconds))
        self.limits = limits
        self.fieldsKept = limits.fieldsKept.map { ResponseHead.FieldName($0) }
        self.share = share
        self.connectionsMax = share.max
        self.egress = egress
        self.userAgent = userAgent
        self.tls = tls
        self.multis = multis
        self.epoll = epoll
    }

    deinit {
        for transfer in self.idle { curl_easy_cleanup(transfer.easy) }
    }

    /// Works until the mailbox orders to stop; then every request has been answered.
    func run() {
        for multi in self.multis { self.prepare(multi) }
        while self.turn() {}
        for request in self.mailbox.close() { request.completion(.aborted) }
    }

    /// - Returns: false when it is time to stop.
    private func turn() -> Bool {
        var isOpen = true
        var running: Int32 = 0
        var hasMail = false
        self.epoll.wait(milliseconds: self.sleepTime()) { event in
            if event.descriptor == self.mailbox.event.descriptor {
                hasMail = true
                return
            }
            var flags = event.isReadable ? CURL_CSELECT_IN : 0
            if event.isWritable { flags |= CURL_CSELECT_OUT }
            if event.isBroken { flags |= CURL_CSELECT_ERR }
            guard let owner = self.owners[event.descriptor] else { return }
            owner.hasWorked = true
            curl_multi_socket_action(owner.handle, event.descriptor, flags, &running)
        }
        if hasMail {
            isOpen = self.openMail()
            self.takeNames()
            self.keepToShare()
        }
        for _ in 0..<Self.startsMax {
            guard let pending = self.waiting.popFirst() else { break }
            self.start(pending)
        }
        let now = self.now()
        self.giveUpNames(now)
        self.lookUpNames(now)
        for multi in self.multis {
            if let wakeAt = multi.wakeAt, now >= wakeAt {
                multi.wakeAt = nil
                multi.hasWorked = true
                curl_multi_socket_action(multi.handle, curl_socket_t(CURL_SOCKET_TIMEOUT), 0, &running)
            }
            guard multi.hasWorked else { continue }
            multi.hasWorked = false
            self.reap(multi)
        }
        self.failUnwatched()
        return isOpen
    }

    private func openMail() -> Bool {
        let (requests, order) = self.mailbox.take()
        // Those of one owner come one after the other: each run is put in its queue at once.
        var rest = requests[...]
        while let first = rest.first {
            let owner = first.owner
            let run = rest.prefix { $0.owner == owner }
            self.waiting.append(contentsOf: run.lazy.map { PendingRequest(request: $0) }, of: owner)
            rest = rest[run.endIndex...]
        }
        switch order {
        case .none: return true
        case .abort, .stop:
            while let pending = self.waiting.popFirst() { pending.request.completion(.aborted) }
            let now = self.now()
            for (name, waiter) in self.waiters.takeAll() {
                self.names.leave(name, now: now)
                waiter.pending.request.completion(.aborted)
            }
            for transfer in Array(self.underWay.values) { self.finish(transfer, with: .aborted) }
            return order == .abort
        }
    }

    /// Milliseconds to sleep.
    ///
    /// Rounded up, so that libcurl is never woken before its time and asked in circles.
    private func sleepTime() -> Int32 {
        guard self.waiting.isEmpty else { return 0 }
        var wakeAt = self.waiters.nextDeadline ?? .max
        for multi in self.multis { if let at = multi.wakeAt, at < wakeAt { wakeAt = at } }
        return wakeAt == .max ? -1 : Int32(clamping: max(0, wakeAt - self.now()))
    }

    /// Milliseconds of a clock that is never set, and stands still while the machine sleeps, as libcurl's does.
    private func now() -> Int64 { cepoll_milliseconds() }

    // MARK: Names

    /// Starts a request, or has it wait for the address of its name: libcurl is given addresses, and looks up none.
    private func start(_ pending: PendingRequest) {
        let request = pending.request
        let now = self.now()
        guard let host = request.url.hostName else { return self.begin(pending, now: now) }
        if host.isAddress { return self.begin(pending, at: [host.name], of: host, now: now) }
        switch self.names.want(host.name, for: request.owner, now: now) {
        case .addresses(let addresses): self.begin(pending, at: addresses, of: host, now: now)
        case .failed: self.fail(pending, .resolve, now: now)
        case .waiting: self.wait(pending, for: host, now: now)
        }
    }

    private func wait(_ pending: PendingRequest, for host: HostName, now: Int64) {
        let whole = pending.request.milliseconds(self.limits)
        let limit = min(Int64(self.limits.connectTimeout.milliseconds), whole)
        if let earlier = pending.earlier, earlier.startedAt + whole < now + limit {
            // The exchange would last longer than it may.
            self.names.leave(host.name, now: now)
            return self.fail(pending, earlier.wasSent ? .closed : .timeout, now: now)
        }
        let since = pending.since ?? now
        self.waiters.append(pending, name: host.name, since: since, until: since + limit)
    }

    private func takeNames() {
        let now = self.now()
        for finished in self.nameThreads.takeFinished() {
            let answer = self.names.finished(
                finished.name, of: finished.owner, finished.result, now: now)
            for waiter in self.waiters.take(finished.name) {
                var pending = waiter.pending
                pending.since = waiter.since
                switch answer {
                // In its turn again: all at once would open a connection each.
                case .addresses: self.waiting.append(pending, of: pending.request.owner)
                case .failed, .waiting: self.fail(pending, .resolve, now: now)
                }
            }
        }
    }

    private func giveUpNames(_ now: Int64) {
        while let (name, waiter) = self.waiters.takeLate(now: now) {
            self.names.leave(name, now: now)
            var pending = waiter.pending
            pending.since = waiter.since
            self.fail(pending, .timeout, now: now)
        }
    }

    private func lookUpNames(_ now: Int64) {
        while let (name, owner) = self.names.next(now: now) { self.nameThreads.start(name, of: owner) }
    }

    /// Ends a request that libcurl does not have.
    private func fail(_ pending: PendingRequest, _ failure: HTTPClientFailure, now: Int64) {
        let since = pending.since ?? now
        var exchange = HTTPExchange()
        (exchange.dns, exchange.total) = (Int(now - since), Int(now - (pending.earlier?.startedAt ?? since)))
        pending.request.completion(.failed(failure, exchange))
    }

    // MARK: Transfers

    private func begin(_ pending: PendingRequest, at addresses: [String], of host: HostName, now: Int64) {
        self.begin(pending, addresses: self.addressLists.list(of: host, addresses), now: now)
    }

    /// - Parameter addresses: Of its host; nil: its URL has one that libcurl reads.
    private func begin(_ pending: PendingRequest, addresses: AddressList? = nil, now: Int64) {
        let request = pending.request
        guard
            let transfer = self.idle.popLast()
                ?? Transfer(
                    egress: self.egress, limits: self.limits, fieldsKept: self.fieldsKept, userAgent: self.userAgent,
                    tls: self.tls)
        else {
            return self.fail(pending, .other, now: now)
        }
        transfer.begin(pending, addresses: addresses, now: now)
        let easy = transfer.easy
        transfer.use(request.method)
        ccurl_set_string(easy, CURLOPT_URL, request.url.text)
        if request.method.hasBody {
            ccurl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body?.count ?? 0))
            // Not copied: the transfer keeps the body alive until it is done.
            ccurl_set_pointer(easy, CURLOPT_POSTFIELDS, request.body?.start)
        }
        for line in request.headers { transfer.headers = curl_slist_append(transfer.headers, line) }
        // libcurl would ask for `100 Continue` above 1 MiB, and simple receivers never answer that.
        transfer.headers = curl_slist_append(transfer.headers, "Expect:")
        ccurl_set_list(easy, CURLOPT_HTTPHEADER, transfer.headers)
        self.underWay[easy] = transfer
        // By the key of libcurl's addresses, so that those of one host are in one handle.
        let hash = (request.url.hostName?.key ?? request.url.origin).hashValue
        let multi = self.multis[Int(UInt(bitPattern: hash) % UInt(Self.multisCount))]
        transfer.multi = multi
        multi.transfers += 1
        if curl_multi_add_handle(multi.handle, easy) != CURLM_OK {
            self.finish(transfer, with: .failed(.other, HTTPExchange()))
        }
    }

    /// Takes what libcurl has finished.
    private func reap(_ multi: Multi) {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi.handle, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle,
                let transfer = self.underWay[easy]
            else { continue }
            var status = 0
            ccurl_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
            let code = message.pointee.data.result
            let now = self.now()
            if let again = transfer.secondBegin(after: code, now: now) {
                _ = self.release(transfer)
                self.start(again)
                continue
            }
            self.finish(transfer, with: transfer.result(of: code, status: status, now: now))
        }
    }

    private func finish(_ transfer: Transfer, with result: HTTPClientResult) {
        self.release(transfer)?(result)
    }

    /// Takes a transfer away from libcurl.
    ///
    /// - Returns: The completion of its request, which has not been called.
    private func release(_ transfer: Transfer) -> (@Sendable (HTTPClientResult) -> Void)? {
        if let multi = transfer.multi {
            curl_multi_remove_handle(multi.handle, transfer.easy)
            multi.transfers -= 1
        }
        transfer.multi = nil
        // Its handle may carry another request before the turn ends.
        if !self.unwatched.isEmpty { self.unwatched.removeAll { $0 == transfer.easy } }
        self.underWay[transfer.easy] = nil
        let isKept = self.idle.count < Self.idleMax && transfer.isReusable
        let completion = transfer.end()
        if isKept { self.idle.append(transfer) } else { curl_easy_cleanup(transfer.easy) }
        return completion
    }

    // MARK: Settings of libcurl

    private func prepare(_ multi: Multi) {
        multi.loop = self
        // `run` outlives every call of these callbacks: they fire only inside of calls made by it.
        let me = Unmanaged.passUnretained(multi).toOpaque()
        ccurl_multi_set_pointer(multi.handle, CURLMOPT_SOCKETDATA, me)
        ccurl_multi_set_socket_function(multi.handle) { easy, descriptor, what, me, _ in
            guard let me else { return -1 }
            let multi = Unmanaged<Multi>.fromOpaque(me).takeUnretainedValue()
            multi.loop?.watch(descriptor, what, of: multi, for: easy)
            return 0
        }
        ccurl_multi_set_pointer(multi.handle, CURLMOPT_TIMERDATA, me)
        ccurl_multi_set_timer_function(multi.handle) { _, milliseconds, me in
            guard let me else { return -1 }
            let multi = Unmanaged<Multi>.fromOpaque(me).takeUnretainedValue()
            multi.loop?.wake(multi, in: Int64(milliseconds))
            return 0
        }
        ccurl_multi_set_long(multi.handle, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
        self.limitConnections(of: multi)
    }

    private func limitConnections(of multi: Multi) {
        // What is under way is bounded by the caller; kept connections, which never are more than that again, by this.
        ccurl_multi_set_long(multi.handle, CURLMOPT_MAXCONNECTS, max(1, self.connectionsMax / Self.multisCount))
        ccurl_multi_set_long(multi.handle, CURLMOPT_MAX_TOTAL_CONNECTIONS, max(1, self.connectionsMax))
    }

    /// Follows the share: where there are fewer than before, a handle without transfers closes what it has kept at once, and
    /// the others one with each transfer that ends.
    private func keepToShare() {
        let before = self.connectionsMax
        self.connectionsMax = self.share.max
        guard self.connectionsMax != before else { return }
        for multi in self.multis {
            if self.connectionsMax < before, multi.renew() {
                self.prepare(multi)
            } else {
                self.limitConnections(of: multi)
            }
        }
    }

    /// - Parameter easy: The transfer that the descriptor is for; none of ours: libcurl closes a connection.
    private func watch(_ descriptor: Int32, _ what: Int32, of multi: Multi, for easy: UnsafeMutableRawPointer?) {
        guard what != CURL_POLL_REMOVE else {
            self.owners[descriptor] = nil
            return self.epoll.forget(descriptor)
        }
        self.owners[descriptor] = multi
        let isWatched = self.epoll.watch(
            descriptor, reading: what & CURL_POLL_IN != 0, writing: what & CURL_POLL_OUT != 0)
        // Not from here, in the middle of libcurl; and an error to libcurl would end all transfers of the handle.
        if !isWatched, let easy { self.unwatched.append(easy) }
    }

    /// Ends the transfers that would wait for their deadline, since their connections are not watched.
    private func failUnwatched() {
        guard !self.unwatched.isEmpty else { return }
        let now = self.now()
        for easy in self.unwatched {
            guard let transfer = self.underWay[easy] else { continue }
            self.finish(transfer, with: .failed(.other, transfer.exchange(now: now)))
        }
        self.unwatched = []
    }

    private func wake(_ multi: Multi, in milliseconds: Int64) {
        // The millisecond that has begun does not count: too early, and libcurl has us come again.
        let begun: Int64 = milliseconds == 0 ? 0 : 1
        multi.wakeAt = milliseconds < 0 ? nil : self.now() + milliseconds + begun
    }
}
