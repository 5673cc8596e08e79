package import NIOCore

/// An answer, ready to be written.
///
/// `Date`, `Content-Length` or `Transfer-Encoding`, and `Connection` are added where it is written, and the body of an answer
/// to `HEAD` is left out there.
package struct HTTPAnswer: Sendable {
    /// Writes a body part after part; returns when it is complete, and throws when it cannot be completed.
    package typealias Stream = @Sendable (HTTPBodyWriter) async throws -> Void

    package var status: HTTPStatus
    package var headers: HTTPFields
    /// Empty for none.
    package var body: ByteBuffer
    /// What follows ``body``: a body of unknown length.
    package var stream: Stream?
    /// Whether the connection ends with this answer.
    package var isLast: Bool

    package init(
        status: HTTPStatus, headers: HTTPFields = [:], body: ByteBuffer = ByteBuffer(), stream: Stream? = nil,
        isLast: Bool = false
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.stream = stream
        self.isLast = isLast
    }

    /// An answer with a body of this type.
    package init(_ status: HTTPStatus, _ text: String, type: String) {
        self.init(status: status, headers: [.contentType: type], body: ByteBuffer(string: text))
    }
}
