import Documents
import Domain
import NIOCore
import Testing

struct FollowedNotificationTests {
    private func message(sequence: Int64?, delay: Int? = nil) throws -> String {
        let id = try #require(MessageID(String(repeating: "0", count: MessageID.characters)))
        let body = Array(#"{"a": 1}"#.utf8)[...]
        let stored = StoredMessage(
            id: id, ttl: 60, age: 1, delay: delay, claim: nil, claimCount: 0, checksum: nil, isSealed: false, body: body
        )
        let view = MessageView(stored, body: body, checksum: nil)
        return String(
            buffer: FollowedNotification.message(view, sequence: sequence, of: try QueueName("q"), place: "p.7")
        ).replacing(id.text, with: "ID")
    }

    @Test func `It is the notification, with the id, the number where there is one, and the place`() throws {
        #expect(
            try self.message(sequence: 7)
                == #"{"body":{"a": 1},"ttl":60,"queue_name":"q","Message_Type":"Notification","id":"ID","sequence":7,"place":"p.7"}"#
        )
        #expect(
            try self.message(sequence: nil, delay: 5)
                == #"{"body":{"a": 1},"ttl":60,"delay":5,"queue_name":"q","Message_Type":"Notification","id":"ID","place":"p.7"}"#
        )
    }

    @Test func `What is missing has its numbers, and a queue that was made anew says so`() throws {
        let queue = try QueueName("q")
        #expect(
            String(buffer: FollowedNotification.gap(8...9, of: queue, place: "p.9"))
                == #"{"gap":{"from":8,"to":9},"queue_name":"q","place":"p.9"}"#)
        #expect(
            String(buffer: FollowedNotification.restart(of: queue, place: "p.0"))
                == #"{"restart":true,"queue_name":"q","place":"p.0"}"#)
    }
}
