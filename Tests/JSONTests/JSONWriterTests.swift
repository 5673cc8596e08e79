import JSON
import NIOCore
import Testing

/// Values as they are appended to a document.
struct JSONWriterTests {
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
