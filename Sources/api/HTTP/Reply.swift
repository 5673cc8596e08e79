import HTTPTypes
import NIOCore

/// An answer, ready to be written.
struct Reply: Sendable {
    var status: HTTPResponse.Status
    var headers: HTTPFields = [:]
    /// Empty for none.
    var body = ByteBuffer()

    /// An answer without a body.
    static func empty(_ status: HTTPResponse.Status) -> Reply {
        Reply(status: status)
    }

    /// An answer with a JSON document.
    static func json(_ status: HTTPResponse.Status, _ document: ByteBuffer) -> Reply {
        Reply(status: status, headers: [.contentType: "application/json"], body: document)
    }

    consuming func with(_ name: HTTPField.Name, _ value: String) -> Reply {
        var reply = consume self
        reply.headers[name] = value
        return reply
    }
}

extension HTTPField.Name {
    static let requestID = Self.known("X-OpenStack-Request-Id")
    static let link = Self.known("Link")
    static let acceptPatch = Self.known("Accept-Patch")

    private static func known(_ name: String) -> HTTPField.Name {
        guard let known = HTTPField.Name(name) else { preconditionFailure("\(name) is no header name") }
        return known
    }
}
