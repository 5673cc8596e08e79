import Cryptography
import NIOCore

/// The fields of a form: of a query string, or of a body in either form that browsers and mail providers send.
struct FormFields: Sendable {
    /// Fields of one request; a link has seven.
    static let countMax = 32
    /// Bytes of a boundary (RFC 2046, 5.1.1).
    private static let boundaryBytesMax = 70

    private var fields: [(name: String, value: String)] = []

    /// The first field of a name.
    subscript(name: String) -> String? { self.fields.first { $0.name == name }?.value }

    /// - Throws: ``FormInvalid``.
    init(query: Substring) throws(FormInvalid) {
        try self.read(encoded: query)
    }

    /// - Parameters:
    ///   - contentType: The whole header.
    ///   - body: Bounded by its route.
    /// - Throws: ``FormInvalid``.
    init(_ body: ByteBuffer, contentType: String?) throws(FormInvalid) {
        guard body.readableBytes > 0 else { return }
        let contentType = contentType ?? ""
        let type = contentType.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        switch type {
        case "application/x-www-form-urlencoded": try self.read(encoded: Substring(String(buffer: body)))
        case "multipart/form-data":
            guard let boundary = Self.boundary(contentType) else { throw FormInvalid() }
            try self.read(multipart: Array(body.readableBytesView), boundary: boundary)
        default: throw FormInvalid()
        }
    }

    private mutating func add(_ name: String, _ value: String) throws(FormInvalid) {
        guard self.fields.count < Self.countMax else { throw FormInvalid() }
        self.fields.append((name, value))
    }

    private mutating func read(encoded text: Substring) throws(FormInvalid) {
        for pair in text.utf8.split(separator: UInt8(ascii: "&"), maxSplits: Self.countMax) {
            let name = pair.prefix { $0 != UInt8(ascii: "=") }
            try self.add(
                Percent.decode(Substring(name), isForm: true),
                Percent.decode(Substring(pair.dropFirst(name.count + 1)), isForm: true))
        }
    }

    // MARK: multipart/form-data (RFC 7578)

    private static func boundary(_ contentType: String) -> [UInt8]? {
        for parameter in contentType.split(separator: ";").dropFirst() {
            let parts = parameter.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0].filter({ $0 != " " }).lowercased() == "boundary" else { continue }
            let value = parts[1].filter { $0 != "\"" }
            guard (1...Self.boundaryBytesMax).contains(value.utf8.count) else { return nil }
            return Array(value.utf8)
        }
        return nil
    }

    private mutating func read(multipart body: [UInt8], boundary: [UInt8]) throws(FormInvalid) {
        let delimiter = Array("--".utf8) + boundary
        var rest = body[...]
        guard let first = rest.firstRange(of: delimiter) else { throw FormInvalid() }
        rest = rest[first.upperBound...]
        while !rest.starts(with: "--".utf8) {
            guard let next = rest.firstRange(of: Array("\r\n".utf8) + delimiter) else { throw FormInvalid() }
            try self.read(part: rest[..<next.lowerBound])
            rest = rest[next.upperBound...]
        }
    }

    private mutating func read(part: ArraySlice<UInt8>) throws(FormInvalid) {
        guard let headEnd = part.firstRange(of: Array("\r\n\r\n".utf8)) else { throw FormInvalid() }
        let head = String(decoding: part[..<headEnd.lowerBound], as: UTF8.self)
        guard let name = Self.name(in: head) else { throw FormInvalid() }
        try self.add(name, String(decoding: part[headEnd.upperBound...], as: UTF8.self))
    }

    /// The name in `Content-Disposition: form-data; name="…"`.
    private static func name(in head: String) -> String? {
        for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix("content-disposition:") {
            for parameter in line.split(separator: ";").dropFirst() {
                let parts = parameter.split(separator: "=", maxSplits: 1)
                guard parts.count == 2, parts[0].filter({ $0 != " " }).lowercased() == "name" else { continue }
                return parts[1].filter { $0 != "\"" }
            }
        }
        return nil
    }
}

/// A form that cannot be read, or has more fields than any that is sent here.
struct FormInvalid: Error {}
