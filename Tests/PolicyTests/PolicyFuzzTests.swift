import Policy
import TestKit
import Testing

/// Check strings and files that are nearly right.
struct PolicyFuzzTests {
    private static let texts = [
        "", "@", "!", "role:admin", "rule:context_is_admin or project_id:%(project_id)s", "not (role:a and 'b':%%)",
        "is_admin:True and (rule:a or rule:b) and \"x\":%(project_id)s",
    ]
    private static let tokens = [
        "(", ")", " ", "not ", " and ", " or ", ":", "'", "\"", "%", "%(project_id)s", "role:", "rule:", "@", "!", "\n",
        "\u{0}",
        "é", "\u{2028}", "[", "]", "{", "}", ",", "- ", "&a ", "*a", "? ", "#", "---\n", "\t", "\\",
    ]

    @Test func `Any text is a check that is read again as the same, or refused at a column of it`() throws {
        var fuzzer = Fuzzer("policy-check", corpus: Self.texts, tokens: Self.tokens, rounds: 20_000)
        let origin = fuzzer.origin
        try fuzzer.run { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            do throws(CheckInvalid) {
                let check = try PolicyCheck(text: text)
                #expect(Self.isPrinted(check), "\(origin): \(text)")
            } catch {
                #expect((1...text.unicodeScalars.count + 1).contains(error.column), "\(origin): \(text)")
            }
        }
    }

    /// Whether a check is printed as what is read as the same, or as what nests too deep to be read.
    private static func isPrinted(_ check: PolicyCheck) -> Bool {
        do throws(CheckInvalid) {
            return try PolicyCheck(text: check.description) == check
        } catch {
            if case .less = error.expected { return true }
            return false
        }
    }

    @Test func `Any file is a policy or refused, and decisions end`() throws {
        let files = [
            "queues:create: 'role:member'\n\"queues:get\": \"@\"\n",
            "{\"queues:create\": [[\"role:a\", \"rule:default\"]]}",
            "default: '!'\nqueues:get: rule:queues:create\nqueues:create: is_admin:True\n", "a: &a [b]\nc: *a\n",
        ]
        var fuzzer = Fuzzer("policy-file", corpus: files, tokens: Self.tokens, rounds: 5000)
        try fuzzer.run { bytes in
            // Why it is refused is not the question here.
            guard let file = try? PolicyFile(text: String(decoding: bytes, as: UTF8.self), path: "f"),
                let policy = try? Policy([file])
            else { return }
            for name in policy.names {
                _ = policy.decision(on: PolicyCredentials(roles: ["a"]), to: PolicyTarget(projectID: "p"), by: name)
            }
        }
    }
}
