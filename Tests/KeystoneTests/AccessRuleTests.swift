import Keystone
import TestKit
import Testing

/// Which requests the access rules of application credentials are for.
struct AccessRuleTests {
    private static let services: Set<String> = ["messaging", "message"]

    @Test(arguments: [
        ("/v2/queues", "/v2/queues", true), ("/v2/queues", "/v2/queues/", false), ("/v2/queues", "/v2/queue", false),
        ("/v2/queues", "/v2/queuesX", false), ("/v2/queues", "", false), ("", "", true), ("", "/", false),
        ("/v2/queues/*", "/v2/queues/a", true), ("/v2/queues/*", "/v2/queues/", false),
        ("/v2/queues/*", "/v2/queues/a/messages", false), ("/v2/queues/a*", "/v2/queues/abc", true),
        ("/v2/queues/a*", "/v2/queues/a", false), ("/v2/queues/*c", "/v2/queues/abc", true),
        ("/v2/queues/*/messages", "/v2/queues/a/messages", true),
        ("/v2/queues/*/messages", "/v2/queues//messages", false),
        ("/v2/queues/{queue}/messages", "/v2/queues/a/messages", true),
        ("/v2/queues/{queue}", "/v2/queues/a/b", false), ("/v2/queues/{", "/v2/queues/a", false),
        ("/v2/**", "/v2/", true), ("/v2/**", "/v2/queues/a/messages", true), ("/v2/**", "/v2", false),
        ("**", "", true), ("**", "/anything", true), ("/v2/**/messages", "/v2/queues/a/messages", true),
        ("/v2/**/messages", "/v2/queues/a/claims", false), ("/v2/***", "/v2/a", true), ("/v2/***", "/v2/", false),
        ("/v2/q.eues", "/v2/queues", false), ("/v2/queues?", "/v2/queue", false),
        ("/v2/queues/é", "/v2/queues/é", true),
    ])
    func `A path matches a pattern or not`(pattern: String, path: String, matches: Bool) {
        let rule = AccessRule(service: "messaging", method: "GET", path: pattern)
        #expect(rule.admits("GET", path, of: Self.services) == matches)
    }

    @Test func `Service and method have to be those of the rule`() {
        let rule = AccessRule(service: "messaging", method: "get", path: "/v2/queues")
        #expect(rule.admits("GET", "/v2/queues", of: Self.services))
        #expect(!rule.admits("PUT", "/v2/queues", of: Self.services))
        #expect(!AccessRule(service: "compute", method: "GET", path: "**").admits("GET", "/v2", of: Self.services))
    }

    @Test func `Long paths match nothing, and no pattern takes long`() {
        let rule = AccessRule(service: "message", method: "GET", path: String(repeating: "**a", count: 40))
        #expect(!rule.admits("GET", String(repeating: "a", count: 2048) + "/", of: Self.services))
        #expect(rule.admits("GET", String(repeating: "a", count: 2048), of: Self.services))
        let all = AccessRule(service: "message", method: "GET", path: "**")
        #expect(!all.admits("GET", String(repeating: "a", count: 2049), of: Self.services))
    }

    /// The same by trying every way there is.
    private static func matches(_ path: Substring, _ pattern: Substring) -> Bool {
        guard let first = pattern.first else { return path.isEmpty }
        if pattern.hasPrefix("**") {
            let rest = pattern.dropFirst(2)
            return (0...path.count).contains { Self.matches(path.dropFirst($0), rest) }
        }
        if first == "*" {
            let segment = path.prefix { $0 != "/" }
            return segment.count > 0
                && (1...segment.count).contains { Self.matches(path.dropFirst($0), pattern.dropFirst()) }
        }
        return path.first == first && Self.matches(path.dropFirst(), pattern.dropFirst())
    }

    @Test func `Any pattern and path are judged as by trying every way`() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<20_000 {
            let pattern = (0..<Int.random(in: 0...6, using: &random)).map { _ in
                ["a", "b", "/", "*", "**"].randomElement(using: &random) ?? "a"
            }.joined()
            let path = String(
                (0..<Int.random(in: 0...8, using: &random)).map { _ in "ab/".randomElement(using: &random) ?? "a" })
            let rule = AccessRule(service: "message", method: "GET", path: pattern)
            #expect(
                rule.admits("GET", path, of: Self.services) == Self.matches(path[...], pattern[...]),
                "\(pattern) \(path)")
        }
    }
}
