/// The running client instance that sent a request; only posting and listing messages ask who it was.
///
/// Usually a UUID in any letter case, dashed, undashed, in braces or as `urn:uuid:`; kept in one form, 32 lower-case hex digits
/// with dashes, so that every spelling of a client is the same client.
package struct ClientID: Hashable, Sendable {
    package let text: String

    /// - Throws: ``Refusal/clientMissing`` or ``Refusal/clientMalformed``.
    package init(uuid text: String?) throws(Refusal) {
        guard let text else { throw .clientMissing }
        var digits: [UInt8] = []
        var bare = Substring(text)
        if bare.lowercased().hasPrefix("urn:uuid:") { bare = bare.dropFirst(9) }
        if bare.hasPrefix("{"), bare.hasSuffix("}") { bare = bare.dropFirst().dropLast() }
        guard bare.utf8.count <= 36 else { throw .clientMalformed }
        let dashed = bare.utf8.count == 36
        for (index, byte) in bare.utf8.enumerated() {
            if dashed, [8, 13, 18, 23].contains(index) {
                guard byte == UInt8(ascii: "-") else { throw .clientMalformed }
                continue
            }
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): digits.append(byte)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digits.append(byte | 0x20)
            default: throw .clientMalformed
            }
        }
        guard digits.count == 32 else { throw .clientMalformed }
        for dash in [8, 13, 18, 23] { digits.insert(UInt8(ascii: "-"), at: dash) }
        self.text = String(decoding: digits, as: UTF8.self)
    }

    /// Takes any text as it is, for deployments whose clients have other names than UUIDs.
    ///
    /// - Parameter characters: How many it may have.
    /// - Throws: ``Refusal/clientMissing`` or ``Refusal/clientMalformed``.
    package init(verbatim text: String?, characters: ClosedRange<Int>) throws(Refusal) {
        guard let text else { throw .clientMissing }
        guard characters.contains(text.unicodeScalars.count) else { throw .clientMalformed }
        self.text = text
    }
}
