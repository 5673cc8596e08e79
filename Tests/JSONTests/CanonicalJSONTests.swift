import Foundation
import JSON
import Testing

struct CanonicalJSONTests {
    private func canonical(_ text: String) throws -> String? {
        try CanonicalJSON.text(of: Array(text.utf8).span).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test(arguments: [
        (#"{"job":"resize","n":3}"#, #"{"job": "resize", "n": 3}"#), (#"{"b":1,"a":"é"}"#, #"{"b": 1, "a": "\u00e9"}"#),
        ("[1,2.5,null,true]", "[1, 2.5, null, true]"), (#""plain""#, #""plain""#), ("7", "7"),
        (#"{"k":{}}"#, #"{"k": {}}"#), (#""""#, #""""#), ("{}", "{}"),
        (#"{"x":1e16,"y":1.0,"z":1e-5}"#, #"{"x": 1e+16, "y": 1.0, "z": 1e-05}"#),
        ("\"a\u{7F}\u{2028}/😀\"", #""a\u007f\u2028/\ud83d\ude00""#),
    ])
    func `ST-30: Fixed vectors`(body: String, text: String) throws {
        #expect(try self.canonical(body) == text)
    }

    @Test(arguments: ["null", " null\n"])
    func `A null body has no canonical text`(body: String) throws {
        #expect(try self.canonical(body) == nil)
        #expect(try self.canonical("[null]") == "[null]")
    }

    @Test(arguments: [
        (#"{"a":1,"b":2,"a":3}"#, #"{"a": 3, "b": 2}"#),
        (#"{"a":{"x":1,"x":[]},"\u0061":{"y":1,"z":2,"y":"\/"}}"#, #"{"a": {"y": "/", "z": 2}}"#),
        // Two spellings of one character are two names: nothing is normalised.
        ("{\"\u{E9}\":1,\"e\u{301}\":2}", #"{"\u00e9": 1, "e\u0301": 2}"#),
    ])
    func `Of members with one name the last value counts, at the place of the first`(body: String, text: String) throws
    {
        #expect(try self.canonical(body) == text)
    }

    @Test(arguments: [
        ("-0", "0"), ("-0.0", "-0.0"), ("0e9", "0.0"), ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"), ("1e400", "Infinity"), ("-1e400", "-Infinity"),
        ("1e-400", "0.0"), ("5e-324", "5e-324"), ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("0.0001", "0.0001"), ("0.00001", "1e-05"), ("0.000123", "0.000123"), ("1e15", "1000000000000000.0"),
        ("9999999999999998.0", "9999999999999998.0"), ("12345678901234567.0", "1.2345678901234568e+16"),
        ("1e22", "1e+22"), ("1e100", "1e+100"), ("100000.0", "100000.0"), ("0.1", "0.1"), ("1E+2", "100.0"),
        ("2.50", "2.5"), ("123.456e-10", "1.23456e-08"),
    ])
    func `Numbers are written as Python writes them`(body: String, text: String) throws {
        #expect(try self.canonical(body) == text)
    }

    @Test(arguments: ["", "{", "[1", "01", "nul", "[] []", "\"\u{1}\""])
    func `What is no JSON has no canonical text either`(body: String) {
        #expect(throws: JSONInvalid.self) { try self.canonical(body) }
    }
}
