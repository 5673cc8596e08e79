import Documents
import Domain
import JSON
import NIOCore
import Testing

struct NotificationPayloadTests {
    private func payload(_ body: String, delay: Int? = nil) throws -> String {
        String(
            decoding: NotificationPayload.encode(
                body: Array(body.utf8)[...], ttl: 300, delay: delay, queue: try QueueName("fake_queue")), as: UTF8.self)
    }

    @Test func `A payload has four members and the body as it was posted`() throws {
        #expect(
            try self.payload(#"{"event": "BackupStarted"}"#)
                == #"{"body":{"event": "BackupStarted"},"ttl":300,"queue_name":"fake_queue","Message_Type":"Notification"}"#
        )
    }

    @Test func `A delay is a member only when there was one`() throws {
        #expect(
            try self.payload("null", delay: 5)
                == #"{"body":null,"ttl":300,"delay":5,"queue_name":"fake_queue","Message_Type":"Notification"}"#)
    }
}
