package import HTTPClient

/// Why Keystone has said nothing about a token.
package enum KeystoneTrouble: Error, Sendable, Equatable, CustomStringConvertible {
    /// It cannot be reached, or ends connections before its answer.
    case unreachable(HTTPClientFailure)
    /// It has not answered in time.
    case late
    /// It answers with a status that says nothing about the token.
    case status(Int)
    /// Its answer is no document of the Identity API, or too large.
    case unreadable
    /// It does not know the user that Herald is, or not that password.
    case loginRefused
    /// It refuses the token that it has just given Herald.
    case tokenRefused
    /// Too many requests wait for it.
    case overloaded
    /// The process stops.
    case stopped

    /// The same in one of few words, for metrics and the log.
    package var word: String {
        switch self {
        case .unreachable: "unreachable"
        case .late: "late"
        case .status: "status"
        case .unreadable: "unreadable"
        case .loginRefused: "login_refused"
        case .tokenRefused: "token_refused"
        case .overloaded: "overloaded"
        case .stopped: "stopped"
        }
    }

    package var description: String {
        switch self {
        case .unreachable(let failure): "Keystone cannot be reached (\(failure))"
        case .late: "Keystone does not answer in time"
        case .status(let status): "Keystone answers with status \(status)"
        case .unreadable: "Keystone's answer cannot be read"
        case .loginRefused: "Keystone refuses the user and password it is asked with"
        case .tokenRefused: "Keystone refuses the token it is asked with"
        case .overloaded: "too many requests wait for Keystone"
        case .stopped: "the process stops"
        }
    }
}
