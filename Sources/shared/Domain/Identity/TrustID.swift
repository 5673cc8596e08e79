/// The id of a trust of Keystone, by which its trustee acts for the user who gave it.
///
/// 1 to 64 letters, digits, `_` and `-`; Keystone's own have 32 hexadecimal digits.
package struct TrustID: TextIdentity {
    package static let charactersMax = 64

    package let text: String

    /// - Returns: nil for a text that is none.
    package init?(_ text: String) {
        guard (1...Self.charactersMax).contains(text.utf8.count), text.utf8.allSatisfy(Self.isAllowed) else {
            return nil
        }
        self.text = text
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
