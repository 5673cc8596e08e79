/// In which form the webhooks of a subscription carry a message (docs/delivery.md, "Formats").
package enum DeliveryFormat: String, Sendable, CaseIterable {
    /// The notification of the Messaging API.
    case zaqar
    /// The body of the message and nothing else.
    case raw
    /// CloudEvents 1.0 in the structured mode of its HTTP binding: one JSON object.
    case cloudEvents = "cloudevents"
    /// CloudEvents 1.0 in the binary mode: attributes are headers, the body is that of the message.
    case cloudEventsBinary = "cloudevents-binary"

    /// What is put together once for all attempts of a message that want the same bytes.
    package enum Content: Hashable, Sendable {
        case notification
        case body
        case cloudEvent
    }

    package var content: Content {
        switch self {
        case .zaqar: .notification
        case .raw, .cloudEventsBinary: .body
        case .cloudEvents: .cloudEvent
        }
    }

    package var isCloudEvents: Bool {
        switch self {
        case .zaqar, .raw: false
        case .cloudEvents, .cloudEventsBinary: true
        }
    }

    /// The media type of requests.
    package var contentType: String {
        self == .cloudEvents ? "application/cloudevents+json; charset=UTF-8" : "application/json"
    }
}
