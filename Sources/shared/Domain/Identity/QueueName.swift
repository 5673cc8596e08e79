/// The name of a queue inside its project: 1 to 64 of `A-Z a-z 0-9 _ - .`, case-sensitive, but neither `.` nor `..`.
///
/// In a path those two are steps (RFC 3986, 5.2.4): clients and proxies take them out, so nothing of that name can be reached.
package struct QueueName: TextIdentity, Comparable {
    package static let charactersMax = 64
    /// What a name may be, for descriptions of refusals; "A queue name has" comes before it.
    package static let allowed =
        "1 to \(Self.charactersMax) letters, digits, underscores, hyphens and full stops, and is neither '.' nor '..'"

    package let text: String

    /// - Parameter text: The percent-decoded name.
    /// - Throws: ``Refusal/queueNameInvalid``.
    package init(_ text: String) throws(Refusal) {
        let bytes = text.utf8
        guard (1...Self.charactersMax).contains(bytes.count) else { throw .queueNameInvalid }
        for byte in bytes {
            guard Self.isAllowed(byte) else { throw .queueNameInvalid }
        }
        guard text != ".", text != ".." else { throw .queueNameInvalid }
        self.text = text
    }

    package static func < (left: QueueName, right: QueueName) -> Bool { left.text < right.text }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
