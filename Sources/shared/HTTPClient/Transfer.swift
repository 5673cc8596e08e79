import CCurl
import CEpoll
import Glibc
import TLS

/// One easy handle with what is known of the exchange it carries; used again and again, never by two threads.
final class Transfer {
    let easy: UnsafeMutableRawPointer
    var headers: UnsafeMutablePointer<curl_slist>?
    /// Kept until the transfer ends: libcurl reads them when it begins.
    private var addresses: AddressList?
    /// Where it is under way, or was last.
    var multi: Multi?
    private let egress: EgressPolicy?
    private let limits: HTTPClientLimits
    private let fieldsKept: [ResponseHead.FieldName]
    private var request: HTTPClientRequest?
    /// The method that libcurl has; `post` until it is given another.
    private var method = HTTPClientRequest.Method.post
    private var progress = Progress()

    /// What has happened so far.
    private struct Progress {
        /// When the exchange began, and how long the request waited for its name, ms.
        var startedAt: Int64 = 0
        var waited: Int64 = 0
        /// The addresses that libcurl is to read with this transfer; nil: it has read them lately.
        var givenAddresses: AddressList.Given?
        var isSecond = false
        /// Whether libcurl asked for addresses that it does not have.
        var lacksAddresses = false
        var requestsBegun = 0
        var isReused = false
        var reconnected = false
        var head = ResponseHead()
        var bodyBytes = 0
        var body: [UInt8] = []
        var hasOpenedSocket = false
        var targets = 0
        var lastTarget: IPAddress?
        var wasRefused = false
    }

    /// Makes a handle of its own, which the loop cleans up; nil when there is no memory for one.
    init?(
        egress: EgressPolicy?, limits: HTTPClientLimits, fieldsKept: [ResponseHead.FieldName], userAgent: String,
        tls: TLSFiles
    ) {
        guard let easy = curl_easy_init() else { return nil }
        self.easy = easy
        self.egress = egress
        self.limits = limits
        self.fieldsKept = fieldsKept
        self.prepare(userAgent: userAgent, tls: tls)
    }

    /// Seconds that libcurl knows addresses it has read: those that may still be on their way to connect, and more.
    private static func addressSeconds(_ limits: HTTPClientLimits) -> Int {
        limits.connectTimeout.milliseconds / 1000 + Int(AddressList.readMilliseconds / 1000) + 1
    }

    /// - Parameters:
    ///   - addresses: Of its host; nil: the URL has one that libcurl reads.
    ///   - now: ms.
    func begin(_ pending: PendingRequest, addresses: AddressList?, now: Int64) {
        let since = pending.since ?? now
        self.request = pending.request
        self.progress = Progress()
        self.progress.startedAt = pending.earlier?.startedAt ?? since
        self.progress.waited = now - since
        self.progress.isSecond = pending.earlier != nil
        if pending.earlier?.wasSent == true { (self.progress.requestsBegun, self.progress.isReused) = (1, true) }
        if let addresses {
            self.addresses = addresses
            self.progress.givenAddresses = addresses.give(now: now, again: self.progress.isSecond)
            if self.progress.givenAddresses != nil { ccurl_set_list(self.easy, CURLOPT_RESOLVE, addresses.list) }
        }
        // To libcurl 0 is no limit.
        let left = pending.request.milliseconds(self.limits) - (now - self.progress.startedAt)
        ccurl_set_long(self.easy, CURLOPT_TIMEOUT_MS, Int(max(1, left)))
        let leftToConnect = Int64(self.limits.connectTimeout.milliseconds) - self.progress.waited
        ccurl_set_long(self.easy, CURLOPT_CONNECTTIMEOUT_MS, Int(max(1, leftToConnect)))
        ccurl_set_long(self.easy, CURLOPT_FRESH_CONNECT, self.progress.isSecond ? 1 : 0)
    }

