/// Comparisons of texts by their bytes of UTF-8, without making a `String`.
enum TextMatching {
    static func isEqual(_ text: Span<UInt8>, _ other: [UInt8]) -> Bool {
        text.count == other.count && Self.hasPrefix(text, other)
    }

    static func hasPrefix(_ text: Span<UInt8>, _ prefix: [UInt8]) -> Bool {
        guard text.count >= prefix.count else { return false }
        for index in prefix.indices where text[index] != prefix[index] { return false }
        return true
    }

    static func hasSuffix(_ text: Span<UInt8>, _ suffix: [UInt8]) -> Bool {
        guard text.count >= suffix.count else { return false }
        let start = text.count - suffix.count
        for index in suffix.indices where text[start + index] != suffix[index] { return false }
        return true
    }

    /// A text in small characters, by Unicode's mapping of each scalar, the same in every language.
    static func lowercased(_ text: Span<UInt8>) -> [UInt8] {
        var lowercase: [UInt8] = []
        lowercase.reserveCapacity(text.count)
        for index in text.indices {
            let byte = text[index]
            guard byte < 0x80 else { return Array(Self.string(text).lowercased().utf8) }
            lowercase.append(UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte)
        }
        return lowercase
    }

    static func string(_ text: Span<UInt8>) -> String {
        text.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }
}
