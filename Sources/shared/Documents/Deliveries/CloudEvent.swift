package import Domain
import JSON
import NIOCore

/// What is sent to a subscription, as an event of CloudEvents 1.0 (docs/delivery.md, "Formats").
///
/// ```json
/// {"specversion": "1.0", "id": "06a…", "source": "/v2/queues/jobs", "type": "herald.message",
///  "time": "2026-12-01T04:00:00.000Z", "datacontenttype": "application/json", "data": {"event": "BackupStarted"}}
/// ```
///
/// Every attribute is of letters, digits and `-./:_`, so that it is the same in JSON, in a URI and in a header: the HTTP binding has
/// nothing to percent-encode.
package struct CloudEvent: Sendable, Equatable {
    private static let specification = "1.0"
    private static let dataType = "application/json"

    /// The same over all attempts.
    package let id: String
    package let source: String
    package let type: String
    /// When the message was created; nil: it is no message that was posted.
    package let time: String?

    /// - Parameters:
    ///   - message: nil when what is sent is no message that was posted: its delivery gives the id.
    ///   - queue: The queue of the subscription.
    package init(message: MessageID?, delivery: DeliveryID, kind: NotificationKind, queue: QueueName) {
        self.id = message?.text ?? delivery.text
        self.source = "/v2/queues/\(queue.text)"
        self.type = Self.type(of: kind)
        self.time = message?.position.createdAt.iso8601
    }

    private static func type(of kind: NotificationKind) -> String {
        switch kind {
        case .notification: "herald.message"
        case .test: "herald.test"
        case .subscriptionConfirmation, .unsubscribeConfirmation: "herald.subscription.confirmation"
        }
    }

    /// The event in the JSON event format.
    ///
    /// - Parameter data: A JSON value, copied verbatim.
    package func encode(data: ArraySlice<UInt8>) -> [UInt8] {
        let document = JSONWriter.object(capacity: data.count + 256) { object in
            object.member("specversion", Self.specification)
            object.member("id", self.id)
            object.member("source", self.source)
            object.member("type", self.type)
            if let time { object.member("time", time) }
            object.member("datacontenttype", Self.dataType)
            object.member("data", verbatim: data)
        }
        return Array(document.readableBytesView)
    }

    /// The attributes as headers of the binary mode, `name: value` each; `datacontenttype` is the `Content-Type`.
    package var headers: [String] {
        [
            "ce-specversion: \(Self.specification)", "ce-id: \(self.id)", "ce-source: \(self.source)",
            "ce-type: \(self.type)",
        ] + (self.time.map { ["ce-time: \($0)"] } ?? [])
    }
}
