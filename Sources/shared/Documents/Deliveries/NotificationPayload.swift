package import Domain
import JSON
import NIOCore

/// What a subscriber receives for one message: exactly these members and no other, since receivers compare the object
/// whole (docs/delivery.md, "What a receiver gets").
///
/// ```json
/// {"body": {"event": "BackupStarted"}, "ttl": 300, "queue_name": "fake_queue", "Message_Type": "Notification"}
/// ```
package enum NotificationPayload {
    /// Puts the payload together.
    ///
    /// - Parameters:
    ///   - body: The message's body, copied verbatim.
    ///   - ttl: Seconds.
    ///   - delay: Seconds; nil unless the post carried one or its queue sets one.
    ///   - queue: The subscription's source.
    ///   - kind: Its `Message_Type`.
    package static func encode(
        body: ArraySlice<UInt8>, ttl: Int, delay: Int?, queue: QueueName, kind: NotificationKind = .notification
    ) -> [UInt8] {
        let payload = JSONWriter.object(capacity: body.count + 160) { object in
            Self.write(body: body, ttl: ttl, delay: delay, queue: queue, kind: kind, to: &object)
        }
        return Array(payload.readableBytesView)
    }

    /// The body in a payload that ``encode(body:ttl:delay:queue:kind:)`` put together; nil from what is no such document.
    package static func body(in payload: [UInt8]) -> [UInt8]? {
        guard let object = try? JSONObject(document: payload) else { return nil }
        return object.value(of: "body").map { Array(object.verbatim($0)) }
    }

    static func write(
        body: ArraySlice<UInt8>, ttl: Int, delay: Int?, queue: QueueName, kind: NotificationKind,
        to object: inout JSONObjectWriter
    ) {
        object.member("body", verbatim: body)
        object.member("ttl", ttl)
        if let delay { object.member("delay", delay) }
        object.member("queue_name", queue.text)
        object.member("Message_Type", kind.rawValue)
    }
}
