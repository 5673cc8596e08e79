import CCurl

/// How one request ended.
package enum HTTPClientResult: Sendable, Equatable {
    /// The whole head of a response came, whatever its status.
    case responded(HTTPClientResponse, HTTPExchange)
    case failed(HTTPClientFailure, HTTPExchange)
    /// The client stopped it; the server may or may not have seen it.
    case aborted
}

/// A response, as far as the client's limits keep it.
package struct HTTPClientResponse: Sendable, Equatable {
    package let status: Int
    /// The fields of its head that ``HTTPClientLimits/fieldsKept`` names, in lower case; of one that came twice the last.
    let fields: [HTTPField]
    /// Its first bytes, at most ``HTTPClientLimits/bodyKeptMax``.
    package let body: [UInt8]
    /// Whether ``body`` is all of it.
    package let isBodyWhole: Bool

    /// The value of a field, blanks around it cut off; nil: the response does not have it.
    package subscript(name: String) -> String? { self.fields.first { $0.name == name }?.value }
}

/// A field of a head.
struct HTTPField: Sendable, Equatable {
    let name: String
    var value: String
}

/// What an exchange looked like from outside: milliseconds of its phases, and whom it was with.
package struct HTTPExchange: Sendable, Equatable {
    /// Looking up the name; 0 on a connection that was kept.
    package var dns = 0
    /// Connecting; 0 likewise.
    package var connect = 0
    /// Agreeing on keys; 0 without TLS, and likewise.
    package var tls = 0
    /// From the last byte of the request to the first byte of the response.
    package var firstByte = 0
    /// From the first look at the name to the last byte of the response.
    package var total = 0
    /// The other end; nil when it came to no address.
    package var address: IPAddress?
    /// Whether a kept connection ended before a byte of the response, so that the request went out again over a fresh one.
    package var reconnected = false

    package init() {}
}

/// Why there is no whole response.
package enum HTTPClientFailure: Sendable, Equatable, CaseIterable {
    /// The name has no address.
    case resolve
    case connect, tls, timeout
    /// The connection ended before the response did.
    case closed
    /// It is not HTTP/1.
    case malformed
    /// Its head is larger than ``HTTPClientLimits/headBytesMax`` or ``HTTPClientLimits/headLinesMax``.
    case tooLarge
    /// The egress policy permits none of the addresses; nothing was sent.
    case forbidden
    case other

    /// Sorts an exchange that libcurl ended without a whole response.
    ///
    /// - Parameter wasSent: Whether the request had been begun. Some codes mean other things before and after that.
    init(_ code: CURLcode, wasSent: Bool) {
        switch code {
        case CURLE_UNSUPPORTED_PROTOCOL:
            // After sending: the response was not HTTP/1 (0.9 is not spoken). Before it libcurl has no reason to say so.
            self = wasSent ? .malformed : .other
        case CURLE_OUT_OF_MEMORY:
            // After sending it is a single header line beyond libcurl's own bound, which lies above ours.
            self = wasSent ? .tooLarge : .other
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: self = .resolve
        case CURLE_COULDNT_CONNECT: self = .connect
        case CURLE_OPERATION_TIMEDOUT: self = .timeout
        case CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_ABORTED_BY_CALLBACK,
            CURLE_SEND_FAIL_REWIND:
            self = .closed
        case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING: self = .malformed
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_SHUTDOWN_FAILED, CURLE_SSL_ISSUER_ERROR,
            CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_CLIENTCERT, CURLE_USE_SSL_FAILED:
            self = .tls
        default: self = .other
        }
    }
}
