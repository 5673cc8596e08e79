package import Domain
import JSON
package import NIOCore

/// What callers read about subscriptions.
package enum SubscriptionDocument {
    /// `{"subscription_id": "…"}`.
    package static func created(_ id: SubscriptionID) -> ByteBuffer {
        JSONWriter.object { $0.member("subscription_id", id.text) }
    }

    package static func subscription(_ subscription: Subscription) -> ByteBuffer {
        JSONWriter.object { Self.write(subscription, to: &$0) }
    }

    /// - Parameter next: The path and query of the next page; nil behind an empty page.
    package static func page(_ subscriptions: [Subscription], next: String?) -> ByteBuffer {
        JSONWriter.object(capacity: 1024) { object in
            object.array("subscriptions") { list in
                for subscription in subscriptions {
                    list.object { Self.write(subscription, to: &$0) }
                }
            }
            object.links(next: next)
        }
    }

    /// `{"secret": "whsec_…", "previous": {"secret": "whsec_…", "until": "2026-11-21T04:14:30.123Z"}}`, or `null` where no
    /// secret counts but the current one.
    package static func secrets(current: String, previous: (secret: String, until: Timestamp)?) -> ByteBuffer {
        JSONWriter.object { object in
            object.member("secret", current)
            guard let previous else { return object.null("previous") }
            object.object("previous") { object in
                object.member("secret", previous.secret)
                object.member("until", previous.until)
            }
        }
    }

    static func write(_ subscription: Subscription, to object: inout JSONObjectWriter) {
        object.member("id", subscription.id.text)
        object.member("source", subscription.queue.text)
        object.member("subscriber", subscription.subscriber)
        object.member("ttl", subscription.ttl)
        object.member("age", subscription.age)
        object.member("options", verbatim: subscription.options[...])
        object.member("confirmed", subscription.confirmed)
    }
}
