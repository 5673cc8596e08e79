import Foundation
import Policy
import TestKit
import Testing

/// Files of rules, in YAML and JSON.
struct PolicyFileTests {
    private func rules(_ text: String) throws -> [String: String] {
        let file = try PolicyFile(text: text, path: "f")
        return Dictionary(uniqueKeysWithValues: file.rules.map { ($0.name, $0.check.description) })
    }

    private func complaint(_ text: String) -> String? {
        do {
            _ = try PolicyFile(text: text, path: "f")
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: ["", "# nothing\n", "---\n", "{}", "\n\n"])
    func `A file may have no rules`(text: String) throws {
        #expect(try self.rules(text).isEmpty)
    }

    @Test func `Texts and lists are read from YAML and from JSON`() throws {
        let expected = [
            "a": "@", "b": "!", "c": "role:x or rule:a", "d": "(role:x and role:y) or role:z", "e": "@", "f": "role:x",
            "g": "'it':%(project_id)s", "h": "(role:x and role:y) or role:z",
        ]
        let yaml = """
            # with comments
            "a": ""
            b: "!"
            "c": >-
              role:x
              or rule:a
            d: &d
            - [role:x, role:y]
            - role:z
            e: []
            f: [[role:x]]
            g: "'it':%(project_id)s"
            h: *d
            """
        #expect(try self.rules(yaml) == expected)
        let json = """
            {"a": "", "b": "!", "c": "role:x or\\nrule:a", "d": [["role:x", "role:y"], ["role:z"]],
            \t"e": [], "f": ["role:x"], "g": "'it':%(project_id)s",
            "h": [["role:x", "role:y"], "role:z"]}
            """
        #expect(try self.rules(json) == expected)
    }

    @Test(arguments: [
        ("- a", "f: is no list of rules"), ("text", "f: is no list of rules"), ("a: [", "f: is neither YAML nor JSON"),
        ("a: 'role:a'\na: 'role:b'", "f: is neither YAML nor JSON"),
        ("a: '@'\n---\nb: '@'", "f: is neither YAML nor JSON"),
        ("[a]: '@'", "f: the name of a rule is no text"), ("'': '@'", "f: the name of a rule is no text"),
        ("a:", "f: rule 'a': expected a check string; in quotes"),
        ("a: !", "f: rule 'a': expected a check string; in quotes"),
        ("a: ~", "f: rule 'a', column 1"), ("a: true", "f: rule 'a', column 1"),
        ("a: {b: c}", "f: rule 'a': expected a check string"),
        ("a: [{b: c}]", "f: rule 'a': expected a list of check strings"),
        ("a: [[]]", "f: rule 'a': expected a check in the inner list"),
        ("a: [[[role:b]]]", "f: rule 'a': expected check strings in the inner list"),
        ("a: ['role:b and role:c']", "f: rule 'a', column 12: expected plain text without blanks"),
        ("a: [and]", "f: rule 'a', column 1"),
        ("a: role:b and", "f: rule 'a', column 11: expected a check"),
    ])
    func `A file that is none is refused, with its rule and the column`(text: String, words: String) {
        let complaint = self.complaint(text)
        #expect(complaint?.hasPrefix(words) == true, "\(complaint ?? "accepted")")
        #expect(complaint?.contains("\n") == false)
    }

    @Test func `Names, texts, rules and nesting have a bound`() {
        let long = String(repeating: "a", count: PolicyLimits.nameBytesMax + 1)
        #expect(self.complaint("\(long): '@'")?.contains("the name of a rule") == true)
        let wide = String(repeating: "a", count: PolicyLimits.textBytesMax)
        #expect(self.complaint("a: role:\(wide)")?.contains("at most \(PolicyLimits.textBytesMax) bytes") == true)
        let many = (0...PolicyLimits.rulesMax).map { "r\($0): '@'\n" }.joined()
        #expect(self.complaint(many)?.contains("more than \(PolicyLimits.rulesMax) rules") == true)
        let list = Array(repeating: "role:a", count: PolicyLimits.nodesMax).joined(separator: ",")
        #expect(self.complaint("a: [\(list)]")?.contains("is too large") == true)
        #expect(self.complaint("a: [[\(list),role:a]]")?.contains("is too large") == true)
        for open in ["[", "{a: ", "- "] {
            #expect(self.complaint("a:\n" + String(repeating: open, count: 100_000))?.contains("neither YAML") == true)
        }
    }

    @Test func `What is no file, or too large, or not UTF-8, is refused`() async throws {
        try await withTemporaryFolder { folder in
            func complaint(_ path: String) -> String? {
                do {
                    _ = try PolicyFile.read(path: path)
                    return nil
                } catch {
                    return "\(error)"
                }
            }
            let file = folder.appendingPathComponent("policy.yaml").path
            #expect(complaint(file) == "\(file): cannot be read (No such file or directory)")
            #expect(complaint(folder.path) == "\(folder.path): is no file")
            #expect(complaint("/dev/zero") == "/dev/zero: is no file")
            try Data(repeating: UInt8(ascii: "#"), count: PolicyLimits.fileBytesMax).write(
                to: URL(fileURLWithPath: file))
            #expect(complaint(file) == nil)
            try Data(repeating: UInt8(ascii: "#"), count: PolicyLimits.fileBytesMax + 1).write(
                to: URL(fileURLWithPath: file))
            #expect(complaint(file)?.contains("has more than") == true)
            try Data([0xFF]).write(to: URL(fileURLWithPath: file))
            #expect(complaint(file) == "\(file): is not UTF-8")
        }
    }
}
