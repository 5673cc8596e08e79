import NIOCore

/// What is known of a request before its body.
package struct HTTPRequestHead: Sendable {
    /// A header.
    package struct Field: Sendable {
        /// In lower case.
        package let name: String
        let value: Range<Int>
    }

    /// How the end of a body is found (RFC 9112, 6.3).
    package enum Framing: Sendable, Equatable {
        case none
        case length(Int)
        case chunked
    }

    package let method: HTTPMethod
    /// Path and query as they were sent, of a target in absolute form too; `*` for `OPTIONS *`.
    package let target: String
    /// Whether it is of HTTP/1.0; otherwise of HTTP/1.1.
    package let isHTTP10: Bool
    /// In the order they came in, each as often as it came.
    package let fields: [Field]
    package let framing: Framing
    /// Whether the caller keeps its connection for further requests (RFC 9112, 9.3).
    package let keepsConnection: Bool
    /// Whether the caller waits with its body for a 100 (RFC 9110, 10.1.1).
    package let expectsContinue: Bool
    /// The protocols the caller asks for on its connection, as they were sent; nil when it asks for none (RFC 9110, 7.8).
    package let upgrade: String?
    private let bytes: ByteBuffer

    init(
        method: HTTPMethod, target: String, isHTTP10: Bool, fields: [Field], framing: Framing, keepsConnection: Bool,
        expectsContinue: Bool, upgrade: String?, bytes: ByteBuffer
    ) {
        self.method = method
        self.target = target
        self.isHTTP10 = isHTTP10
        self.fields = fields
        self.framing = framing
        self.keepsConnection = keepsConnection
        self.expectsContinue = expectsContinue
        self.upgrade = upgrade
        self.bytes = bytes
    }

    /// The value of a field of this head; bytes that are no UTF-8 become U+FFFD.
    package func value(of field: Field) -> String {
        self.bytes.getString(at: field.value.lowerBound, length: field.value.count) ?? ""
    }

    /// The first value of a header; the name in lower case.
    package subscript(name: String) -> String? {
        self.fields.first { $0.name == name }.map { self.value(of: $0) }
    }

    /// Whether a body comes, also an empty one in chunks.
    package var hasBody: Bool { self.framing != .none && self.framing != .length(0) }

    /// Bytes of the body by what the head says; nil without a body and for one in chunks.
    package var contentLength: Int? {
        if case .length(let length) = self.framing { return length }
        return nil
    }

    /// The target up to its question mark.
    package var path: Substring { self.target.prefix { $0 != "?" } }
}