    /// Has libcurl speak a method; to be called before it is given a body, which makes the method a POST to it.
    func use(_ method: HTTPClientRequest.Method) {
        guard method != self.method else { return }
        self.method = method
        // Each of the three replaces what the others said.
        switch method {
        case .get, .delete: ccurl_set_long(self.easy, CURLOPT_HTTPGET, 1)
        case .head: ccurl_set_long(self.easy, CURLOPT_NOBODY, 1)
        case .post, .put, .patch: ccurl_set_long(self.easy, CURLOPT_POST, 1)
        }
        let isNamed = method == .put || method == .patch || method == .delete
        ccurl_set_string(self.easy, CURLOPT_CUSTOMREQUEST, isNamed ? method.rawValue : nil)
    }

    /// Forgets the exchange; the connection stays in libcurl's cache when it can be used again.
    func end() -> (@Sendable (HTTPClientResult) -> Void)? {
        ccurl_set_list(self.easy, CURLOPT_HTTPHEADER, nil)
        if self.method.hasBody { ccurl_set_pointer(self.easy, CURLOPT_POSTFIELDS, nil) }
        curl_slist_free_all(self.headers)
        self.headers = nil
        if self.addresses != nil { ccurl_set_list(self.easy, CURLOPT_RESOLVE, nil) }
        self.addresses = nil
        defer { self.request = nil }
        return self.request?.completion
    }

    /// Whether libcurl may look for the addresses of a host: only where the URL has the address itself.
    ///
    /// It would start a thread for it, which lives as long as a name server says nothing. It asks when what it was given is
    /// too old, that is when a kept connection ends late and it sends the request again.
    func mayResolve() -> Bool {
        guard self.addresses != nil else { return true }
        self.progress.lacksAddresses = true
        return false
    }

    func mayConnect(to address: IPAddress?) -> Bool {
        self.progress.lastTarget = address
        self.progress.targets += 1
        guard let address, self.egress?.permits(address) ?? true else {
            self.progress.wasRefused = true
            return false
        }
        self.progress.hasOpenedSocket = true
        if self.progress.requestsBegun > 0 { self.progress.reconnected = true }
        return true
    }

    /// Judges a request that is about to go out.
    ///
    /// The first does. When a kept connection ends before a byte of the response, libcurl sends the request again by itself,
    /// and would try one kept connection after the other: it has to open a new one, and only that may leave.
    func maySend() -> Bool {
        self.progress.requestsBegun += 1
        self.progress.givenAddresses?.wasRead()
        switch self.progress.requestsBegun {
        case 1:
            self.progress.isReused = !self.progress.hasOpenedSocket
            if self.progress.isReused { ccurl_set_long(self.easy, CURLOPT_FRESH_CONNECT, 1) }
            return true
        case 2: return self.progress.isReused && self.progress.reconnected && !self.progress.head.hasBegun
        default: return false
        }
    }

    /// What is to begin again at once, now that it failed: nil, unless the exchange may have a second begin.
    ///
    /// libcurl leaves that to us when a kept connection ended while the request was still being written, and when it has no
    /// addresses any more to connect to.
    func secondBegin(after code: CURLcode, now: Int64) -> PendingRequest? {
        guard let request = self.request, !self.progress.isSecond, !self.progress.head.hasBegun else { return nil }
        let wasSent = self.progress.requestsBegun > 0
        switch code {
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING: guard wasSent else { return nil }
        case CURLE_COULDNT_RESOLVE_HOST: guard self.progress.lacksAddresses else { return nil }
        default: return nil
        }
        if wasSent { guard self.progress.requestsBegun == 1, self.progress.isReused else { return nil } }
        guard now - self.progress.startedAt < request.milliseconds(self.limits) else { return nil }
        return PendingRequest(
            request: request, earlier: PendingRequest.Earlier(startedAt: self.progress.startedAt, wasSent: wasSent))
    }

    func takeHeader(_ line: UnsafeRawBufferPointer) -> Bool {
        self.progress.head.take(line, keeping: self.fieldsKept)
    }

