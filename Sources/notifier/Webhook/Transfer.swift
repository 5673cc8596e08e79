import CCurl
import Domain
import Glibc

/// One easy handle with what is known of the exchange it carries; used again and again, never by two threads.
final class Transfer {
    let easy: UnsafeMutableRawPointer
    var headers: UnsafeMutablePointer<curl_slist>?
    private var given: UnsafeMutablePointer<curl_slist>?
    /// Where it is under way, or was last.
    var multi: Multi?
    private let egress: EgressPolicy
    private let limits: WebhookLimits
    private var request: WebhookRequest?
    private var progress = Progress()

    /// What has happened so far.
    private struct Progress {
        /// When the request began to wait for its name.
        var startedAt = SuspendingClock.now
        var waited = Duration.zero
        var requestsBegun = 0
        var isReused = false
        var reconnected = false
        var head = ResponseHead()
        var bodyBytes = 0
        var hasOpenedSocket = false
        var lastTarget: IPAddress?
        var wasRefused = false
    }

    init(easy: UnsafeMutableRawPointer, egress: EgressPolicy, limits: WebhookLimits) {
        self.easy = easy
        self.egress = egress
        self.limits = limits
    }

    /// - Parameters:
    ///   - waited: How long the request waited for its name, which counts for its deadlines.
    ///   - given: The addresses of its name, as `CURLOPT_RESOLVE` has them; none: its host is an address.
    func begin(_ request: WebhookRequest, waited: Duration, given: [String]) {
        self.request = request
        self.progress = Progress()
        self.progress.startedAt -= waited
        self.progress.waited = waited
        for entry in given { self.given = curl_slist_append(self.given, entry) }
        ccurl_set_list(self.easy, CURLOPT_RESOLVE, self.given)
        // To libcurl 0 is no limit.
        ccurl_set_long(self.easy, CURLOPT_TIMEOUT_MS, max(1, (self.limits.timeout - waited).milliseconds))
        ccurl_set_long(
            self.easy, CURLOPT_CONNECTTIMEOUT_MS, max(1, (self.limits.connectTimeout - waited).milliseconds))
        ccurl_set_long(self.easy, CURLOPT_FRESH_CONNECT, 0)
    }

    /// Forgets the exchange; the connection stays in libcurl's cache when it can be used again.
    func end() -> (@Sendable (WebhookResult) -> Void)? {
        ccurl_set_list(self.easy, CURLOPT_HTTPHEADER, nil)
        ccurl_set_pointer(self.easy, CURLOPT_POSTFIELDS, nil)
        curl_slist_free_all(self.headers)
        self.headers = nil
        ccurl_set_list(self.easy, CURLOPT_RESOLVE, nil)
        curl_slist_free_all(self.given)
        self.given = nil
        defer { self.request = nil }
        return self.request?.completion
    }

    func mayConnect(to address: IPAddress?) -> Bool {
        self.progress.lastTarget = address
        guard let address, self.egress.permits(address) else {
            self.progress.wasRefused = true
            return false
        }
        self.progress.hasOpenedSocket = true
        if self.progress.requestsBegun > 0 { self.progress.reconnected = true }
        return true
    }

    /// Judges a request that is about to go out.
    ///
    /// The first does. When a kept connection ends before a byte of the answer, libcurl sends the request again by itself,
    /// and would try one kept connection after the other: it is told to open a fresh one, and only that is let out.
    func maySend() -> Bool {
        self.progress.requestsBegun += 1
        switch self.progress.requestsBegun {
        case 1:
            self.progress.isReused = !self.progress.hasOpenedSocket
            if self.progress.isReused { ccurl_set_long(self.easy, CURLOPT_FRESH_CONNECT, 1) }
            return true
        case 2: return self.progress.isReused && self.progress.reconnected && !self.progress.head.hasBegun
        default: return false
        }
    }

