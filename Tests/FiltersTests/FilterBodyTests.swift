import Filters
import JSON
import Testing

/// What bodies may look like.
struct FilterBodyTests {
    @Test(arguments: [
        (#"{"a": [1]}"#, #"{"a": 2, "a": 1}"#, true), (#"{"a": [1]}"#, #"{"a": 1, "a": 2}"#, false),
        (#"{"a": [1]}"#, #"{"a": 1, "\u0061": []}"#, false), (#"{"a": [1]}"#, #"{"a": 1, "a": {"b": 1}}"#, false),
        (#"{"a": [{"exists": false}]}"#, #"{"a": 1, "a": []}"#, true),
        (#"{"a": {"b": [1]}}"#, #"{"a": {"b": 1}, "a": 5}"#, false),
        (#"{"a": {"b": [1]}}"#, #"{"a": {"b": 1}, "a": {"b": 2}}"#, false),
        (#"{"a": {"b": [1]}}"#, #"{"a": {"b": 2}, "a": {"b": 1}}"#, true),
        (#"{"a": {"b": [1], "c": [2]}}"#, #"{"a": {"b": 1}, "a": {"c": 2}}"#, false),
        (#"{"a": {"b": [{"exists": false}]}}"#, #"{"a": {"b": 1}, "a": null}"#, true),
    ])
    func `Of members with one name the last counts`(policy: String, body: String, matches: Bool) throws {
        #expect(try FilterPolicyTests.decision(policy, body).isMatch == matches)
    }

    @Test func `White space of all kinds is passed`() throws {
        let body = "\r\n\t {\t\"x\"\n:\r[ 1 , { } ]\t,\n\"a\" : [ ]\r, \"a\"\t:\n[ 2 ,\r1\t] } \n"
        #expect(try FilterPolicyTests.decision(#"{"a": [1]}"#, body) == .matches)
    }

    @Test(arguments: [#"\""#, #"\\"#, #"\\\""#, #"\"}"#, #"]\"{"#, #"\u0022\""#, "é\\\"", ""])
    func `Quotes and backslashes of what is passed over end nothing`(text: String) throws {
        let policy = try FilterPolicy(#"{"a": [1]}"#)
        // Of every length, since strings are passed eight bytes at a time.
        for padding in 0...17 {
            let string = "\"\(String(repeating: "x", count: padding))\(text)\""
            for value in [string, "[\(string), {\(string): \(string)}]", "{\(string):\(string)}"] {
                let matching = Array("{\"b\": \(value), \"a\": 1, \"c\": \(value)}".utf8)
                #expect(policy.decision(on: matching.span) == .matches, "\(value)")
                let other = Array("{\"b\": \(value), \"a\": 2, \"c\": \(value)}".utf8)
                #expect(
                    policy.decision(on: other.span) == .refused(by: FilterRule(pointer: "/a", reason: .noCondition)))
            }
        }
    }

    private static func nested(_ levels: Int, _ open: String, _ close: String) -> String {
        String(repeating: open, count: levels) + "1" + String(repeating: close, count: levels)
    }

    @Test(arguments: ["a", "x"])
    func `A body nests as deep as JSON may`(name: String) throws {
        let policy = try FilterPolicy(#"{"a": [1, {"exists": false}]}"#)
        for (open, close) in [("[", "]"), (#"{"b":"#, "}")] {
            let allowed = Array("{\"\(name)\": \(Self.nested(JSONReader.nestingMax - 1, open, close))}".utf8)
            let tooDeep = Array("{\"\(name)\": \(Self.nested(JSONReader.nestingMax, open, close))}".utf8)
            #expect(policy.decision(on: allowed.span) == .matches)
            #expect(policy.decision(on: tooDeep.span) == .refused(by: FilterRule(pointer: "", reason: .bodyIsNotJSON)))
            #expect(throws: JSONInvalid.self) { try FilterTree(tooDeep) }
        }
        let deep = Array("{\"\(name)\": \(String(repeating: "[", count: 1_000_000))".utf8)
        #expect(policy.decision(on: deep.span) == .refused(by: FilterRule(pointer: "", reason: .bodyIsNotJSON)))
    }

    private static let policy =
        #"{"a": [1, "\u00e9\"", {"exists": false}], "b": {"c": [{"numeric": [">", -2]}], "$or": [{"d": [null]}, {"e": [true]}]}}"#
    private static let body =
        #" {"x": {"y": ["\\\"}", -1.5e+3, {"z": {}}], "w": null}, "a": [[], "\u00e9\"", {"q": "]"}], "b": [{"c": 5, "d": 1}, {"c": -1e0, "f": [], "e": true, "d": null}], "t": "\ud83d\ude00é" }"#

    @Test func `Every shorter body is refused as no JSON`() throws {
        let policy = try FilterPolicy(Self.policy)
        let bytes = Array(Self.body.utf8)
        #expect(policy.decision(on: bytes.span) == .matches)
        for length in 0..<bytes.count {
            let decision = policy.decision(on: Array(bytes[..<length]).span)
            #expect(decision == .refused(by: FilterRule(pointer: "", reason: .bodyIsNotJSON)), "\(length) bytes")
        }
    }

    @Test func `A body with any byte changed does not trap`() throws {
        let policy = try FilterPolicy(Self.policy)
        let bytes = Array(Self.body.utf8)
        for index in bytes.indices {
            for byte in [0x00, 0x22, 0x5C, 0x7B, 0x7D, 0x5B, 0x5D, 0x2C, 0x3A, 0x65, 0x75, 0x80, 0xED, 0xFF] as [UInt8]
            {
                var changed = bytes
                changed[index] = byte
                _ = policy.decision(on: changed.span)
                changed.remove(at: index)
                _ = policy.decision(on: changed.span)
            }
        }
    }

    @Test(arguments: [
        #"{"a": "\x"}"#, #"{"a": "\ud800"}"#, #"{"a": "\u00"}"#, "{\"a\": \"\u{1}\"}", #"{"a": 1.}"#, #"{"a": -}"#,
        #"{"a": tru}"#, #"{"a": 1 2}"#,
        #"{"a": [1 2]}"#, #"{"a": [1,]}"#, #"{"a": [,1]}"#, #"{,"a": 1}"#, #"{"a": }"#, #"{"a"}"#, #"{"b": , "a": 1}"#,
        #"{a: 1}"#, #"{"a\x": 1}"#,
        #"{"a": 99999999999999999999}"#, #"{"a": 1}{}"#, #"{"a": 1"#, "{\"a\": 1}\0",
    ])
    func `A body that is no JSON where a key looks is refused`(body: String) throws {
        #expect(
            try FilterPolicyTests.decision(#"{"a": [{"exists": true}]}"#, body)
                == .refused(by: FilterRule(pointer: "", reason: .bodyIsNotJSON)))
    }

    @Test func `What no key asks for is not checked again`() throws {
        #expect(try FilterPolicyTests.decision(#"{"a": [1]}"#, #"{"x": [nonsense}, "a": 1}"#) == .matches)
    }

    @Test func `A body is read where it lies, also in the middle of others`() throws {
        let bytes = Array(#"xx{"a": "b"}yy"#.utf8)
        let policy = try FilterPolicy(#"{"a": ["b"]}"#)
        #expect(policy.decision(on: bytes.span.extracting(2..<(bytes.count - 2))) == .matches)
    }
}
