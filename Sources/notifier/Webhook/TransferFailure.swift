import CCurl
import Domain

extension Outcome {
    /// Sorts an exchange that libcurl ended without a complete answer.
    ///
    /// - Parameter wasSent: Whether the request had been begun. Some codes mean other things before and after that.
    init(failure code: CURLcode, wasSent: Bool) {
        switch code {
        case CURLE_UNSUPPORTED_PROTOCOL:
            // Before sending: neither http nor https. After it: the answer was not HTTP/1 (0.9 is not spoken).
            self = wasSent ? .unreachable(.malformed) : .forbidden
        case CURLE_OUT_OF_MEMORY:
            // After sending it is a single header line beyond libcurl's own bound, which lies above ours.
            self = .unreachable(wasSent ? .tooLarge : .other)
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: self = .unreachable(.resolve)
        case CURLE_COULDNT_CONNECT: self = .unreachable(.connect)
        case CURLE_OPERATION_TIMEDOUT: self = .unreachable(.timeout)
        case CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_ABORTED_BY_CALLBACK,
            CURLE_SEND_FAIL_REWIND:
            self = .unreachable(.closed)
        case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING:
            self = .unreachable(.malformed)
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_SHUTDOWN_FAILED, CURLE_SSL_ISSUER_ERROR,
            CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_CLIENTCERT, CURLE_USE_SSL_FAILED:
            self = .unreachable(.tls)
        default: self = .unreachable(.other)
        }
    }
}
