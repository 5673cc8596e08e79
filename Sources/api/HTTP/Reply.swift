import HTTPServer
import NIOCore

/// The answer of a handler, to which the responder adds what every answer has.
typealias Reply = HTTPAnswer

extension HTTPAnswer {
    /// An answer without a body.
    static func empty(_ status: HTTPStatus) -> HTTPAnswer {
        HTTPAnswer(status: status)
    }

    /// An answer with a JSON document.
    static func json(_ status: HTTPStatus, _ document: ByteBuffer) -> HTTPAnswer {
        HTTPAnswer(status: status, headers: [.contentType: "application/json"], body: document)
    }

    consuming func with(_ name: HTTPFieldName, _ value: String) -> HTTPAnswer {
        var answer = consume self
        answer.headers[name] = value
        return answer
    }
}

extension HTTPFieldName {
    static let requestID = HTTPFieldName("X-OpenStack-Request-Id")
    /// How far what a post has stored got.
    static let heraldDurability = HTTPFieldName("Herald-Durability")
    /// The answer is that of a post before.
    static let idempotentReplayed = HTTPFieldName("Idempotent-Replayed")
    /// Names of the request that were taken and mean nothing.
    static let heraldUnrecognized = HTTPFieldName("\(UnrecognizedHeader.name)")
    static let link = HTTPFieldName("Link")
    static let acceptPatch = HTTPFieldName("Accept-Patch")
}
