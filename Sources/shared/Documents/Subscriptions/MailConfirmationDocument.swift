package import Domain
import JSON
import NIOCore

/// What a notifier needs for the mail that asks a subscriber to confirm, or that offers the way back.
///
/// It goes the way of a ``ConfirmationDocument`` and has fewer members: people are sent a link, and nothing they could sign with.
package struct MailConfirmationDocument: Sendable {
    package let kind: NotificationKind
    package let queue: QueueAddress
    /// Where the subscriber answers.
    package let link: String
    /// When the link ends: `YYYY-MM-DDTHH:MM:SS`, UTC.
    package let expires: String

    package init(kind: NotificationKind, queue: QueueAddress, link: String, expires: String) {
        self.kind = kind
        self.queue = queue
        self.link = link
        self.expires = expires
    }

    /// The JSON object.
    package func encode() -> [UInt8] {
        let document = JSONWriter.object(capacity: 1024) { object in
            object.member("Message_Type", self.kind.rawValue)
            object.member("X-Project-ID", self.queue.project.text)
            object.member("URL-Expires", self.expires)
            object.member("Link", self.link)
            object.member("queue_name", self.queue.name.text)
        }
        return Array(document.readableBytesView)
    }
}
