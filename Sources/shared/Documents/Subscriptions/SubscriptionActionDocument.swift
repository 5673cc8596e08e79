package import Domain
import JSON
package import NIOCore

/// What callers read about subscriptions over WebSocket.
package enum SubscriptionActionDocument {
    /// `{"subscription_id": "…", "message": "…"}`.
    package static func created(_ id: SubscriptionID, _ message: String) -> ByteBuffer {
        JSONWriter.object { object in
            object.member("subscription_id", id.text)
            object.member("message", message)
        }
    }

    /// `{"subscriptions": […]}`.
    package static func list(_ subscriptions: [Subscription]) -> ByteBuffer {
        JSONWriter.object(capacity: 1024) { object in
            object.array("subscriptions") { list in
                for subscription in subscriptions {
                    list.object { SubscriptionDocument.write(subscription, to: &$0) }
                }
            }
        }
    }
}
