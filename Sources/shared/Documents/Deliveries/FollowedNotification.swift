package import Domain
import JSON
package import NIOCore

/// What a connection gets that follows a queue: a notification with its place, or why there is none.
///
/// ```json
/// {"body": …, "ttl": 300, "queue_name": "q", "Message_Type": "Notification", "id": "06a…", "sequence": 7, "place": "06a….7"}
/// {"gap": {"from": 8, "to": 9}, "queue_name": "q", "place": "06a….9"}
/// {"restart": true, "queue_name": "q", "place": "06a….0"}
/// ```
package enum FollowedNotification {
    /// - Parameters:
    ///   - sequence: nil: the message has none.
    ///   - place: Behind the message, as a client names it.
    package static func message(
        _ message: MessageView, sequence: Int64?, of queue: QueueName, place: String
    ) -> ByteBuffer {
        JSONWriter.object(capacity: message.body.count + 256) { object in
            NotificationPayload.write(
                body: message.body, ttl: message.stored.ttl, delay: message.stored.delay, queue: queue,
                kind: .notification, to: &object)
            object.member("id", message.stored.id.text)
            if let sequence { object.member("sequence", Int(sequence)) }
            object.member("place", place)
        }
    }

    /// Messages of these numbers are not there any more.
    package static func gap(_ numbers: ClosedRange<Int64>, of queue: QueueName, place: String) -> ByteBuffer {
        JSONWriter.object { object in
            object.object("gap") { gap in
                gap.member("from", Int(numbers.lowerBound))
                gap.member("to", Int(numbers.upperBound))
            }
            object.member("queue_name", queue.text)
            object.member("place", place)
        }
    }

    /// The queue was made anew.
    package static func restart(of queue: QueueName, place: String) -> ByteBuffer {
        JSONWriter.object { object in
            object.member("restart", true)
            object.member("queue_name", queue.text)
            object.member("place", place)
        }
    }
}