    /// Whether the request, which failed, is to be sent again at once: libcurl leaves that to us when the connection ended
    /// while the request was still being written.
    func mayRestart(after code: CURLcode) -> Bool {
        guard code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING,
            self.progress.requestsBegun == 1, self.progress.isReused, !self.progress.head.hasBegun
        else { return false }
        let left = self.limits.timeout - (SuspendingClock.now - self.progress.startedAt)
        guard left > .milliseconds(1) else { return false }
        ccurl_set_long(self.easy, CURLOPT_TIMEOUT_MS, left.milliseconds)
        return true
    }

    func takeHeader(_ line: UnsafeRawBufferPointer) -> Bool {
        self.progress.head.take(line)
    }

    func takeBody(_ count: Int) -> Bool {
        self.progress.bodyBytes += count
        return self.progress.bodyBytes <= WebhookLimits.bodyBytesMax
    }

    /// Whether libcurl holds no more of the answer than whole lines within our bounds: it keeps them, and the buffer of
    /// the line it read, until the handle is used again.
    var isReusable: Bool {
        guard !self.progress.head.isTooLarge else { return false }
        var firstByte: curl_off_t = 0
        ccurl_get_offset(self.easy, CURLINFO_STARTTRANSFER_TIME_T, &firstByte)
        return firstByte == 0 || self.progress.head.isWhole
    }

    func outcome(of code: CURLcode, status: Int) -> Outcome {
        let wasCut = code == CURLE_WRITE_ERROR && self.progress.bodyBytes > WebhookLimits.bodyBytesMax
        if code == CURLE_OK || wasCut {
            // To libcurl a connection that ends between two header lines ends the answer.
            guard self.progress.head.isWhole else { return .unreachable(.closed) }
            return Outcome(status: status, retryAfter: self.progress.head.wish)
        }
        if self.progress.head.isTooLarge { return .unreachable(.tooLarge) }
        // A name may have several addresses: it is forbidden only when none of them could be tried.
        if self.progress.wasRefused, !self.progress.hasOpenedSocket { return .forbidden }
        return Outcome(failure: code, wasSent: self.progress.requestsBegun > 0)
    }

    /// What libcurl measured of the exchange.
    func exchange() -> Exchange {
        // Of each phase libcurl knows when it was over, counted from the start, and 0 for one that was not reached.
        func end(_ info: CURLINFO) -> Int {
            var microseconds: curl_off_t = 0
            ccurl_get_offset(self.easy, info, &microseconds)
            return Int(microseconds)
        }
        let (resolved, connected) = (end(CURLINFO_NAMELOOKUP_TIME_T), end(CURLINFO_CONNECT_TIME_T))
        let (secured, sent) = (end(CURLINFO_APPCONNECT_TIME_T), end(CURLINFO_PRETRANSFER_TIME_T))
        var exchange = Exchange()
        exchange.dns = self.progress.waited.milliseconds + resolved / 1000
        exchange.connect = max(0, connected - resolved) / 1000
        exchange.tls = max(0, secured - connected) / 1000
        if sent > 0 { exchange.firstByte = max(0, end(CURLINFO_STARTTRANSFER_TIME_T) - sent) / 1000 }
        // By our clock: libcurl's begins anew with a request that is sent again.
        exchange.total = (SuspendingClock.now - self.progress.startedAt).milliseconds
        exchange.reconnected = self.progress.reconnected
        exchange.address = (self.progress.lastTarget ?? self.peer()).map { AddressClass($0) }
        return exchange
    }

    /// The other end of the connection; the one way to learn it when the connection had been kept.
    private func peer() -> IPAddress? {
        var text: UnsafePointer<CChar>?
        guard ccurl_get_string(self.easy, CURLINFO_PRIMARY_IP, &text) == CURLE_OK, let text else { return nil }
        return IPAddress(String(cString: text))
    }
}

/// One of libcurl's multi handles, and when it wants to be woken.
final class Multi {
    let handle: UnsafeMutableRawPointer
    /// Set before the first request.
    weak var loop: CurlLoop?
    /// In ms of the loop's clock; nil: not before something happens.
    var wakeAt: Int64?

    init?() {
        guard let handle = curl_multi_init() else { return nil }
        self.handle = handle
    }

    deinit {
        curl_multi_cleanup(self.handle)
    }
}
