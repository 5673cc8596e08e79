/// The method of a request (RFC 9110, 9), with case as it was sent.
package struct HTTPMethod: Sendable, Hashable {
    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// Whether a request only reads (RFC 9110, 9.2.1).
    package var isSafe: Bool { self == .get || self == .head || self == .options }

    package static let connect = HTTPMethod(rawValue: "CONNECT")
    package static let delete = HTTPMethod(rawValue: "DELETE")
    package static let get = HTTPMethod(rawValue: "GET")
    package static let head = HTTPMethod(rawValue: "HEAD")
    package static let options = HTTPMethod(rawValue: "OPTIONS")
    package static let patch = HTTPMethod(rawValue: "PATCH")
    package static let post = HTTPMethod(rawValue: "POST")
    package static let put = HTTPMethod(rawValue: "PUT")
}
