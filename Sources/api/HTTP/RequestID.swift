/// The name of one request in answers and logs: `req-` and a UUID.
enum RequestID {
    private static let prefix: StaticString = "req-"

    /// A new one.
    static func make() -> String { RandomUUID().text(after: Self.prefix) }

    /// The text, when it is `req-` and a UUID with dashes.
    static func wellFormed(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        guard bytes.count == 40, text.hasPrefix("\(Self.prefix)") else { return nil }
        for (index, byte) in bytes.dropFirst(Self.prefix.utf8CodeUnitCount).enumerated() {
            let isDash = [8, 13, 18, 23].contains(index)
            switch byte {
            case UInt8(ascii: "-"): guard isDash else { return nil }
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
                UInt8(ascii: "A")...UInt8(ascii: "F"):
                guard !isDash else { return nil }
            default: return nil
            }
        }
        return text
    }
}
