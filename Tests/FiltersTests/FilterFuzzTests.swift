import Filters
import TestKit
import Testing

/// Policies and bodies that look nearly right.
struct FilterFuzzTests {
    private static let policies = [
        #"{"store": ["a", 1, null, true], "price": [{"numeric": [">", 0, "<=", 1e2]}], "b": {"c": [{"exists": false}]}}"#,
        #"{"$or": [{"a": [{"prefix": "x"}, {"suffix": "y"}]}, {"b": {"$or": [{"c": [1]}, {"d": [{"cidr": "::/8"}]}]}}]}"#,
        #"{"a": [{"anything-but": [1, 2.5]}, {"anything-but": {"wildcard": "a\\**b*"}}, {"equals-ignore-case": "É"}], "e": ["\ud83d\ude00"]}"#,
    ]

    @Test func `Any text is a policy, or refused with its place`() throws {
        var fuzzer = Fuzzer(
            "filter policy", corpus: Self.policies,
            tokens: [
                "{", "}", "[", "]", ",", ":", "\"", "\\", "\"$or\":[", "{\"numeric\":[\">\",", "{\"anything-but\":",
                "*", "\\\\", "\u{0}",
            ],
            rounds: 20_000)
        let body = Array(
            #"{"store": "a", "price": 5, "b": {"c": 1, "d": "::1"}, "a": ["xy", 1e5], "e": "\ud83d\ude00"}"#.utf8)
        try fuzzer.run { input in
            do throws(FilterPolicyInvalid) {
                let policy = try FilterPolicy(utf8: input)
                _ = policy.decision(on: body.span)
                #expect(try FilterPolicy(policy.canonicalText) == policy)
            } catch {
                #expect(error.pointer.isEmpty || error.pointer.hasPrefix("/"))
                #expect(!error.description.isEmpty)
            }
        }
    }

    @Test func `Any bytes are a body, and sound ones are decided as their tree is`() throws {
        var fuzzer = Fuzzer(
            "filter body",
            corpus: [
                #"{"store": "a", "price": 5.0e0, "b": [{"c": []}, {"d": "::1"}], "a": ["xy", [1e5, {}]], "e": "\ud83d\ude00"}"#,
                #"{"x": {"y": ["\\\"", null]}, "store": null, "store": "a", "b": {}, "price": 1.00001}"#,
            ],
            tokens: [
                "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0061", "\"store\":", "\"b\":{", "1e9", "-0", "\u{0}",
            ], rounds: 20_000)
        let policies = try Self.policies.map { (try FilterPolicy($0), try FilterTree(Array($0.utf8))) }
        let origin = fuzzer.origin
        try fuzzer.run { input in
            let tree = try? FilterTree(input)  // most are not JSON
            for (policy, keys) in policies {
                let decision = policy.decision(on: input.span)
                guard let tree else { continue }
                // Numbers of more digits than the tree has are compared otherwise; addresses it does not know.
                guard !keys.description.contains("cidr"), !tree.hasLongNumber else { continue }
                #expect(
                    decision.isMatch == SlowFilter.matches(keys, tree),
                    "\(origin): \(String(decoding: input, as: UTF8.self))")
            }
        }
    }
}
