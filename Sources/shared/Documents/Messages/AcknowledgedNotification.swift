package import Domain
import JSON
package import NIOCore

/// What a connection gets that acknowledges messages: a notification with what to name, or that it has the subscription no more.
///
/// ```json
/// {"body": …, "ttl": 300, "queue_name": "q", "Message_Type": "Notification", "id": "06a…", "subscription_id": "06a…",
///  "delivery_id": "5k2…", "attempt": 1}
/// {"detached": true, "queue_name": "q", "subscription_id": "06a…"}
/// ```
package enum AcknowledgedNotification {
    /// - Parameters:
    ///   - notification: As ``NotificationPayload`` writes it.
    ///   - delivery: The same over all attempts.
    ///   - number: Of the attempt, from 1.
    package static func message(
        _ notification: [UInt8], id: MessageID, of subscription: SubscriptionID, delivery: DeliveryID, number: Int
    ) -> ByteBuffer {
        let more = JSONWriter.object { object in
            object.member("id", id.text)
            object.member("subscription_id", subscription.text)
            object.member("delivery_id", delivery.text)
            object.member("attempt", number)
        }
        var document = ByteBufferAllocator().buffer(capacity: notification.count + more.readableBytes)
        // Both are objects with members: those of the second come behind those of the first.
        document.writeBytes(notification.dropLast())
        document.writeStaticString(",")
        document.writeBytes(more.readableBytesView.dropFirst())
        return document
    }

    /// Another connection has taken the name of the subscription.
    package static func detached(_ subscription: SubscriptionID, of queue: QueueName) -> ByteBuffer {
        JSONWriter.object { object in
            object.member("detached", true)
            object.member("queue_name", queue.text)
            object.member("subscription_id", subscription.text)
        }
    }
}
