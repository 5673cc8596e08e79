import Domain
import HTTPClient
import Signing
import Store

/// The headers of one attempt: Standard Webhooks, and what of ours a receiver may want to know.
///
/// | header | value |
/// |---|---|
/// | `webhook-id` | the delivery, the same over all attempts: drop what you have seen |
/// | `webhook-timestamp` | seconds since the epoch when this attempt was made |
/// | `webhook-signature` | `v1,` and the signature over id, timestamp and body; two of them while a secret is being rotated |
/// | `herald-attempt` | from 1 |
/// | `herald-message-id`, `herald-subscription-id` | the ids of the messaging API; a confirmation is no message |
/// | `herald-message-type` | as `Message_Type` in the body, see ``NotificationKind`` |
///
/// In front of them stand those of the recipient, `herald-subscription-id` among them; they can replace none of these.
enum AttemptHeaders {
    static func lines(
        delivery: DeliveryID, message: MessageID?, lease: Lease, at now: Timestamp, body: PinnedBytes,
        to recipient: Recipient
    ) -> [String] {
        let signature = body.withSpan {
            recipient.secrets.signature(id: delivery.text, at: now, body: $0)
        }
        var lines: [String] = []
        lines.reserveCapacity(recipient.headers.count + 6)
        lines += recipient.headers
        lines.append("webhook-id: \(delivery.text)")
        lines.append("webhook-timestamp: \(now.seconds)")
        lines.append("webhook-signature: \(signature)")
        lines.append("herald-attempt: \(lease.attempt)")
        lines.append(lease.kind == .notification ? Self.notification : Self.type(of: lease.kind))
        if let message { lines.append("herald-message-id: \(message.text)") }
        return lines
    }

    /// Of nearly all attempts.
    private static let notification = Self.type(of: .notification)

    private static func type(of kind: NotificationKind) -> String { "herald-message-type: \(kind.rawValue)" }
}
