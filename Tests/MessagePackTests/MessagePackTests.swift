import JSON
import MessagePack
import NIOCore
import Testing

struct MessagePackTests {
    private func json(_ bytes: [UInt8]) throws(MessagePackInvalid) -> String {
        String(buffer: try MessagePack.json(of: bytes.span))
    }

    private func bytes(_ json: String) throws(JSONInvalid) -> [UInt8] {
        Array(try MessagePack.bytes(of: Array(json.utf8).span).readableBytesView)
    }

    @Test(
        arguments: [
            ([0xC0], "null"), ([0xC2], "false"), ([0xC3], "true"), ([0x00], "0"), ([0x7F], "127"), ([0xE0], "-32"),
            ([0xFF], "-1"), ([0xCC, 0x80], "128"), ([0xCD, 0x01, 0x00], "256"),
            ([0xCE, 0x00, 0x01, 0x00, 0x00], "65536"),
            ([0xCF, 0, 0, 0, 1, 0, 0, 0, 0], "4294967296"), ([0xD0, 0x80], "-128"), ([0xD1, 0x80, 0x00], "-32768"),
            ([0xD2, 0x80, 0, 0, 0], "-2147483648"), ([0xD3, 0x80, 0, 0, 0, 0, 0, 0, 0], "-9223372036854775808"),
            ([0xCB, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0], "1.5"), ([0xA0], #""""#), ([0xA1, 0x61], #""a""#),
            ([0xA2, 0x22, 0x5C], #""\"\\""#), ([0x90], "[]"), ([0x80], "{}"), ([0x92, 0x01, 0x90], "[1, []]"),
            ([0x82, 0xA1, 0x61, 0x01, 0xA1, 0x62, 0xC0], #"{"a": 1, "b": null}"#),
        ] as [([UInt8], String)])
    func `A value has one spelling in each format`(bytes: [UInt8], json: String) throws {
        #expect(try self.json(bytes) == json)
        #expect(try self.bytes(json) == bytes)
    }

    @Test(
        arguments: [
            ([0xCC, 0x01], "1"), ([0xD3, 0, 0, 0, 0, 0, 0, 0, 1], "1"),
            ([0xCF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], "18446744073709551615"),
            ([0xCA, 0x3F, 0x80, 0, 0], "1.0"), ([0xCB, 0x80, 0, 0, 0, 0, 0, 0, 0], "-0.0"),
            // str 8, bin 8 and the raw family are strings.
            ([0xD9, 1, 0x61], #""a""#), ([0xDA, 0, 1, 0x61], #""a""#), ([0xDB, 0, 0, 0, 1, 0x61], #""a""#),
            ([0xC4, 1, 0x61], #""a""#), ([0xC5, 0, 1, 0x61], #""a""#), ([0xC6, 0, 0, 0, 1, 0x61], #""a""#),
            ([0xC4, 2, 0xC3, 0xA9], #""é""#), ([0xA1, 0x00], #""\u0000""#),
            ([0xDC, 0, 1, 0xC0], "[null]"), ([0xDD, 0, 0, 0, 1, 0xC0], "[null]"),
            ([0xDE, 0, 1, 0xC4, 1, 0x61, 0xC0], #"{"a": null}"#),
            ([0xDF, 0, 0, 0, 1, 0xA1, 0x61, 0xC0], #"{"a": null}"#),
        ] as [([UInt8], String)])
    func `Longer spellings are read too`(bytes: [UInt8], json: String) throws {
        #expect(try self.json(bytes) == json)
    }

    @Test(
        arguments: [
            ([], .unexpectedEnd, 0), ([0xCC], .unexpectedEnd, 0), ([0xCB, 0, 0, 0, 0, 0, 0, 0], .unexpectedEnd, 0),
            ([0xA2, 0x61], .unexpectedEnd, 0), ([0x91], .unexpectedEnd, 0), ([0x81, 0xA1, 0x61], .unexpectedEnd, 3),
            // Lengths that no memory has, in few bytes.
            ([0xDB, 0xFF, 0xFF, 0xFF, 0xFF, 0x61], .unexpectedEnd, 0),
            ([0xC6, 0xFF, 0xFF, 0xFF, 0xFF], .unexpectedEnd, 0),
            ([0xDD, 0xFF, 0xFF, 0xFF, 0xFF, 0xC0], .unexpectedEnd, 0),
            ([0xDF, 0x7F, 0xFF, 0xFF, 0xFF, 0xA0, 0xC0], .unexpectedEnd, 0),
            ([0x92, 0x90, 0xDD, 0, 0, 0, 9, 0xC0], .unexpectedEnd, 2),
            ([0x31, 0x32, 0x33], .trailingBytes, 1), ([0xC0, 0xC0], .trailingBytes, 1),
            ([0xC1], .unusedByte, 0), ([0xC7, 0, 1], .extensionType, 0), ([0xD4, 1, 1], .extensionType, 0),
            ([0xD6, 0xFF, 0, 0, 0, 0], .extensionType, 0),
            ([0x81, 0x01, 0x01], .nameNotString, 1), ([0x81, 0xC0, 0x01], .nameNotString, 1),
            ([0xA1, 0xFF], .notUTF8, 0), ([0xA2, 0xC0, 0x80], .notUTF8, 0), ([0xC4, 3, 0xED, 0xA0, 0x80], .notUTF8, 0),
            ([0xCB, 0x7F, 0xF8, 0, 0, 0, 0, 0, 0], .notFinite, 9), ([0xCA, 0xFF, 0x80, 0, 0], .notFinite, 5),
        ] as [([UInt8], MessagePackInvalid.Reason, Int)])
    func `What has no JSON is refused, with the place`(
        bytes: [UInt8], reason: MessagePackInvalid.Reason, offset: Int
    ) {
        #expect(throws: MessagePackInvalid(reason: reason, offset: offset)) { try self.json(bytes) }
    }

    @Test func `Documents nest as deep as JSON may, in both directions`() throws {
        func nested(_ levels: Int) -> [UInt8] { [UInt8](repeating: 0x91, count: levels) + [0xC0] }
        let deepest = JSONReader.nestingMax
        #expect(try self.json(nested(deepest)).hasPrefix("[[["))
        #expect(throws: MessagePackInvalid(reason: .tooDeep, offset: deepest)) { try self.json(nested(deepest + 1)) }
        // An answer holds a document inside of something.
        let most = deepest + MessagePack.frameLevels
        let text = String(repeating: "[", count: most) + String(repeating: "]", count: most)
        #expect(try self.bytes(text).count == most)
        #expect(throws: JSONInvalid.self) { try self.bytes("[" + text + "]") }
        // Very deep ones cost no stack.
        #expect(throws: MessagePackInvalid.self) { try self.json(nested(1_000_000)) }
    }

    @Test func `Long strings and containers have the heads of their lengths`() throws {
        for (count, head) in [(31, 1), (32, 2), (255, 2), (256, 3), (65_535, 3), (65_536, 5)] {
            let text = "\"" + String(repeating: "a", count: count) + "\""
            #expect(try self.bytes(text).count == count + head)
            #expect(try self.json(self.bytes(text)) == text)
        }
        for (count, head) in [(15, 1), (16, 3), (65_535, 3), (65_536, 5)] {
            let text = "[" + [String](repeating: "1", count: count).joined(separator: ", ") + "]"
            #expect(try self.bytes(text).count == count + head)
            #expect(try self.json(self.bytes(text)) == text)
        }
        let members = (0..<16).map { #""\#($0)": 0"# }.joined(separator: ", ")
        #expect(try self.bytes("{\(members)}").prefix(3) == [0xDE, 0, 16])
        #expect(try self.json(self.bytes("{\(members)}")) == "{\(members)}")
    }

    @Test func `Escapes become characters, and a number beyond every double infinity`() throws {
        #expect(try self.bytes(#""\u0041\uD83D\uDE00\n""#) == [0xA6] + Array("A😀\n".utf8))
        #expect(try self.bytes("1e999") == [0xCB, 0x7F, 0xF0, 0, 0, 0, 0, 0, 0])
        #expect(try self.bytes("9007199254740993.0").count == 9)
        #expect(throws: JSONInvalid.self) { try self.bytes("9223372036854775808") }
        #expect(throws: JSONInvalid.self) { try self.bytes("[1] 2") }
    }
}
