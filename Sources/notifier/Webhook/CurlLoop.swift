import CCurl
import Domain
import Glibc
import HTTPClient

/// The transfer thread: libcurl's multi interface over epoll.
///
/// This file and `Transfer.swift` alone touch libcurl's pointers.
///
/// Everything in here belongs to the thread that made it and never leaves it; requests come in and results go out as
/// values. libcurl tells which descriptors to watch and when to wake; in between the thread sleeps, for ever when
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
    private static let startsMax = 32

    private let mailbox: Mailbox
    private let nameThreads: NameThreads
    private let limits: WebhookLimits
    private let egress: EgressPolicy
    private let userAgent: String
    private let multis: [Multi]
    private let epoll: Epoll
    private let epoch = SuspendingClock.now
    /// Whose each watched descriptor is.
    private var owners: [Int32: Multi] = [:]
    private var idle: [Transfer] = []
    /// Taken from the mailbox and not begun yet.
    private var waiting = FairQueue<ProjectID?, Pending>()
    private var names: NameTable
    private var waiters = NameWaiters()
    private var underWay: [UnsafeMutableRawPointer: Transfer] = [:]

    /// A request that can begin, and since when it had to wait for its name, ms; nil: it did not.
    private struct Pending {
        let request: WebhookRequest
        let since: Int64?
    }

    init?(
        mailbox: Mailbox, names: NameThreads, limits: WebhookLimits, egress: EgressPolicy, userAgent: String
    ) {
        guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK, let epoll = Epoll() else { return nil }
        let multis = (0..<Self.multisCount).compactMap { _ in Multi() }
        guard multis.count == Self.multisCount else { return nil }
        self.mailbox = mailbox
        self.nameThreads = names
        self.names = NameTable(
            freshMilliseconds: Int64(min(WebhookLimits.namesFreshMax, limits.namesUsableMax).milliseconds),
            staleMilliseconds: Int64(limits.namesUsableMax.milliseconds))
        self.limits = limits
        self.egress = egress
        self.userAgent = userAgent
        self.multis = multis
        self.epoll = epoll
    }

    deinit {
        for transfer in self.idle { curl_easy_cleanup(transfer.easy) }
    }

    /// Works until the mailbox orders to stop; then every request has been answered.
    func run() {
        for multi in self.multis { self.prepare(multi) }
        self.epoll.watch(self.mailbox.nudge.descriptor, reading: true, writing: false)
        while self.turn() {}
        for request in self.mailbox.close() { request.completion(.aborted) }
    }

    /// - Returns: false when it is time to stop.
    private func turn() -> Bool {
        var isOpen = true
        var running: Int32 = 0
        var hasMail = false
        self.epoll.wait(milliseconds: self.patience()) { event in
            if event.descriptor == self.mailbox.nudge.descriptor {
                hasMail = true
                return
            }
            var flags = event.isReadable ? CURL_CSELECT_IN : 0
            if event.isWritable { flags |= CURL_CSELECT_OUT }
            if event.isBroken { flags |= CURL_CSELECT_ERR }
            guard let owner = self.owners[event.descriptor] else { return }
            curl_multi_socket_action(owner.handle, event.descriptor, flags, &running)
        }
        if hasMail {
            isOpen = self.openMail()
            self.takeNames()
        }
        for _ in 0..<Self.startsMax {
            guard let pending = self.waiting.popFirst() else { break }
            self.start(pending)
        }
        self.giveUpNames()
        self.lookUpNames()
        for multi in self.multis {
            if let wakeAt = multi.wakeAt, self.now() >= wakeAt {
                multi.wakeAt = nil
                curl_multi_socket_action(multi.handle, curl_socket_t(CURL_SOCKET_TIMEOUT), 0, &running)
            }
            self.reap(multi)
        }
        return isOpen
    }

    private func openMail() -> Bool {
        let (requests, order) = self.mailbox.take()
        for request in requests { self.waiting.append(Pending(request: request, since: nil), of: request.project) }
        switch order {
        case .none: return true
        case .abort, .stop:
            while let pending = self.waiting.popFirst() { pending.request.completion(.aborted) }
            for (name, waiter) in self.waiters.takeAll() {
                self.names.leave(name, now: self.now())
                waiter.request.completion(.aborted)
            }
            for transfer in Array(self.underWay.values) { self.finish(transfer, with: .aborted) }
            return order == .abort
        }
    }

    /// Milliseconds to sleep.
    ///
    /// Rounded up, so that libcurl is never woken before its time and asked in circles.
    private func patience() -> Int32 {
        guard self.waiting.isEmpty else { return 0 }
        var wakeAt = self.multis.lazy.compactMap(\.wakeAt).min()
        if let deadline = self.waiters.nextDeadline { wakeAt = min(wakeAt ?? deadline, deadline) }
        guard let wakeAt else { return -1 }
        return Int32(clamping: max(0, wakeAt - self.now()))
    }

    /// Milliseconds of a clock nobody sets, which stands still while the machine sleeps, as libcurl's does.
    private func now() -> Int64 {
        let passed = (SuspendingClock.now - self.epoch).components
        return passed.seconds * 1000 + passed.attoseconds / 1_000_000_000_000_000
    }

    // MARK: Names

    /// Starts a request, or has it wait for the address of its name: libcurl is given addresses, and looks up none.
    private func start(_ pending: Pending) {
        let request = pending.request
        guard request.host != HTTPURL.unreadableOrigin else { return self.failUnreadable(request) }
        guard let (name, port) = HTTPURL.name(ofOrigin: request.host) else { return self.begin(request, waited: 0) }
        let now = self.now()
        let since = pending.since ?? now
        switch self.names.want(name, for: request.project, now: now) {
        case .addresses(let addresses):
            let list = addresses.joined(separator: ",")
            // As the URL may spell it: to libcurl a name with the final full stop is another one.
            let given = ["+\(name):\(port):\(list)", "+\(name).:\(port):\(list)"]
            self.begin(request, waited: now - since, given: given)
        case .failed: self.fail(request, .resolve, waited: now - since)
        case .waiting:
            let limit = Int64(min(self.limits.connectTimeout, self.limits.timeout).milliseconds)
            self.waiters.append(request, name: name, since: since, until: since + limit)
        }
    }

    private func takeNames() {
        for finished in self.nameThreads.takeFinished() {
            let answer = self.names.finished(
                finished.name, of: finished.project, finished.result, now: self.now())
            for waiter in self.waiters.take(finished.name) {
                switch answer {
                case .addresses:
                    // In its turn again: all at once would open a connection each.
                    self.waiting.append(
                        Pending(request: waiter.request, since: waiter.since), of: waiter.request.project)
                case .failed, .waiting: self.fail(waiter.request, .resolve, waited: self.now() - waiter.since)
                }
            }
        }
    }

    private func giveUpNames() {
        let now = self.now()
        while let (name, waiter) = self.waiters.takeLate(now: now) {
            self.names.leave(name, now: now)
            self.fail(waiter.request, .timeout, waited: now - waiter.since)
        }
    }

    private func lookUpNames() {
        let now = self.now()
        while let (name, project) = self.names.next(now: now) { self.nameThreads.start(name, of: project) }
    }

    /// libcurl is given nothing that ``HTTPURL`` does not read: it might look up a name of its own finding.
    private func failUnreadable(_ request: WebhookRequest) {
        do throws(HTTPURLInvalid) {
            _ = try HTTPURL(request.url)
            self.fail(request, .other, waited: 0)
        } catch .scheme {
            request.completion(.finished(.forbidden, Exchange()))
        } catch {
            self.fail(request, .other, waited: 0)
        }
    }

    private func fail(_ request: WebhookRequest, _ failure: Outcome.Failure, waited: Int64) {
        var exchange = Exchange()
        (exchange.dns, exchange.total) = (Int(waited), Int(waited))
        request.completion(.finished(.unreachable(failure), exchange))
    }

    // MARK: Transfers

    /// - Parameters:
    ///   - waited: Milliseconds that its name has taken.
    ///   - given: The addresses of its name, as `CURLOPT_RESOLVE` has them; none: its host is an address.
    private func begin(_ request: WebhookRequest, waited: Int64, given: [String] = []) {
        guard let transfer = self.idle.popLast() ?? self.makeTransfer() else {
            return self.fail(request, .other, waited: waited)
        }
        transfer.begin(request, waited: .milliseconds(waited), given: given)
        let easy = transfer.easy
        ccurl_set_string(easy, CURLOPT_URL, request.url)
        ccurl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.count))
        // Not copied: the transfer keeps the body alive until it is done.
        ccurl_set_pointer(easy, CURLOPT_POSTFIELDS, request.body.start)
        for line in request.headers { transfer.headers = curl_slist_append(transfer.headers, line) }
        // libcurl would ask for `100 Continue` above 1 MiB, and simple receivers never answer that.
        transfer.headers = curl_slist_append(transfer.headers, "Expect:")
        ccurl_set_list(easy, CURLOPT_HTTPHEADER, transfer.headers)
        self.underWay[easy] = transfer
        let multi = self.multis[Int(UInt(bitPattern: request.host.hashValue) % UInt(Self.multisCount))]
        transfer.multi = multi
        if curl_multi_add_handle(multi.handle, easy) != CURLM_OK {
            self.finish(transfer, with: .finished(.unreachable(.other), Exchange()))
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
            if transfer.mayRestart(after: code) {
                curl_multi_remove_handle(multi.handle, easy)
                if curl_multi_add_handle(multi.handle, easy) == CURLM_OK { continue }
            }
            let outcome = transfer.outcome(of: code, status: status)
            self.finish(transfer, with: .finished(outcome, transfer.exchange()))
        }
    }

    private func finish(_ transfer: Transfer, with result: WebhookResult) {
        if let multi = transfer.multi { curl_multi_remove_handle(multi.handle, transfer.easy) }
        self.underWay[transfer.easy] = nil
        let isKept = self.idle.count < Self.idleMax && transfer.isReusable
        let completion = transfer.end()
        if isKept { self.idle.append(transfer) } else { curl_easy_cleanup(transfer.easy) }
        completion?(result)
    }

    // MARK: Settings of libcurl

    private func prepare(_ multi: Multi) {
        multi.loop = self
        // `run` outlives every call of these callbacks: they fire only inside of calls made by it.
        let me = Unmanaged.passUnretained(multi).toOpaque()
        ccurl_multi_set_pointer(multi.handle, CURLMOPT_SOCKETDATA, me)
        ccurl_multi_set_socket_function(multi.handle) { _, descriptor, what, me, _ in
            guard let me else { return -1 }
            let multi = Unmanaged<Multi>.fromOpaque(me).takeUnretainedValue()
            multi.loop?.watch(descriptor, what, of: multi)
            return 0
        }
        ccurl_multi_set_pointer(multi.handle, CURLMOPT_TIMERDATA, me)
        ccurl_multi_set_timer_function(multi.handle) { _, milliseconds, me in
            guard let me else { return -1 }
            let multi = Unmanaged<Multi>.fromOpaque(me).takeUnretainedValue()
            multi.loop?.wake(multi, in: Int64(milliseconds))
            return 0
        }
        // What is under way is bounded by who sends; kept connections, which never are more than that again, by this.
        ccurl_multi_set_long(
            multi.handle, CURLMOPT_MAXCONNECTS, max(1, self.limits.transfersMax / Self.multisCount))
        ccurl_multi_set_long(multi.handle, CURLMOPT_MAX_TOTAL_CONNECTIONS, self.limits.transfersMax)
        ccurl_multi_set_long(multi.handle, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
    }

    private func watch(_ descriptor: Int32, _ what: Int32, of multi: Multi) {
        guard what != CURL_POLL_REMOVE else {
            self.owners[descriptor] = nil
            return self.epoll.forget(descriptor)
        }
        self.owners[descriptor] = multi
        self.epoll.watch(descriptor, reading: what & CURL_POLL_IN != 0, writing: what & CURL_POLL_OUT != 0)
    }

    private func wake(_ multi: Multi, in milliseconds: Int64) {
        // The millisecond that has begun does not count: too early, and libcurl has us come again.
        let begun: Int64 = milliseconds == 0 ? 0 : 1
        multi.wakeAt = milliseconds < 0 ? nil : self.now() + milliseconds + begun
    }

    private func makeTransfer() -> Transfer? {
        guard let easy = curl_easy_init() else { return nil }
        let transfer = Transfer(easy: easy, egress: self.egress, limits: self.limits)
        ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1)
        ccurl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        ccurl_set_long(easy, CURLOPT_BUFFERSIZE, 1024)  // the least; the default costs 16 KiB a transfer
        ccurl_set_long(easy, CURLOPT_MAXAGE_CONN, WebhookLimits.idleSecondsMax)
        ccurl_set_long(easy, CURLOPT_MAXLIFETIME_CONN, self.limits.connectionSecondsMax)
        ccurl_set_long(easy, CURLOPT_DNS_CACHE_TIMEOUT, self.limits.givenSeconds)
        ccurl_set_string(easy, CURLOPT_USERAGENT, self.userAgent)
        // What may be called: http and https, where the address leads and nowhere else.
        ccurl_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https")
        ccurl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0)
        ccurl_set_string(easy, CURLOPT_PROXY, "")
        ccurl_set_string(easy, CURLOPT_NOPROXY, "*")
        ccurl_set_long(easy, CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue))
        // Debian's folder of certificates holds the same as its file, and with it libcurl reads all of them anew for every
        // connection: 31 ms instead of 3.
        ccurl_set_string(easy, CURLOPT_CAPATH, nil)

        let me = Unmanaged.passUnretained(transfer).toOpaque()
        ccurl_set_pointer(easy, CURLOPT_OPENSOCKETDATA, me)
        ccurl_set_opensocket_function(easy) { me, _, address in
            guard let me, let address else { return -1 }
            let transfer = Unmanaged<Transfer>.fromOpaque(me).takeUnretainedValue()
            let target = withUnsafePointer(to: &address.pointee.addr) { IPAddress($0) }
            guard transfer.mayConnect(to: target) else { return -1 }
            let type = address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue)
            return socket(address.pointee.family, type, address.pointee.`protocol`)
        }
        ccurl_set_pointer(easy, CURLOPT_PREREQDATA, me)
        ccurl_set_prereq_function(easy) { me, _, _, _, _ in
            guard let me else { return CURL_PREREQFUNC_ABORT }
            return Unmanaged<Transfer>.fromOpaque(me).takeUnretainedValue().maySend()
                ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
        }
        ccurl_set_pointer(easy, CURLOPT_HEADERDATA, me)
        ccurl_set_header_function(easy) { bytes, size, count, me in
            guard let me, let bytes else { return 0 }
            let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
            return Unmanaged<Transfer>.fromOpaque(me).takeUnretainedValue().takeHeader(line) ? line.count : 0
        }
        ccurl_set_pointer(easy, CURLOPT_WRITEDATA, me)
        ccurl_set_write_function(easy) { _, size, count, me in
            guard let me else { return 0 }
            return Unmanaged<Transfer>.fromOpaque(me).takeUnretainedValue().takeBody(size * count) ? size * count : 0
        }
        return transfer
    }
}
