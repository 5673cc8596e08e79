import JSON
import NIOCore
import TestKit
import Testing

/// Documents as they are written: whatever they hold, they read the same.
struct JSONWriterTests {
    private static func member(_ fill: (inout JSONObjectWriter) -> Void) -> String {
        String(buffer: JSONWriter.object(fill))
    }

    @Test(arguments: [0, 7, 10, 99, 100, -1, -10, 1_209_600, Int.max, Int.min])
    func `A number is written in decimal`(number: Int) {
        #expect(Self.member { $0.member("x", number) } == "{\"x\":\(number)}")
    }

    @Test(arguments: [
        ("", #""""#), ("plain é😀", #""plain é😀""#), ("a\"b\\c/", #""a\"b\\c/""#), ("\"", #""\"""#),
        ("\n\r\t\u{1}\u{1F}\u{7F}", "\"\\n\\r\\t\\u0001\\u001f\u{7F}\""),
    ])
    func `A text is written so that it reads the same`(text: String, json: String) throws {
        #expect(Self.member { $0.member("x", text) } == "{\"x\":\(json)}")
        #expect(Self.member { $0.member(named: text, 1) } == "{\(json):1}")
        let bytes = Array(json.utf8)
        #expect(JSONText.text(of: try JSONReaderTests.read(bytes), in: bytes.span) == text)
    }

    @Test func `Commas stand between members and between elements, and nowhere else`() {
        let empty = Self.member { object in
            object.object("a") { _ in }
            object.array("b") { _ in }
        }
        #expect(empty == #"{"a":{},"b":[]}"#)
        let full = Self.member { object in
            object.member("one", 1)
            object.array("list") { list in
                list.element(1)
                list.element("two")
                list.object { $0.member("three", true) }
                list.array { $0.element(4) }
                list.text { text in
                    text.append("fi\"")
                    text.append("ve")
                }
            }
            object.object(named: "named\n") { $0.null("nothing") }
            object.member("texts", ["a", "b"])
            object.member("json", verbatim: Array("[1, 2]".utf8)[...])
        }
        #expect(
            full == #"{"one":1,"list":[1,"two",{"three":true},[4],"fi\"ve"],"named\n":{"nothing":null},"#
                + #""texts":["a","b"],"json":[1, 2]}"#)
    }

    @Test func `A value that is not there is null`() {
        let nothing = Self.member { object in
            object.member("text", String?.none)
            object.member("number", Int?.none)
            object.member("boolean", Bool?.none)
            object.member("fraction", Double?.none)
            object.member("infinite", Double.infinity)
            object.member("half", 0.5)
        }
        #expect(nothing == #"{"text":null,"number":null,"boolean":null,"fraction":null,"infinite":null,"half":0.5}"#)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `Whatever is written in whatever order, it is JSON`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let buffer = JSONWriter.object(capacity: 0) { object in
            Self.fill(&object, depth: 0, &random)
        }
        let bytes = Array(buffer.readableBytesView)
        var reader = JSONReader()
        _ = try reader.value(in: bytes.span)
        try reader.end(in: bytes.span)
    }

    private static let texts = [
        "", "a", "\"", "\\", "\u{0}", "é", "😀", "\\u0041", String(repeating: "x\n", count: 200),
    ]

    private static func fill(_ object: inout JSONObjectWriter, depth: Int, _ random: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let name = Self.texts.randomElement(using: &random) ?? ""
            switch Int.random(in: 0...(depth < 4 ? 7 : 5), using: &random) {
            case 0: object.member(named: name, Self.texts.randomElement(using: &random))
            case 1: object.member(named: name, Int.random(in: .min ... .max, using: &random))
            case 2: object.member("b", Bool.random(using: &random))
            case 3: object.text("t") { text in for part in Self.texts { text.append(part) } }
            case 4: object.member(named: name, verbatim: Array(#"{"a": 1}"#.utf8)[...])
            case 5: object.member("f", Double.random(in: -1e300...1e300, using: &random))
            case 6: object.object(named: name) { Self.fill(&$0, depth: depth + 1, &random) }
            default:
                object.array(named: name) { array in
                    for _ in 0..<3 {
                        array.object { Self.fill(&$0, depth: depth + 1, &random) }
                        array.element(name)
                    }
                }
            }
        }
    }
}
