package import JSON
package import NIOCore

/// MessagePack as another spelling of JSON: a document is turned into JSON where it arrives, and into MessagePack where it leaves, so
/// that everything between knows JSON alone.
///
/// | MessagePack | JSON |
/// |---|---|
/// | nil, boolean, integer | the same; an integer may have 64 bits, with or without a sign |
/// | float 32, float 64 | a number with a fraction or an exponent; NaN and the infinities are refused |
/// | str, bin, and the raw family of before 2013 | a string; bytes that are no UTF-8 are refused |
/// | array | an array |
/// | map | an object; names have to be strings |
/// | ext, and the byte C1 | refused |
///
/// The other direction writes the shortest form of each value, and strings as str only.
package enum MessagePack {
    /// The most bytes of JSON for a byte of MessagePack: `false` in an array, with the comma and the blank behind it.
    package static let growthMax = 7

    /// Levels that an answer may have around what a document holds, which itself has as many as ``JSONReader/nestingMax``.
    package static let frameLevels = 8

    /// The JSON of a document, with `", "` and `": "` between.
    ///
    /// It takes at most ``growthMax`` times the bytes, and nothing is allocated for a length that the bytes do not have.
    ///
    /// - Throws: ``MessagePackInvalid`` for what is no document, holds more than one, or nests deeper than JSON may.
    package static func json(of bytes: Span<UInt8>) throws(MessagePackInvalid) -> ByteBuffer {
        var reader = MessagePackReader(capacity: bytes.count * 2)
        try reader.read(in: bytes)
        guard reader.index == bytes.count else { throw reader.invalid(.trailingBytes) }
        return reader.json
    }

    /// The MessagePack of a JSON document.
    ///
    /// A fraction beyond the largest double becomes infinity, as other readers of JSON have it.
    ///
    /// - Throws: What ``JSONReader`` refuses, but for ``frameLevels`` more of depth.
    package static func bytes(of json: Span<UInt8>) throws(JSONInvalid) -> ByteBuffer {
        var writer = MessagePackWriter(capacity: json.count)
        try writer.write(document: json)
        return writer.bytes
    }
}

/// Why bytes are no MessagePack document, or one without a JSON of its own, and where.
package struct MessagePackInvalid: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Reason: String, Sendable {
        case unexpectedEnd = "unexpected end"
        case trailingBytes = "bytes behind the document"
        case unusedByte = "a byte that begins no value"
        case extensionType = "an extension type"
        case nameNotString = "a name that is no string"
        case notUTF8 = "a string that is not UTF-8"
        case notFinite = "a number that is not finite"
        case tooDeep = "nested too deep"
    }

    package let reason: Reason
    /// The offset of the value that is not allowed.
    package let offset: Int

    package init(reason: Reason, offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    package var description: String { "\(self.reason.rawValue) at byte \(self.offset)" }
}
