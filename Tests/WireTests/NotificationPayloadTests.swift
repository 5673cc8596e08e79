import Domain
import NIOCore
import Testing
import Wire

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

    @Test func `A delay is told only when there was one`() throws {
        #expect(
            try self.payload("null", delay: 5)
                == #"{"body":null,"ttl":300,"delay":5,"queue_name":"fake_queue","Message_Type":"Notification"}"#)
    }
}

struct ByteBufferJSONTests {
    @Test(arguments: [0, 7, 10, 99, 100, -1, -10, 1_209_600, Int.max, Int.min])
    func `A number is written in decimal`(number: Int) {
        var buffer = ByteBuffer(string: "x")
        buffer.writeJSON(number)
        #expect(String(buffer: buffer) == "x\(number)")
    }

    @Test(arguments: [
        ("", #""""#), ("plain é😀", #""plain é😀""#), ("a\"b\\c/", #""a\"b\\c/""#),
        ("\n\r\t\u{1}\u{1F}\u{7F}", "\"\\n\\r\\t\\u0001\\u001f\u{7F}\""),
    ])
    func `A text is written so that it reads the same`(text: String, json: String) throws {
        var buffer = ByteBuffer()
        buffer.writeJSON(text)
        #expect(String(buffer: buffer) == json)
        let bytes = Array(json.utf8)
        #expect(JSONText.text(of: try JSONReaderTests.read(bytes), in: bytes.span) == text)
    }
}
