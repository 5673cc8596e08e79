import Filters
import Foundation
import Testing

/// What docs/filters.md shows is what happens.
struct FilterDocumentTests {
    private let lines: [String]

    init() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        self.lines = try String(contentsOf: root.appendingPathComponent("docs/filters.md"), encoding: .utf8)
            .components(separatedBy: "\n")
    }

    /// The cells of the rows of a table, without its first two lines.
    private func table(_ heading: String) -> [[String]] {
        self.lines.drop { $0 != heading }.dropFirst().drop { !$0.hasPrefix("|") }.dropFirst(2).prefix {
            $0.hasPrefix("|")
        }.map {
            $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }

    /// What stands between backquotes.
    private func codes(_ cell: String) -> [String] {
        cell.split(separator: "`", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }.map {
            String($0.element)
        }
    }

    @Test func `The example is a policy`() throws {
        let example = self.lines.drop { $0 != "```json" }.dropFirst().prefix { $0 != "```" }.joined(separator: "\n")
        let policy = try FilterPolicy(example)
        let body =
            #"{"store": "test_1", "price_usd": 100, "customer": {"interests": ["chess", "rugby"]}, "urgent": true}"#
        #expect(policy.decision(on: Array(body.utf8).span) == .matches)
    }

    @Test func `Bodies match as the page says`() throws {
        let rows = self.table("## Keys")
        #expect(rows.count >= 6)
        for row in rows {
            let policy = try #require(self.codes(row[0]).first)
            let body = try #require(self.codes(row[1]).first)
            switch try FilterPolicyTests.decision(policy, body) {
            case .matches: #expect(row[2] == "yes")
            case .refused(let rule):
                #expect(
                    row[2]
                        == "no: \(rule.description.replacing("`", with: ""))".replacing(
                            rule.pointer, with: "`\(rule.pointer)`"))
            }
        }
    }

    @Test func `Every condition of the page is one`() throws {
        let rows = self.table("## Conditions")
        #expect(rows.count >= 12)
        for row in rows {
            for condition in self.codes(row[0]) {
                #expect(throws: Never.self) { try FilterPolicy("{\"a\": [\(condition)]}") }
            }
        }
    }

    @Test func `The bounds of the page are those of the code`() {
        let bounds = self.table("## Bounds").map { $0[1] }
        #expect(
            bounds == [
                "32,768", "\(FilterBounds.keysTogetherMax)", "\(FilterBounds.keysMax)", "\(FilterBounds.levelsMax)",
                "\(FilterBounds.combinationsMax)", "\(FilterBounds.wildcardsMax), and none side by side",
                "\(FilterBounds.wildcardPointsMax)", "16,384, one more for each 64 bytes of a value",
                "±10⁹ with five digits behind the point",
            ])
        #expect(FilterBounds.policyBytesMax == 32_768 && FilterBounds.comparisonsMax == 16_384)
    }
}
