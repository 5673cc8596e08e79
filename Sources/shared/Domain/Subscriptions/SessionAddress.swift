/// Where a session is that subscribed for itself: the API node that has its connection, and its name there.
///
/// Its text, `websocket://<node>/<session>`, is the subscriber of such a subscription. Only the node writes it: it is no address
/// that a caller may name.
package struct SessionAddress: Sendable, Hashable {
    /// 16 hexadecimal digits, as of a registered process.
    package let node: String
    /// A UUID, in lower case and with dashes.
    package let session: String

    package init(node: String, session: String) {
        self.node = node
        self.session = session
    }

    /// - Returns: nil for a text that is none.
    package init?(_ text: String) {
        guard text.hasPrefix(Self.start) else { return nil }
        let parts = text.utf8.dropFirst(Self.start.utf8.count).split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].count == 16, parts[0].allSatisfy(Self.isHexadecimal), parts[1].count == 36,
            parts[1].allSatisfy({ Self.isHexadecimal($0) || $0 == UInt8(ascii: "-") })
        else { return nil }
        self.node = String(decoding: parts[0], as: UTF8.self)
        self.session = String(decoding: parts[1], as: UTF8.self)
    }

    package var text: String { Self.start + self.node + "/" + self.session }

    private static let start = "websocket://"

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}
