import Filters
import JSON
import Testing

/// Texts that are no policies.
struct FilterPolicyInvalidTests {
    static func fault(_ policy: String) -> FilterPolicyInvalid? {
        do throws(FilterPolicyInvalid) {
            _ = try FilterPolicy(policy)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        ("", "", FilterPolicyInvalid.Reason.notJSON(JSONInvalid(reason: .unexpectedEnd, offset: 0))),
        (#"{"a": [1}"#, "", .notJSON(JSONInvalid(reason: .unexpectedByte, offset: 8))),
        (#"{"a": [1]} x"#, "", .notJSON(JSONInvalid(reason: .unexpectedByte, offset: 11))),
        (#"{"a": ["\ud800"]}"#, "", .notJSON(JSONInvalid(reason: .loneSurrogate, offset: 8))),
        (#"{"a": [[1, }]}"#, "", .notJSON(JSONInvalid(reason: .unexpectedByte, offset: 11))),
        ("[]", "", .notObject),
        ("5", "", .notObject),
        ("null", "", .notObject),
        ("{}", "", .noKeys),
        (#"{"a": {}}"#, "/a", .noKeys),
        (#"{"$or": [{"a": [1]}, {}]}"#, "/$or/1", .noKeys),
        (#"{"a": [1], "a": [2]}"#, "/a", .duplicateKey),
        (#"{"b": {"a": [1], "\u0061": [2]}}"#, "/b/a", .duplicateKey),
        (#"{"a": "b"}"#, "/a", .neitherKeysNorConditions),
        (#"{"a": {"b": null}}"#, "/a/b", .neitherKeysNorConditions),
        (#"{"key": {"suffix": "value"}}"#, "/key/suffix", .neitherKeysNorConditions),
        (#"{"a": []}"#, "/a", .noConditions),
        (#"{"a": ["b", ["c"]]}"#, "/a/1", .notCondition),
        (#"{"a": [{}]}"#, "/a/0", .notOneCondition(0)),
        (#"{"a": [{"prefix": "a", "suffix": "b"}]}"#, "/a/0", .notOneCondition(2)),
        (#"{"a": [{"regex": "b"}]}"#, "/a/0/regex", .unknownCondition),
        (#"{"a": [{"b": [1]}]}"#, "/a/0/b", .unknownCondition),
        (#"{"$or": [{"a": [1]}]}"#, "/$or/0/a", .unknownCondition),
        (#"{"$or": [{"numeric": 123}, {"prefix": "abc"}]}"#, "/$or/0/numeric", .notNumericPairs),
        (#"{"a/b": [{"c~d": 1}]}"#, "/a~1b/0/c~0d", .unknownCondition),
        (#"{"a": [{"prefix": 1}]}"#, "/a/0/prefix", .notText),
        (#"{"a": [{"prefix": ""}]}"#, "/a/0/prefix", .notText),
        (#"{"a": [{"suffix": ["b"]}]}"#, "/a/0/suffix", .notText),
        (#"{"a": [{"suffix": null}]}"#, "/a/0/suffix", .notText),
        (#"{"a": [{"equals-ignore-case": true}]}"#, "/a/0/equals-ignore-case", .notText),
        (#"{"a": [{"wildcard": {"b": 1}}]}"#, "/a/0/wildcard", .notText),
        (#"{"a": [{"cidr": 10}]}"#, "/a/0/cidr", .notText),
        (#"{"a": [{"exists": "no"}]}"#, "/a/0/exists", .notBoolean),
        (#"{"a": [{"exists": null}]}"#, "/a/0/exists", .notBoolean),
        (#"{"a": [{"anything-but": null}]}"#, "/a/0/anything-but", .notExclusion),
        (#"{"a": [{"anything-but": [1, true]}]}"#, "/a/0/anything-but/1", .notExclusion),
        (#"{"a": [{"anything-but": []}]}"#, "/a/0/anything-but", .noExclusions),
        (#"{"a": [{"anything-but": ["a", 1]}]}"#, "/a/0/anything-but", .mixedExclusions),
        (#"{"a": [{"anything-but": {}}]}"#, "/a/0/anything-but", .notOneCondition(0)),
        (#"{"a": [{"anything-but": {"prefix": "a", "suffix": "b"}}]}"#, "/a/0/anything-but", .notOneCondition(2)),
        (#"{"a": [{"anything-but": {"exists": false}}]}"#, "/a/0/anything-but/exists", .unknownExclusion),
        (
            #"{"a": [{"anything-but": {"equals-ignore-case": "b"}}]}"#, "/a/0/anything-but/equals-ignore-case",
            .unknownExclusion
        ),
        (#"{"a": [{"anything-but": {"prefix": false}}]}"#, "/a/0/anything-but/prefix", .notText),
        (#"{"a": [{"numeric": []}]}"#, "/a/0/numeric", .notNumericPairs),
        (#"{"a": [{"numeric": ">"}]}"#, "/a/0/numeric", .notNumericPairs),
        (#"{"a": [{"numeric": ["operator"]}]}"#, "/a/0/numeric", .notNumericPairs),
        (#"{"a": [{"numeric": [1, "<="]}]}"#, "/a/0/numeric", .notNumericPairs),
        (#"{"a": [{"numeric": ["=", "000"]}]}"#, "/a/0/numeric", .notNumericPairs),
        (#"{"a": [{"numeric": [">="]}]}"#, "/a/0/numeric", .notNumericPairs),
        (#"{"a": [{"numeric": [">", 20, "<="]}]}"#, "/a/0/numeric", .notNumericPairs),
        (#"{"a": [{"numeric": [">", 20, 30]}]}"#, "/a/0/numeric", .notNumericPairs),
        (#"{"a": [{"numeric": [">", 20, "<", "30"]}]}"#, "/a/0/numeric", .notNumericPairs),
        (#"{"a": [{"numeric": ["==", 1]}]}"#, "/a/0/numeric", .notNumericPairs),
        (#"{"a": [{"numeric": ["<", 100, ">", 10]}]}"#, "/a/0/numeric", .notRange),
        (#"{"a": [{"numeric": [">=", 1, ">", 2]}]}"#, "/a/0/numeric", .notRange),
        (#"{"a": [{"numeric": ["=", 1, "<", 2]}]}"#, "/a/0/numeric", .notRange),
        (#"{"a": [{"numeric": [">", 20, "<", 30, "<", 50]}]}"#, "/a/0/numeric", .notRange),
        (#"{"a": [{"numeric": [">", 3, "<", 1]}]}"#, "/a/0/numeric", .emptyRange),
        (#"{"a": [{"numeric": [">=", 1, "<=", 1]}]}"#, "/a/0/numeric", .emptyRange),
        (#"{"a": [{"cidr": "10.0.0.0"}]}"#, "/a/0/cidr", .notAddressBlock),
        (#"{"a": [{"cidr": "10.0.0.0/33"}]}"#, "/a/0/cidr", .notAddressBlock),
        (#"{"a": [{"cidr": "10.0.0/24"}]}"#, "/a/0/cidr", .notAddressBlock),
        (#"{"a": [{"cidr": "010.0.0.0/24"}]}"#, "/a/0/cidr", .notAddressBlock),
        (#"{"a": [{"cidr": "10.0.0.0/024"}]}"#, "/a/0/cidr", .notAddressBlock),
        (#"{"a": [{"cidr": "10.0.0.0/"}]}"#, "/a/0/cidr", .notAddressBlock),
        (#"{"a": [{"cidr": "10.0.0.0/-1"}]}"#, "/a/0/cidr", .notAddressBlock),
        (#"{"a": [{"cidr": "10.0.0.0\u0000/8"}]}"#, "/a/0/cidr", .notAddressBlock),
        (#"{"a": [{"cidr": "::1/129"}]}"#, "/a/0/cidr", .notAddressBlock),
        (#"{"a": [{"cidr": "fe80::1%eth0/64"}]}"#, "/a/0/cidr", .notAddressBlock),
        (#"{"a": [{"cidr": "/8"}]}"#, "/a/0/cidr", .notAddressBlock),
        (#"{"a": [{"wildcard": "a**b"}]}"#, "/a/0/wildcard", .adjacentWildcards),
        (#"{"a": [{"wildcard": "a\\b"}]}"#, "/a/0/wildcard", .badWildcardEscape),
        (#"{"a": [{"wildcard": "a\\"}]}"#, "/a/0/wildcard", .badWildcardEscape),
        (#"{"a": [{"anything-but": {"wildcard": "**"}}]}"#, "/a/0/anything-but/wildcard", .adjacentWildcards),
    ])
    func `A text that is no policy is refused with the place`(
        policy: String, pointer: String, reason: FilterPolicyInvalid.Reason
    ) {
        #expect(Self.fault(policy) == FilterPolicyInvalid(reason, at: pointer))
    }

    @Test(arguments: [
        (
            #"{"price": [{"numeric": [1]}]}"#,
            "`/price/0/numeric` takes pairs of an operator (=, <, <=, >, >=) and a number"
        ),
        ("[]", "the filter policy is not an object"),
        ("{", "the filter policy is not JSON: unexpected end at byte 1"),
        (
            #"{"a": [{"regex": 1}]}"#,
            "`/a/0/regex` is not a condition; there are `anything-but`, `cidr`, `equals-ignore-case`, `exists`, `numeric`, "
                + "`prefix`, `suffix`, `wildcard`"
        ),
        (
            #"{"a": [{"anything-but": {"numeric": 1}}]}"#,
            "`/a/0/anything-but/numeric` is not a condition of `anything-but`; there are `prefix`, `suffix`, `wildcard`"
        ),
        (#"{"a": [0.000001]}"#, "`/a/0` takes numbers of at most 5 digits behind the decimal point"),
        (#"{"a": [1000000001]}"#, "`/a/0` takes numbers from -1000000000 to 1000000000"),
        (#"{"a": [{"prefix": "a", "suffix": "b"}]}"#, "`/a/0` takes one condition, and names 2"),
    ])
    func `A fault is one sentence`(policy: String, sentence: String) {
        #expect(Self.fault(policy)?.description == sentence)
    }

    @Test func `Every shorter text of a policy is refused without a trap`() {
        let text =
            #"{"a": [1, "\u00e9", {"numeric": [">", -1.5e0, "<=", 2]}, {"anything-but": {"wildcard": "a*\\*"}}], "$or": [{"b": {"c": [null]}}, {"d": [{"cidr": "::/0"}, true]}]}"#
        #expect(Self.fault(text) == nil)
        let bytes = Array(text.utf8)
        for length in 0..<bytes.count {
            #expect(throws: FilterPolicyInvalid.self) { try FilterPolicy(utf8: Array(bytes[..<length])) }
        }
    }
}
