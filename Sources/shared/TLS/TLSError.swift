import CSSL

/// Why a connection cannot go on.
package enum TLSError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Sides that do not agree, or a certificate that is refused; in the words of OpenSSL.
    case handshake(String)
    /// The peer speaks HTTP in the clear.
    case clearText
    /// What came is no record, or was changed on its way.
    case broken(String)
    /// The connection ended without `close_notify`: what came may have been cut short.
    case truncated
    /// The peer makes us answer, and does not read the answers.
    case unread
    /// Something was written while the handshake went on.
    case notEstablished

    package var description: String {
        switch self {
        case .handshake(let reason): "the TLS handshake failed: \(reason)"
        case .clearText: "the peer does not speak TLS"
        case .broken(let reason): "the TLS connection is broken: \(reason)"
        case .truncated: "the TLS connection was cut off"
        case .unread: "the peer does not read what TLS has to answer"
        case .notEstablished: "the TLS handshake is not over"
        }
    }
}

/// The errors of OpenSSL, which it keeps in a queue of each thread.
enum ErrorQueue {
    /// Empties it: what another connection left there would count as an error of the next call.
    static func clear() { ERR_clear_error() }

    /// The last error, which is the innermost reason; 0 without one.
    static var last: UInt { ERR_peek_last_error() }

    /// In words.
    static var words: String {
        let code = self.last
        return ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)"
    }
}
