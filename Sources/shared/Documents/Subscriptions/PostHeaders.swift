import Domain
import JSON

/// The `post_headers` of a subscription: what its webhooks have beside, or instead of, the headers of every webhook.
package struct PostHeaders: Sendable, Equatable {
    /// Headers of one subscription.
    package static let countMax = 32
    /// Bytes of their names and values together.
    package static let bytesMax = 8192

    package struct Header: Sendable, Equatable {
        package let name: String
        /// Without blanks around it; it may be empty.
        package let value: String
    }

    /// In the order they were written.
    package let headers: [Header]

    package static let none = PostHeaders(headers: [])

    private init(headers: [Header]) {
        self.headers = headers
    }

    /// - Throws: ``Refusal/requestInvalid(_:)``, which names what cannot be sent.
    init(_ object: JSONObject?) throws(Refusal) {
        guard let object else { throw .requestInvalid("The option post_headers has to be an object of strings.") }
        guard object.members.count <= Self.countMax else {
            throw .requestInvalid("The option post_headers may set at most \(Self.countMax) headers.")
        }
        var headers: [Header] = []
        var names: Set<String> = []
        var bytes = 0
        for member in object.members {
            guard let text = object.text(member.value) else {
                throw .requestInvalid("The option post_headers has to be an object of strings.")
            }
            try Self.check(member.name, text)
            guard names.insert(member.name.lowercased()).inserted else {
                throw .requestInvalid("The option post_headers may set \(member.name) only once.")
            }
            bytes += member.name.utf8.count + text.utf8.count
            let isBlank = { (character: Character) in character == " " || character == "\t" }
            let value = text.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
            headers.append(Header(name: member.name, value: String(value)))
        }
        guard bytes <= Self.bytesMax else {
            throw .requestInvalid("The option post_headers may have at most \(Self.bytesMax) bytes.")
        }
        self.headers = headers
    }

    /// Headers that frame a request or belong to one connection (RFC 9110, 7.6.1), which Herald sets itself.
    private static let framing: Set<String> = [
        "host", "content-length", "transfer-encoding", "connection", "expect", "keep-alive", "proxy-authenticate",
        "proxy-authorization", "proxy-connection", "te", "trailer", "upgrade",
    ]
    /// Headers that a receiver trusts because Herald alone sets them.
    private static let ours = ["webhook-", "herald-"]

    private static func check(_ name: String, _ value: String) throws(Refusal) {
        // The text itself is shown only when it can do no harm where it is shown.
        guard !name.utf8.contains(where: Self.breaksLine), !value.utf8.contains(where: Self.breaksLine) else {
            throw .requestInvalid("The option post_headers may not hold a line break or a NUL.")
        }
        guard !name.isEmpty, name.utf8.allSatisfy(Self.isTokenByte) else {
            throw .requestInvalid(
                "The option post_headers has a name that is none: letters, digits and !#$%&'*+-.^_`|~.")
        }
        guard !value.utf8.contains(where: { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F }) else {
            throw .requestInvalid("The option post_headers may not hold control characters.")
        }
        let lowered = name.lowercased()
        guard !Self.framing.contains(lowered), !Self.ours.contains(where: { lowered.hasPrefix($0) }) else {
            throw .requestInvalid("The option post_headers may not set \(name).")
        }
    }

    private static func breaksLine(_ byte: UInt8) -> Bool {
        byte == 0x0A || byte == 0x0D || byte == 0
    }

    /// What RFC 9110, 5.6.2, allows in a name.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
