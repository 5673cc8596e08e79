import Filters
import Testing

/// How strings of bodies and of policies are compared.
struct FilterTextTests {
    @Test(arguments: [
        (#"["A"]"#, #""\u0041""#, true), (#"["\u0041"]"#, #""A""#, true), (#"["\u0041"]"#, #""\u0041""#, true),
        (#"["a\"b"]"#, #""a\u0022b""#, true), (#"["a\\b"]"#, #""a\u005Cb""#, true), (#"["a/b"]"#, #""a\/b""#, true),
        (#"["\n\t\r\b\f"]"#, #""\u000a\u0009\u000D\u0008\u000C""#, true), (#"["\u0000"]"#, #""\u0000""#, true),
        (#"["\u0000"]"#, #""""#, false), (#"["😀"]"#, #""\ud83d\ude00""#, true), (#"["\uD83D\uDE00"]"#, #""😀""#, true),
        (#"["é"]"#, #""\u00E9""#, true), (#"["é"]"#, #""e\u0301""#, false), (#"["A"]"#, #""\\u0041""#, false),
        (#"[{"prefix": "Ab"}]"#, #""\u0041bc""#, true), (#"[{"suffix": "bc"}]"#, #""a\u0062\u0063""#, true),
        (#"[{"suffix": "😀"}]"#, #""a\ud83d\ude00""#, true), (#"[{"wildcard": "*b*"}]"#, #""a\u0062c""#, true),
        (#"[{"cidr": "10.0.0.0/8"}]"#, #""\u0031\u0030.1.1.1""#, true), (#"[{"exists": true}]"#, #""\u0041""#, true),
        (#"[{"anything-but": "A"}]"#, #""\u0041""#, false),
        (#"[{"anything-but": {"prefix": "A"}}]"#, #""\u0041b""#, false),
    ])
    func `Escapes count as the characters they stand for`(conditions: String, value: String, matches: Bool) throws {
        #expect(try FilterPolicyTests.decision("{\"a\": \(conditions)}", "{\"a\": \(value)}").isMatch == matches)
    }

    @Test(arguments: [
        (#"{"a\u0062": [1]}"#, #"{"ab": 1}"#), (#"{"ab": [1]}"#, #"{"\u0061b": 1}"#),
        (#"{"a\"": [1]}"#, #"{"\u0061\u0022": 1}"#),
        (#"{"😀": [1]}"#, #"{"\ud83d\ude00": 1}"#), (#"{"": [1]}"#, #"{"": 1}"#),
        (#"{"\#(String(repeating: "x", count: 80))": [1]}"#, #"{"\#(String(repeating: "x", count: 80))": 1}"#),
        (
            #"{"\#(String(repeating: "x", count: 63))": [1]}"#,
            #"{"\#(String(repeating: "x", count: 64))": 2, "\#(String(repeating: "x", count: 63))": 1}"#
        ),
    ])
    func `Names are compared like strings`(policy: String, body: String) throws {
        #expect(try FilterPolicyTests.decision(policy, body) == .matches)
    }

    @Test(arguments: [
        ("straße", "STRASSE", false), ("straße", "STRAßE", true), ("ÉTÉ", "été", true), ("été", "ÉTE", false),
        ("k", "\u{212A}", true),
        ("\u{212A}", "K", true), ("", "", false), ("a1_", "A1_", true), ("[", "{", false), ("@", "`", false),
        ("ΣΑΣ", "σας", false),
        ("ΣΑΣ", "σασ", true),
    ])
    func `Case is ignored by Unicode's mapping of each character`(pattern: String, value: String, matches: Bool) throws
    {
        guard !pattern.isEmpty else { return }
        let policy = "{\"a\": [{\"equals-ignore-case\": \"\(pattern)\"}]}"
        #expect(try FilterPolicyTests.decision(policy, "{\"a\": \"\(value)\"}").isMatch == matches)
    }

    @Test(arguments: [
        ("*", "", true), ("*", "abc", true), ("a*", "a", true), ("a*", "abc", true), ("a*", "ba", false),
        ("*a", "ba", true),
        ("*a", "ab", false), ("a*a", "a", false), ("a*a", "aa", true), ("a*b*c", "abc", true), ("a*b*c", "aXbYc", true),
        ("a*b*c", "ac", false), ("a*b*c", "acbc", true), ("*aab*", "aaab", true), ("*aab*", "aabaab", true),
        ("*aab*", "abab", false),
        ("*abab*c", "abaababc", true), ("*abcabd*", "abcabcabd", true), ("*ab*ba*", "aba", false),
        ("*ab*ba*", "abba", true),
        ("abc", "abc", true), ("abc", "abcd", false), (#"a\\*b"#, "a*b", true), (#"a\\*b"#, "aXb", false),
        (#"\\\\*"#, #"\\x"#, true),
        (#"\\\\*"#, "x", false), ("ab*ba", "aba", false),
    ])
    func `A wildcard stands for any characters`(pattern: String, value: String, matches: Bool) throws {
        let policy = "{\"a\": [{\"wildcard\": \"\(pattern)\"}]}"
        #expect(try FilterPolicyTests.decision(policy, "{\"a\": \"\(value)\"}").isMatch == matches)
        let other = "{\"a\": [{\"anything-but\": {\"wildcard\": \"\(pattern)\"}}]}"
        #expect(try FilterPolicyTests.decision(other, "{\"a\": \"\(value)\"}").isMatch != matches)
    }

    @Test func `A pattern that nearly fits everywhere takes time that grows with the text only`() throws {
        let piece = String(repeating: "a", count: 10_000)
        let policy = try FilterPolicy("{\"a\": [{\"wildcard\": \"*\(piece)b*\(piece)b*\"}]}")
        let body = Array("{\"a\": \"\(String(repeating: "a", count: 1_000_000))\"}".utf8)
        let start = ContinuousClock.now
        #expect(!policy.decision(on: body.span).isMatch)
        // Some ten billion steps when every place is tried anew.
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false), ("10.1.2.3/8", "10.0.0.0", true),
        ("0.0.0.0/0", "1.2.3.4", true),
        ("0.0.0.0/0", "::1", false), ("::/0", "1.2.3.4", false), ("::/0", "ff::1", true),
        ("1.2.3.4/32", "1.2.3.4", true),
        ("1.2.3.4/32", "1.2.3.5", false), ("::1/128", "0:0:0:0:0:0:0:1", true), ("::1/128", "::2", false),
        ("2001:DB8::/33", "2001:db8:7fff::", true),
        ("2001:DB8::/33", "2001:db8:8000::", false), ("::ffff:10.0.0.0/104", "::ffff:10.9.9.9", true),
        ("::ffff:10.0.0.0/104", "10.9.9.9", false),
        ("10.0.0.0/31", "10.0.0.1", true), ("10.0.0.0/31", "10.0.0.2", false), ("10.0.0.0/8", "10.0.0", false),
        ("10.0.0.0/8", "10.0.0.0/8", false),
        ("10.0.0.0/8", "010.0.0.1", false), ("10.0.0.0/8", " 10.0.0.1", false), ("10.0.0.0/8", "", false),
        ("10.0.0.0/8", "10.0.0.1\\u0000", false),
        ("::/0", "::%1", false), ("::/0", "0000:0000:0000:0000:0000:ffff:255.255.255.255", true),
        ("::/0", "00000:0000:0000:0000:0000:ffff:255.255.255.255", false),
    ])
    func `A block of addresses holds those of its family that begin like it`(
        block: String, address: String, matches: Bool
    ) throws {
        let policy = "{\"a\": [{\"cidr\": \"\(block)\"}]}"
        #expect(try FilterPolicyTests.decision(policy, "{\"a\": \"\(address)\"}").isMatch == matches)
    }
}
