import Domain
import HTTPClient
import Signing

/// The headers of one attempt: Standard Webhooks, and what a receiver may want to know beside it.
///
/// | header | value |
/// |---|---|
/// | `webhook-id` | the delivery, the same over all attempts: a receiver drops what it has seen |
/// | `webhook-timestamp` | seconds since the epoch when this attempt was made |
/// | `webhook-signature` | `v1,` and the signature over id, timestamp and body; two of them while a secret is being rotated |
/// | `herald-attempt` | from 1 |
/// | `herald-message-id`, `herald-subscription-id` | the ids of the messaging API; a confirmation is no message |
/// | `herald-message-type` | as `Message_Type` in the body, see ``NotificationKind`` |
///
/// In front of them stand those of the target, `herald-subscription-id` among them; they can replace none of these.
enum WebhookHeaders {
    static func lines(of attempt: Attempt, to target: WebhookTarget) -> [String] {
        let signature = attempt.body.withSpan {
            target.secrets.signature(id: attempt.delivery.text, at: attempt.startedAt, body: $0)
        }
        var lines: [String] = []
        lines.reserveCapacity(target.headers.count + 6)
        lines += target.headers
        lines.append("webhook-id: \(attempt.delivery.text)")
        lines.append("webhook-timestamp: \(attempt.startedAt.seconds)")
        lines.append("webhook-signature: \(signature)")
        lines.append("herald-attempt: \(attempt.number)")
        lines.append(attempt.kind == .notification ? Self.notification : Self.type(of: attempt.kind))
        if let message = attempt.message { lines.append("herald-message-id: \(message.text)") }
        return lines
    }

    /// Of nearly all attempts.
    private static let notification = Self.type(of: .notification)

    private static func type(of kind: NotificationKind) -> String { "herald-message-type: \(kind.rawValue)" }
}
