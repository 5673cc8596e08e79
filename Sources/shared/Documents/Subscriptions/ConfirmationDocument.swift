package import Domain
import JSON
import NIOCore

/// The body of a request for confirmation, or of the offer to subscribe again (docs/delivery.md, "Confirmation").
///
/// It answers with `PUT` to the path, the five headers `URL-Signature`, `URL-Methods`, `URL-Paths`, `X-Project-ID` and
/// `URL-Expires`, and one of both bodies.
package struct ConfirmationDocument: Sendable {
    /// The one method the signature lets its holder use.
    package static let method = "PUT"

    package let kind: NotificationKind
    package let queue: QueueAddress
    package let subscription: SubscriptionID
    /// Over ``path(of:_:)``, ``method``, the project and the expiry.
    package let signature: String
    /// `YYYY-MM-DDTHH:MM:SS`, UTC.
    package let expires: String
    /// The root of the REST API as subscribers reach it, without a slash at the end; nil: not known, and the document
    /// then names the path alone.
    package let publicURL: String?

    package init(
        kind: NotificationKind, queue: QueueAddress, subscription: SubscriptionID, signature: String, expires: String,
        publicURL: String?
    ) {
        self.kind = kind
        self.queue = queue
        self.subscription = subscription
        self.signature = signature
        self.expires = expires
        self.publicURL = publicURL
    }

    /// The path a subscriber answers at.
    package static func path(of queue: QueueAddress, _ subscription: SubscriptionID) -> String {
        "/v2/queues/\(queue.name.text)/subscriptions/\(subscription.text)/confirm"
    }

    /// The JSON object.
    package func encode() -> [UInt8] {
        let path = Self.path(of: self.queue, self.subscription)
        let document = JSONWriter.object(capacity: 1024) { object in
            object.member("Message_Type", self.kind.rawValue)
            object.member("Message", self.sentence)
            object.member("URL-Signature", self.signature)
            object.member("URL-Methods", Self.method)
            object.member("URL-Paths", path)
            object.member("X-Project-ID", self.queue.project.text)
            object.member("URL-Expires", self.expires)
            object.object("SubscribeBody") { $0.member("confirmed", true) }
            object.object("UnsubscribeBody") { $0.member("confirmed", false) }
            if let publicURL { object.member("WSGISubscribeURL", publicURL + path) }
            object.member("queue_name", self.queue.name.text)
        }
        return Array(document.readableBytesView)
    }

    /// Reads `URL-Expires` back; nil from what is no such document.
    package static func expires(in document: [UInt8]) -> String? {
        guard let object = try? JSONObject(document: document) else { return nil }
        return object["URL-Expires"].flatMap(object.text)
    }

    private var sentence: String {
        switch self.kind {
        case .notification, .test, .subscriptionConfirmation:
            "You are asked to receive the messages of the queue \(self.queue.name). Confirm to receive them; "
                + "without an answer you receive none."
        case .unsubscribeConfirmation:
            "You no longer receive the messages of the queue \(self.queue.name). Confirm to receive them again."
        }
    }
}
