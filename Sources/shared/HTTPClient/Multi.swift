import CCurl

/// One of libcurl's multi handles, and when it wants to be woken.
final class Multi {
    private(set) var handle: UnsafeMutableRawPointer
    /// Set before the first request.
    weak var loop: CurlLoop?
    /// In ms of the loop's clock; nil: not before something happens.
    var wakeAt: Int64?
    /// Transfers that it has.
    var transfers = 0
    /// Whether libcurl worked on it, so that transfers may have finished.
    var hasWorked = false

    init?() {
        guard let handle = curl_multi_init() else { return nil }
        self.handle = handle
    }

    /// Closes its connections, which libcurl does for a handle as a whole only.
    ///
    /// - Returns: false: it has transfers, or there was no memory, and nothing was done.
    func renew() -> Bool {
        guard self.transfers == 0, let fresh = curl_multi_init() else { return false }
        curl_multi_cleanup(self.handle)
        self.handle = fresh
        self.wakeAt = nil
        return true
    }

    deinit {
        curl_multi_cleanup(self.handle)
    }
}
