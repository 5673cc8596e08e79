package import Domain
import JSON
package import NIOCore

/// What callers read about subscriptions over WebSocket.
package enum SubscriptionActionDocument {
    /// `{"subscription_id": "…", "message": "…"}`, and of a connection that follows a queue `"place": "…"`.
    ///
    /// - Parameter place: What to name to begin there again.
    package static func created(_ id: SubscriptionID, _ message: String, place: String? = nil) -> ByteBuffer {
        JSONWriter.object { object in
            object.member("subscription_id", id.text)
            object.member("message", message)
            if let place { object.member("place", place) }
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
