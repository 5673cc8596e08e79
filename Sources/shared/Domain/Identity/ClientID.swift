/// The running client instance that sent a request; only posting and listing messages ask who it was.
///
/// Usually a UUID in any letter case, dashed, undashed, in braces or as `urn:uuid:`; kept in one form, 32 lower-case hex digits
/// with dashes, so that every spelling of a client is the same client.
package struct ClientID: TextIdentity {
    package let text: String

    /// - Throws: ``Refusal/clientMissing`` or ``Refusal/clientMalformed``.
    package init(uuid text: String?) throws(Refusal) {
        guard let text else { throw .clientMissing }
        let bytes = Array(text.utf8)
        var bare = bytes[...]
        let prefix = "urn:uuid:"
        if bare.starts(with: prefix.utf8, by: { Self.lowercased($0) == $1 }) {
            bare = bare.dropFirst(prefix.utf8.count)
        }
        if bare.first == UInt8(ascii: "{"), bare.last == UInt8(ascii: "}") { bare = bare.dropFirst().dropLast() }
        let isDashed = bare.count == Self.dashedBytes
        guard isDashed || bare.count == Self.digits else { throw .clientMalformed }
        var canonical: [UInt8] = []
        canonical.reserveCapacity(Self.dashedBytes)
        for byte in bare {
            if Self.isDash(at: canonical.count) {
                canonical.append(UInt8(ascii: "-"))
                if isDashed {
                    guard byte == UInt8(ascii: "-") else { throw .clientMalformed }
                    continue
                }
            }
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): canonical.append(byte)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): canonical.append(byte | 0x20)
            default: throw .clientMalformed
            }
        }
        self.text = String(decoding: canonical, as: UTF8.self)
    }

    private static let digits = 32
    private static let dashedBytes = 36

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    private static func isDash(at index: Int) -> Bool { index == 8 || index == 13 || index == 18 || index == 23 }

    /// Takes any text as it is, for deployments whose clients have other names than UUIDs; U+FFFD is in none of them.
    ///
    /// - Parameter characters: How many it may have.
    /// - Throws: ``Refusal/clientMissing`` or ``Refusal/clientMalformed``.
    package init(verbatim text: String?, characters: ClosedRange<Int>) throws(Refusal) {
        guard let text else { throw .clientMissing }
        guard characters.contains(text.unicodeScalars.count), !text.holdsReplacementCharacter else {
            throw .clientMalformed
        }
        self.text = text
    }
}
