import JSON
import Testing

struct JSONReaderTests {
    /// Reads a whole document, as the deployment does for bodies it only passes on.
    static func read(_ bytes: [UInt8]) throws(JSONInvalid) -> JSONValue {
        var reader = JSONReader()
        let value = try reader.value(in: bytes.span)
        try reader.end(in: bytes.span)
        return value
    }

    static func fault(_ bytes: [UInt8]) -> JSONInvalid? {
        do {
            _ = try Self.read(bytes)
            return nil
        } catch {
            return error
        }
    }

    static func reason(_ bytes: [UInt8]) -> JSONInvalid.Reason? {
        Self.fault(bytes)?.reason
    }

    @Test(arguments: [
        ("0", JSONValue.Kind.integer(0)), ("-0", .integer(0)), ("9223372036854775807", .integer(.max)),
        ("-9223372036854775808", .integer(.min)), ("1.0", .fraction), ("1e2", .fraction), ("-1.5E-7", .fraction),
        ("99999999999999999999999.0", .fraction), ("true", .boolean(true)), ("false", .boolean(false)), ("null", .null),
        (#""""#, .string(hasEscapes: false)), (#""\n""#, .string(hasEscapes: true)), ("{}", .object), ("[]", .array),
        (" [ 1 , { \"a\" : [ ] } ] ", .array),
    ])
    func `A value is known by its kind`(text: String, kind: JSONValue.Kind) throws {
        #expect(try Self.read(Array(text.utf8)).kind == kind)
    }

    @Test(arguments: [
        ("9223372036854775808", JSONInvalid.Reason.integerTooLarge), ("-9223372036854775809", .integerTooLarge),
        ("[100000000000000000000000000]", .integerTooLarge),
        ("{\"a\":[{\"b\":99999999999999999999}]}", .integerTooLarge),
    ])
    func `An integer beyond 64 bits is refused wherever it stands (CV-16)`(text: String, reason: JSONInvalid.Reason) {
        #expect(Self.reason(Array(text.utf8)) == reason)
    }

    @Test(arguments: [
        "", " ", "[", "{", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}",
        "{a:1}",
        "{1:1}", "{\"a\" 1}", "{'a':1}", "01", "-", "-a", "+1", ".5", "1.", "1.e1", "1e", "1e+", "0x1", "NaN",
        "Infinity",
        "-Infinity", "tru", "truth", "nul", "True", "\"", "\"a", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12G4\"",
        "\"\t\"",
        "\"\n\"", "[1] 2", "{} {}", "[1]//", "/**/[]", "\u{FEFF}{}", "[\u{00A0}1]", "[\u{0C}1]", "\"\\ud800\"",
        "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800\\ud800\"", "\"\\ud800x\"",
    ])
    func `What RFC 8259 does not have is refused`(text: String) {
        #expect(Self.reason(Array(text.utf8)) != nil)
    }

    @Test(
        arguments: [
            [0x80], [0xC0, 0xAF], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80],
            [0xF0, 0x8F, 0xBF, 0xBF],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xE2, 0x82], [0xC3], [0xE2, 0x28, 0xA1],
            [0xF0, 0x9F, 0x98],
        ] as [[UInt8]])
    func `Broken, overlong and surrogate UTF-8 is refused`(bytes: [UInt8]) {
        #expect(Self.reason([0x22] + bytes + [0x22]) == .notUTF8)
        #expect(Self.reason([0x22] + bytes) != nil)
    }

    @Test func `Every character in UTF-8 passes`() {
        for value in stride(from: UInt32(0x20), through: 0x10FFFF, by: 13) {
            guard let scalar = Unicode.Scalar(value), scalar != "\"", scalar != "\\" else { continue }
            #expect(Self.reason(Array("\"\(scalar)\"".utf8)) == nil, "U+\(String(value, radix: 16))")
        }
    }

    @Test func `A hundred levels may nest, and no more`() {
        #expect(
            Self.reason(Array((String(repeating: "[", count: 100) + String(repeating: "]", count: 100)).utf8)) == nil)
        #expect(Self.reason(Array(String(repeating: "[", count: 101).utf8)) == .tooDeep)
        #expect(Self.reason(Array(String(repeating: "{\"a\":", count: 1_000_000).utf8)) == .tooDeep)
        // Breadth is no depth.
        #expect(Self.reason(Array(("[" + String(repeating: "[[]],", count: 1000) + "[]]").utf8)) == nil)
    }

    @Test(arguments: [
        (#""plain""#, "plain"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u00e9\u20AC""#, "é€"),
        (#""a\ud83d\ude00b""#, "a😀b"), (#""\u0000""#, "\0"), (#""é😀""#, "é😀"), (#""""#, ""),
    ])
    func `A string's text has its escapes undone`(json: String, text: String) throws {
        let bytes = Array(json.utf8)
        let value = try Self.read(bytes)
        #expect(JSONText.text(of: value, in: bytes.span) == text)
    }

    @Test func `A name is found however it is spelled`() throws {
        for json in [#""messages""#, #""m\u0065ssages""#, #""\u006d\u0065\u0073\u0073\u0061\u0067\u0065\u0073""#] {
            let bytes = Array(json.utf8)
            #expect(JSONText.isEqual(try Self.read(bytes), to: "messages", in: bytes.span))
        }
        for json in [#""message""#, #""messagez""#, #""Messages""#, #""m\u0065ssage""#, "1"] {
            let bytes = Array(json.utf8)
            #expect(!JSONText.isEqual(try Self.read(bytes), to: "messages", in: bytes.span))
        }
    }

    @Test func `An object is laid open with its last values in first order`() throws {
        let object = try #require(try JSONObject(document: Array(#"{"b":1,"a":{"x":[2]},"\u0062":"3","n":null}"#.utf8)))
        #expect(object.members.map(\.name) == ["b", "a", "n"])
        #expect(object["b"].flatMap(object.text) == "3")
        let inner = try #require(object["a"].flatMap(object.object))
        #expect(inner["x"].map { Array(inner.verbatim($0)) } == Array("[2]".utf8))
        #expect(object["n"] == nil && object["z"] == nil)
        #expect(try JSONObject(document: Array("[1]".utf8)) == nil)
        #expect(throws: JSONInvalid.self) { try JSONObject(document: Array("1".utf8)) }
        #expect(throws: JSONInvalid.self) { try JSONObject(document: Array("{}x".utf8)) }
    }
}
