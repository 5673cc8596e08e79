/// A name for the subscription of a session, which outlives the session: the next one that says it goes on with what is left.
///
/// 1 to 64 letters, digits, `_`, `-` and `.`; it counts within its queue.
package struct SessionName: TextIdentity {
    package let text: String

    /// - Returns: nil for a text that is none.
    package init?(_ text: String) {
        guard let name = try? QueueName(text) else { return nil }
        self.text = name.text
    }
}

/// Who a subscription of a session belongs to; its text is the subscriber.
package enum SessionSubscriber: Sendable, Hashable {
    case session(SessionAddress)
    /// Whichever session has the name, on whatever node.
    case named(SessionName)

    /// - Returns: nil for a text that is none.
    package init?(_ text: String) {
        if let address = SessionAddress(text) {
            self = .session(address)
        } else if text.hasPrefix(Self.start), let name = SessionName(String(text.dropFirst(Self.start.count))) {
            self = .named(name)
        } else {
            return nil
        }
    }

    package var text: String {
        switch self {
        case .session(let address): address.text
        case .named(let name): Self.start + name.text
        }
    }

    private static let start = "websocket://name/"
}
