internal import Synchronization

/// The channels a connection listens to, and what takes what comes in.
///
/// Redis keeps nothing that is published: what comes while there is no connection is lost, so ``RedisEvent/began`` says
/// that something may have been.
final class ChannelSubscription: Sendable {
    /// One for each channel, so that each has one reply.
    let commands: [EncodedCommand]
    private let handler: @Sendable (RedisEvent) -> Void
    private let isListening = Atomic(false)

    init(_ channels: [RedisKey], _ handler: @escaping @Sendable (RedisEvent) -> Void) {
        self.commands = channels.map { channel in
            var command = RedisCommand("SUBSCRIBE", arguments: 1)
            command.append(channel)
            return command.encoded
        }
        self.handler = handler
    }

    /// Whether what is published now is received.
    var isLive: Bool { self.isListening.load(ordering: .acquiring) }

    /// - Returns: Whether it was a message, and so no reply to a command.
    func take(_ reply: RedisValue) -> Bool {
        guard case .array(let parts) = reply, parts.count == 3, parts[0].text == "message" else { return false }
        // Others may publish what is no text.
        if let payload = parts[2].text { self.handler(.message(payload)) }
        return true
    }

    func began() {
        self.isListening.store(true, ordering: .releasing)
        self.handler(.began)
    }

    func ended() { self.isListening.store(false, ordering: .releasing) }
}

/// What a connection that listens to channels tells.
package enum RedisEvent: Sendable, Equatable {
    /// From now on what is published is received; what was before may be lost.
    case began
    /// Was published in one of the channels.
    case message(String)
}
