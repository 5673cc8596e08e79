import CCurl
import Domain
import Glibc

/// One easy handle with what is known of the exchange it carries; used again and again, never by two threads.
final class Transfer {
    let easy: UnsafeMutableRawPointer
    var headers: UnsafeMutablePointer<curl_slist>?
    /// Where it is under way, or was last.
    var multi: Multi?
    private let egress: EgressPolicy
    private var request: WebhookRequest?
    private var progress = Progress()

    /// What has happened so far.
    private struct Progress {
        var requestsBegun = 0
        var headerBytes = 0
        var hasWholeHead = false
        var bodyBytes = 0
        var retryAfter: Int?
        var hasOpenedSocket = false
        var lastTarget: IPAddress?
        var wasRefused = false
    }

    init(easy: UnsafeMutableRawPointer, egress: EgressPolicy) {
        self.easy = easy
        self.egress = egress
    }

    func begin(_ request: WebhookRequest) {
        self.request = request
        self.progress = Progress()
    }

    /// Forgets the exchange; the connection stays in libcurl's cache when it can be used again.
    func end() -> (@Sendable (WebhookResult) -> Void)? {
        ccurl_set_list(self.easy, CURLOPT_HTTPHEADER, nil)
        ccurl_set_pointer(self.easy, CURLOPT_POSTFIELDS, nil)
        curl_slist_free_all(self.headers)
        self.headers = nil
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
        return true
    }

    /// libcurl sends a request again by itself when a kept connection turns out to be closed.
    ///
    /// The receiver may have seen the first one, so this would be an attempt nobody counted: the second is not let out.
    func maySend() -> Bool {
        self.progress.requestsBegun += 1
        return self.progress.requestsBegun == 1
    }

    func takeHeader(_ line: UnsafeRawBufferPointer) -> Bool {
        self.progress.headerBytes += line.count
        guard self.progress.headerBytes <= WebhookLimits.headerBytesMax else { return false }
        if line.starts(with: "HTTP/".utf8) {
            self.progress.retryAfter = nil  // an answer after a 1xx starts anew
            self.progress.hasWholeHead = false
        } else if line.first == 0x0d || line.first == 0x0a {
            self.progress.hasWholeHead = true
        } else if let value = Self.value(of: "retry-after:", in: line) {
            self.progress.retryAfter = RetryAfter.seconds(value, now: time(nil))
        }
        return true
    }

    func takeBody(_ count: Int) -> Bool {
        self.progress.bodyBytes += count
        return self.progress.bodyBytes <= WebhookLimits.bodyBytesMax
    }

    func outcome(of code: CURLcode, status: Int) -> Outcome {
        let wasCut = code == CURLE_WRITE_ERROR && self.progress.bodyBytes > WebhookLimits.bodyBytesMax
        if code == CURLE_OK || wasCut {
            // To libcurl a connection that ends between two header lines ends the answer.
            guard self.progress.hasWholeHead else { return .unreachable(.closed) }
            return Outcome(status: status, retryAfter: self.progress.retryAfter)
        }
        if self.progress.headerBytes > WebhookLimits.headerBytesMax { return .unreachable(.tooLarge) }
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
        exchange.dns = resolved / 1000
        exchange.connect = max(0, connected - resolved) / 1000
        exchange.tls = max(0, secured - connected) / 1000
        if sent > 0 { exchange.firstByte = max(0, end(CURLINFO_STARTTRANSFER_TIME_T) - sent) / 1000 }
        exchange.total = end(CURLINFO_TOTAL_TIME_T) / 1000
        exchange.address = (self.progress.lastTarget ?? self.peer()).map { AddressClass($0) }
        return exchange
    }

    /// The other end of the connection; the one way to learn it when the connection had been kept.
    private func peer() -> IPAddress? {
        var text: UnsafePointer<CChar>?
        guard ccurl_get_string(self.easy, CURLINFO_PRIMARY_IP, &text) == CURLE_OK, let text else { return nil }
        return IPAddress(String(cString: text))
    }

    /// The value of a header line, blanks and line end cut off; nil when the line is of another name.
    private static func value(of name: StaticString, in line: UnsafeRawBufferPointer) -> String? {
        guard line.count > name.utf8CodeUnitCount else { return nil }
        for index in 0..<name.utf8CodeUnitCount where line[index] | 0x20 != name.utf8Start[index] | 0x20 { return nil }
        let blanks: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d || $0 == 0x0a }
        let rest = line[name.utf8CodeUnitCount...].drop(while: blanks)
        guard let end = rest.lastIndex(where: { !blanks($0) }) else { return "" }
        return String(decoding: rest[...end], as: UTF8.self)
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
