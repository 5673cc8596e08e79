import Filters
import Testing

/// Each bound of a policy, as much as is allowed and one more.
struct FilterBoundsTests {
    private static func strings(_ count: Int) -> String {
        (0..<count).map { "\"v\($0)\"" }.joined(separator: ", ")
    }

    private static func expect(
        _ allowed: String, _ refused: String, _ reason: FilterPolicyInvalid.Reason, at pointer: String
    ) {
        #expect(FilterPolicyInvalidTests.fault(allowed) == nil)
        #expect(FilterPolicyInvalidTests.fault(refused) == FilterPolicyInvalid(reason, at: pointer))
    }

    @Test func `A policy has at most 32 KiB`() {
        let empty = #"{"a": [""]}"#
        func policy(_ bytes: Int) -> String {
            #"{"a": ["\#(String(repeating: "x", count: bytes - empty.utf8.count))"]}"#
        }
        Self.expect(policy(32_768), policy(32_769), .tooManyBytes(32_769), at: "")
    }

    @Test func `Five keys hold together`() {
        func policy(_ keys: Int) -> String {
            "{\((0..<keys).map { "\"k\($0)\": [1]" }.joined(separator: ", "))}"
        }
        Self.expect(policy(5), policy(6), .tooManyKeysTogether(6), at: "")
    }

    @Test func `Keys with keys below are not counted, and of alternatives the one with most`() {
        Self.expect(
            #"{"a": {"b": {"c": [1], "d": [1]}}, "$or": [{"e": [1], "f": [1], "g": [1]}, {"h": [1]}]}"#,
            #"{"a": {"b": {"c": [1], "d": [1], "i": [1]}}, "$or": [{"e": [1], "f": [1], "g": [1]}, {"h": [1]}]}"#,
            .tooManyKeysTogether(6), at: "")
    }

    @Test func `A policy has at most 64 keys`() {
        func policy(_ keys: Int) -> String {
            "{\"$or\": [\((0..<keys).map { "{\"k\($0)\": [1]}" }.joined(separator: ", "))]}"
        }
        Self.expect(policy(64), policy(65), .tooManyKeys, at: "/$or/64/k64")
    }

    @Test func `Keys nest five levels deep`() {
        Self.expect(
            #"{"a": {"b": {"c": {"d": {"e": [1]}}}}}"#, #"{"a": {"b": {"c": {"d": {"e": {"f": [1]}}}}}}"#,
            .tooManyLevels,
            at: "/a/b/c/d/e/f")
    }

    @Test func `A key has at most 150 values`() {
        Self.expect("{\"a\": [\(Self.strings(150))]}", "{\"a\": [\(Self.strings(151))]}", .tooManyCombinations, at: "")
        Self.expect(
            "{\"a\": [{\"anything-but\": [\(Self.strings(149))]}, 1]}",
            "{\"a\": [{\"anything-but\": [\(Self.strings(149))]}, 1, 2]}", .tooManyCombinations, at: "")
    }

    @Test func `Values of keys are multiplied, with their level`() {
        Self.expect(
            "{\"a\": [\(Self.strings(10))], \"b\": [\(Self.strings(15))]}",
            "{\"a\": [\(Self.strings(11))], \"b\": [\(Self.strings(14))]}", .tooManyCombinations, at: "")
        // 3 levels times 4, 2 levels times 3, and 2 or 3: 144 and 216, which is SNS' own example.
        Self.expect(
            "{\"a\": {\"b\": {\"c\": [\(Self.strings(4))]}}, \"d\": {\"e\": [\(Self.strings(3))]}, \"f\": [\(Self.strings(2))]}",
            "{\"a\": {\"b\": {\"c\": [\(Self.strings(4))]}}, \"d\": {\"e\": [\(Self.strings(3))]}, \"f\": [\(Self.strings(3))]}",
            .tooManyCombinations, at: "")
    }

    @Test func `Combinations of alternatives are added`() {
        func policy(_ last: Int) -> String {
            """
            {"source": [\(Self.strings(3))], "$or": [{"name": [\(Self.strings(6))]}, {"type": [\(Self.strings(4))],
             "$or": [{"id": [\(Self.strings(4))]}, {"space": [\(Self.strings(last))]}]}]}
            """
        }
        Self.expect(policy(7), policy(8), .tooManyCombinations, at: "")
    }

    @Test func `A body that takes too many comparisons is not refused for what was not looked at`() throws {
        let conditions = (0..<150).map { "\"v\($0)\"" }.joined(separator: ",")
        let policy = try FilterPolicy("{\"a\": [\(conditions)]}")
        func decides(_ values: Int) -> Bool {
            policy.decision(
                on: Array("{\"a\":[\(Array(repeating: "\"x\"", count: values).joined(separator: ","))]}".utf8).span
            ).isMatch
        }
        #expect(!decides(109) && decides(110))
        // Values that no key asks for cost nothing, and large ones cost more.
        let others = Array("{\"b\":[\(Array(repeating: "1", count: 50_000).joined(separator: ","))],\"a\":1}".utf8)
        #expect(!policy.decision(on: others.span).isMatch)
        let large = Array("{\"a\":\"\(String(repeating: "x", count: 64 * 110))\"}".utf8)
        #expect(policy.decision(on: large.span).isMatch)
    }

    @Test func `Products of many values do not overflow`() {
        let keys = (0..<5).map { "\"k\($0)\": [\(Self.strings(800))]" }.joined(separator: ", ")
        #expect(FilterPolicyInvalidTests.fault("{\(keys)}") == FilterPolicyInvalid(.tooManyCombinations, at: ""))
    }

    @Test func `A pattern has at most three wildcards`() {
        Self.expect(
            #"{"a": [{"wildcard": "*a*b*"}]}"#, #"{"a": [{"wildcard": "*a*b*c*"}]}"#, .tooManyWildcards(4),
            at: "/a/0/wildcard")
    }

    @Test func `Patterns have at most 100 points`() {
        func policy(_ patterns: Int, _ last: String) -> String {
            let list = (0..<patterns).map { "{\"wildcard\": \"a\($0)*\"}" }.joined(separator: ", ")
            return "{\"a\": [\(list)], \"b\": [{\"wildcard\": \"\(last)\"}]}"
        }
        // 81 of nine patterns with one point each, and 9 of one with three wildcards; then 10 patterns.
        Self.expect(policy(9, "*a*b*"), policy(10, "*a"), .tooManyWildcardPoints, at: "")
        #expect(
            FilterPolicyInvalidTests.fault(
                #"{"a": [\#((0..<10).map { "{\"wildcard\": \"a\($0)*\"}" }.joined(separator: ", "))]}"#) == nil)
    }

    @Test(arguments: ["1000000000", "-1000000000", "1e9", "0.00001", "-999999999.99999", "1.10000000000", "100000e-5"])
    func `Numbers within the bounds are taken`(number: String) {
        #expect(FilterPolicyInvalidTests.fault("{\"a\": [\(number)]}") == nil)
    }

    @Test(arguments: [
        ("1000000001", FilterPolicyInvalid.Reason.numberOutOfRange), ("-1000000001", .numberOutOfRange),
        ("1000000000.00001", .numberOutOfRange), ("1000000000.000001", .numberOutOfRange),
        ("-1000000000.000001", .numberOutOfRange), ("1e10", .numberOutOfRange),
        ("1e999999999999999999999", .numberOutOfRange),
        ("99999999999999999999", .numberOutOfRange), ("0.000001", .numberTooPrecise), ("-0.000001", .numberTooPrecise),
        ("1.234567", .numberTooPrecise), ("1e-6", .numberTooPrecise), ("1e-999999999999999999999", .numberTooPrecise),
    ])
    func `Numbers beyond the bounds are refused wherever they stand`(number: String, reason: FilterPolicyInvalid.Reason)
    {
        #expect(FilterPolicyInvalidTests.fault("{\"a\": [\(number)]}") == FilterPolicyInvalid(reason, at: "/a/0"))
        #expect(
            FilterPolicyInvalidTests.fault("{\"a\": [{\"numeric\": [\"<\", \(number)]}]}")
                == FilterPolicyInvalid(reason, at: "/a/0/numeric/1"))
        #expect(
            FilterPolicyInvalidTests.fault("{\"a\": [{\"anything-but\": [1, \(number)]}]}")
                == FilterPolicyInvalid(reason, at: "/a/0/anything-but/1"))
    }
}
