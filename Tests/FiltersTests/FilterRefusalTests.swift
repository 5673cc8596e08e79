import Filters
import Testing

/// What a decision names when it refuses.
struct FilterRefusalTests {
    @Test(arguments: [
        (#"{"store": ["a"]}"#, "{}", "/store", "`/store` is not there"),
        (#"{"store": ["a"]}"#, #"{"store": "b"}"#, "/store", "`/store` is none of the values"),
        (#"{"store": ["a"]}"#, #"{"store": {"a": 1}}"#, "/store", "`/store` is not there"),
        (#"{"store": ["a"]}"#, #"{"store": []}"#, "/store", "`/store` is not there"),
        (#"{"store": [{"exists": false}]}"#, #"{"store": 1}"#, "/store", "`/store` is there"),
        (#"{"store": [{"exists": false}, 2]}"#, #"{"store": 1}"#, "/store", "`/store` is none of the values"),
        (#"{"a": [1], "b": [2]}"#, #"{"a": 1}"#, "/b", "`/b` is not there"),
        (#"{"b": [2], "a": [1]}"#, #"{"c": 1}"#, "/b", "`/b` is not there"),
        (#"{"a": {"b": {"c": [1]}}}"#, #"{"a": {"b": {"c": 2}}}"#, "/a/b/c", "`/a/b/c` is none of the values"),
        (#"{"a": {"b": {"c": [1]}}}"#, #"{"a": {"b": 5}}"#, "/a/b/c", "`/a/b/c` is not there"),
        (#"{"a": {"b": {"c": [1]}}}"#, #"{"a": 5}"#, "/a/b/c", "`/a/b/c` is not there"),
        (#"{"a": {"b": [1]}}"#, #"{"a": [{"b": 2}]}"#, "/a/b", "`/a/b` is none of the values"),
        (#"{"a": {"b": [1]}}"#, #"{"a": [{"b": 2}, {"b": 3}]}"#, "/a", "`/a` has no element for which all keys hold"),
        (#"{"$or": [{"a": [1]}, {"b": [2]}]}"#, #"{"a": 2}"#, "/$or", "`/$or` has no alternative that holds"),
        (
            #"{"c": {"$or": [{"a": [1]}, {"b": [2]}]}}"#, #"{"c": {"a": 2}}"#, "/c/$or",
            "`/c/$or` has no alternative that holds"
        ),
        (#"{"x": [1], "$or": [{"a": [1]}, {"b": [2]}]}"#, #"{"a": 1}"#, "/x", "`/x` is not there"),
        (#"{"a/b": {"c~d": [1]}}"#, #"{"a/b": {"c~d": 2}}"#, "/a~1b/c~0d", "`/a~1b/c~0d` is none of the values"),
        (#"{"a": [1]}"#, #"{"a": 1, "a": 2}"#, "/a", "`/a` is none of the values"),
        (#"{"a": [1]}"#, "[]", "", "the body is not a JSON object"),
        (#"{"a": [1]}"#, "5", "", "the body is not a JSON object"),
        (#"{"a": [1]}"#, #""{\"a\": 1}""#, "", "the body is not a JSON object"),
        (#"{"a": [1]}"#, "null", "", "the body is not a JSON object"),
        (#"{"a": [1]}"#, "", "", "the body is not JSON"),
        (#"{"a": [1]}"#, #"{"a": 1}}"#, "", "the body is not JSON"),
        (#"{"a": [1]}"#, #"{"a": 1,}"#, "", "the body is not JSON"),
        (#"{"a": [1]}"#, #"{"a": 01}"#, "", "the body is not JSON"),
        (#"{"a": [1]}"#, #"{"a" 1}"#, "", "the body is not JSON"),
    ])
    func `A refusal names the first key that does not hold, in one sentence`(
        policy: String, body: String, pointer: String, sentence: String
    ) throws {
        guard case .refused(let rule) = try FilterPolicyTests.decision(policy, body) else {
            Issue.record("the body matches")
            return
        }
        #expect(rule.pointer == pointer)
        #expect(rule.description == sentence)
    }
}
