/// Percent-encoding (RFC 3986, 2.1).
package enum Percent {
    /// Undoes the encoding; a percent sign without two digits stands for itself.
    ///
    /// - Parameter isForm: `+` stands for a blank, as in query strings.
    package static func decode(_ text: Substring, isForm: Bool = false) -> String {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
            return String(text)
        }
        var text = String(text)
        return text.withUTF8 { Self.decode($0, isForm: isForm) }
    }

    /// The same of bytes.
    package static func decode(_ encoded: UnsafeBufferPointer<UInt8>, isForm: Bool = false) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(encoded.count)
        var index = 0
        while index < encoded.count {
            let byte = encoded[index]
            if byte == UInt8(ascii: "%"), index + 2 < encoded.count,
                let high = Hexadecimal.value(of: encoded[index + 1]),
                let low = Hexadecimal.value(of: encoded[index + 2])
            {
                bytes.append(high << 4 | low)
                index += 3
            } else {
                bytes.append(isForm && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                index += 1
            }
        }
        // What is no UTF-8 becomes U+FFFD, which no name and no id may hold.
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Undoes the encoding; nil where a percent sign stands without two digits.
    package static func decodeStrictly(_ encoded: some Collection<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(encoded.count)
        var rest = encoded[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(Hexadecimal.value(of:)),
                let low = rest.popFirst().flatMap(Hexadecimal.value(of:))
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    /// Encodes everything but letters, digits and `-._~`.
    ///
    /// - Parameter kept: Characters of ASCII that are not encoded either.
    package static func encode(_ text: String, keeping kept: StaticString = "") -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            case _ where kept.withUTF8Buffer({ $0.contains(byte) }): encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += (byte < 16 ? "%0" : "%") + digits
            }
        }
        return encoded
    }
}
