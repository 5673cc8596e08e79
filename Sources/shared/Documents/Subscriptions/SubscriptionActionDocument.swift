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

    /// `{"settled": 2, "unknown": ["…"]}`.
    ///
    /// - Parameter unknown: Ids of deliveries that waited for no answer of the connection.
    package static func answered(_ settled: Int, unknown: [DeliveryID]) -> ByteBuffer {
        JSONWriter.object { object in
            object.member("settled", settled)
            object.array("unknown") { list in for id in unknown { list.element(id.text) } }
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