    func takeBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let capacity = self.limits.bodyKeptMax - self.progress.body.count
        if capacity > 0 { self.progress.body += bytes.prefix(capacity) }
        self.progress.bodyBytes += bytes.count
        return self.progress.bodyBytes <= self.limits.bodyReadMax
    }

    /// Whether libcurl holds no more of the response than whole lines within our bounds: it keeps them, and the buffer of
    /// the line it read, until the handle is used again.
    var isReusable: Bool {
        guard !self.progress.head.isTooLarge else { return false }
        var firstByte: curl_off_t = 0
        ccurl_get_offset(self.easy, CURLINFO_STARTTRANSFER_TIME_T, &firstByte)
        return firstByte == 0 || self.progress.head.isWhole
    }

    func result(of code: CURLcode, status: Int, now: Int64) -> HTTPClientResult {
        let exchange = self.exchange(now: now)
        let wasCut = code == CURLE_WRITE_ERROR && self.progress.bodyBytes > self.limits.bodyReadMax
        if code == CURLE_OK || wasCut {
            // To libcurl a connection that ends between two header lines ends the response.
            guard self.progress.head.isWhole else { return .failed(.closed, exchange) }
            let body = self.progress.body
            return .responded(
                HTTPClientResponse(
                    status: status, fields: self.progress.head.fields, body: body,
                    isBodyWhole: body.count == self.progress.bodyBytes), exchange)
        }
        if self.progress.head.isTooLarge { return .failed(.tooLarge, exchange) }
        // A name may have several addresses: it is forbidden only when none of them could be tried.
        if self.progress.wasRefused, !self.progress.hasOpenedSocket { return .failed(.forbidden, exchange) }
        return .failed(HTTPClientFailure(code, wasSent: self.progress.requestsBegun > 0), exchange)
    }

    /// What libcurl measured of the exchange.
    func exchange(now: Int64) -> HTTPExchange {
        // Of each phase libcurl knows when it was over, counted from the start, and 0 for one that was not reached.
        func end(_ info: CURLINFO) -> Int {
            var microseconds: curl_off_t = 0
            ccurl_get_offset(self.easy, info, &microseconds)
            return Int(microseconds)
        }
        let (resolved, connected) = (end(CURLINFO_NAMELOOKUP_TIME_T), end(CURLINFO_CONNECT_TIME_T))
        let (secured, sent) = (end(CURLINFO_APPCONNECT_TIME_T), end(CURLINFO_PRETRANSFER_TIME_T))
        var exchange = HTTPExchange()
        exchange.dns = Int(self.progress.waited) + resolved / 1000
        exchange.connect = max(0, connected - resolved) / 1000
        exchange.tls = max(0, secured - connected) / 1000
        if sent > 0 { exchange.firstByte = max(0, end(CURLINFO_STARTTRANSFER_TIME_T) - sent) / 1000 }
        // By our clock: libcurl's begins anew with a request that is sent again.
        exchange.total = Int(now - self.progress.startedAt)
        exchange.reconnected = self.progress.reconnected
        // Of several, the one tried last need not be the one that was connected to.
        exchange.address =
            self.progress.targets == 1 ? self.progress.lastTarget : self.peer() ?? self.progress.lastTarget
        return exchange
    }

    /// The other end of the connection, also of one that had been kept; nil: there was none.
    private func peer() -> IPAddress? {
        var text: UnsafePointer<CChar>?
        guard ccurl_get_string(self.easy, CURLINFO_PRIMARY_IP, &text) == CURLE_OK, let text else { return nil }
        return IPAddress(String(cString: text))
    }

    // MARK: Settings of libcurl

    /// What is the same in all exchanges, and the callbacks, which fire only while libcurl works on this handle.
    private func prepare(userAgent: String, tls: TLSFiles) {
        ccurl_set_long(self.easy, CURLOPT_NOSIGNAL, 1)
        ccurl_set_long(self.easy, CURLOPT_POST, 1)
        ccurl_set_long(self.easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        ccurl_set_long(self.easy, CURLOPT_BUFFERSIZE, 1024)  // the least; the default costs 16 KiB a transfer
        ccurl_set_long(self.easy, CURLOPT_MAXAGE_CONN, HTTPClientLimits.idleSecondsMax)
        ccurl_set_long(self.easy, CURLOPT_MAXLIFETIME_CONN, self.limits.connectionSecondsMax)
        ccurl_set_long(self.easy, CURLOPT_DNS_CACHE_TIMEOUT, Self.addressSeconds(self.limits))
        ccurl_set_string(self.easy, CURLOPT_USERAGENT, userAgent)
        // What may be called: http and https, where the address leads and nowhere else.
        ccurl_set_string(self.easy, CURLOPT_PROTOCOLS_STR, "http,https")
        ccurl_set_long(self.easy, CURLOPT_FOLLOWLOCATION, 0)
        ccurl_set_string(self.easy, CURLOPT_PROXY, "")
        ccurl_set_string(self.easy, CURLOPT_NOPROXY, "*")
        ccurl_set_long(self.easy, CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue))
        // As in the listeners: nothing older, and every connection has keys of its own.
        ccurl_set_long(self.easy, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        ccurl_set_long(self.easy, CURLOPT_SSL_SESSIONID_CACHE, 0)
        // Debian's folder of certificates holds the same as its file, and with it libcurl reads all of them anew for every
        // connection: 31 ms instead of 3.
        ccurl_set_string(self.easy, CURLOPT_CAPATH, nil)
        if let authorities = tls.authorities {
            ccurl_set_string(self.easy, CURLOPT_CAINFO, authorities)
            ccurl_set_long(self.easy, CURLOPT_CA_CACHE_TIMEOUT, HTTPClientLimits.authoritiesSecondsMax)
        }
        if let certificate = tls.certificate { ccurl_set_string(self.easy, CURLOPT_SSLCERT, certificate) }
        if let key = tls.key { ccurl_set_string(self.easy, CURLOPT_SSLKEY, key) }

        let me = Unmanaged.passUnretained(self).toOpaque()
        ccurl_set_pointer(self.easy, CURLOPT_RESOLVER_START_DATA, me)
        ccurl_set_resolver_start_function(self.easy) { _, _, me in
            guard let me else { return 1 }
            return Unmanaged<Transfer>.fromOpaque(me).takeUnretainedValue().mayResolve() ? 0 : 1
        }
        ccurl_set_pointer(self.easy, CURLOPT_OPENSOCKETDATA, me)
        ccurl_set_opensocket_function(self.easy) { me, _, address in
            guard let me, let address else { return -1 }
            let transfer = Unmanaged<Transfer>.fromOpaque(me).takeUnretainedValue()
            let target = withUnsafePointer(to: &address.pointee.addr) { IPAddress($0) }
            guard transfer.mayConnect(to: target) else { return -1 }
            let type = address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue)
            return socket(address.pointee.family, type, address.pointee.`protocol`)
        }
        ccurl_set_pointer(self.easy, CURLOPT_PREREQDATA, me)
        ccurl_set_prereq_function(self.easy) { me, _, _, _, _ in
            guard let me else { return CURL_PREREQFUNC_ABORT }
            return Unmanaged<Transfer>.fromOpaque(me).takeUnretainedValue().maySend()
                ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
        }
        ccurl_set_pointer(self.easy, CURLOPT_HEADERDATA, me)
        ccurl_set_header_function(self.easy) { bytes, size, count, me in
            guard let me, let bytes else { return 0 }
            let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
            return Unmanaged<Transfer>.fromOpaque(me).takeUnretainedValue().takeHeader(line) ? line.count : 0
        }
        ccurl_set_pointer(self.easy, CURLOPT_WRITEDATA, me)
        ccurl_set_write_function(self.easy) { bytes, size, count, me in
            guard let me else { return 0 }
            let part = UnsafeRawBufferPointer(start: bytes, count: size * count)
            return Unmanaged<Transfer>.fromOpaque(me).takeUnretainedValue().takeBody(part) ? part.count : 0
        }
    }
}
