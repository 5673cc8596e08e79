import CCurl

/// A URL taken apart by libcurl; owns its handle.
final class URLParts {
    private let handle: OpaquePointer

    /// nil when there is no memory.
    init?() {
        guard let handle = curl_url() else { return nil }
        self.handle = handle
    }

    deinit {
        curl_url_cleanup(self.handle)
    }

    /// - Parameter text: Without a NUL.
    func read(_ text: String) throws(HTTPURLInvalid) {
        switch curl_url_set(self.handle, CURLUPART_URL, text, 0) {
        case CURLUE_OK: return
        case CURLUE_BAD_SCHEME, CURLUE_UNSUPPORTED_SCHEME, CURLUE_BAD_SLASHES: throw .scheme
        case CURLUE_NO_HOST: throw .noHost
        case CURLUE_BAD_HOSTNAME, CURLUE_BAD_IPV6: throw .host
        case CURLUE_BAD_PORT_NUMBER: throw .port
        default: throw .malformed
        }
    }

    /// One part, decoded as far as libcurl connects by it; nil when the URL has none.
    func get(_ part: CURLUPart, flags: UInt32 = 0) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(self.handle, part, &text, flags) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }
}
