import CoreMetrics
import Foundation
import Testing

@testable import Runtime

/// The page of metrics is written from the catalogue (`scripts/settings`) and held against it.
struct MetricCatalogTests {
    private static let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("docs/metrics.md")
    private static let tableStart = "|---|---|---|\n"
    /// `scripts/settings` sets it: the page is written, not only compared.
    private static let writes = ProcessInfo.processInfo.environment["HERALD_TEST_WRITE_SETTINGS"] != nil

    @Test
    func `The page of metrics is what the catalogue gives`() throws {
        let text = try String(contentsOf: Self.page, encoding: .utf8)
        let start = try #require(text.range(of: Self.tableStart)).upperBound
        let rows = Metric.allCases.map { metric in
            let dimensions = metric.dimensions.map { "`\($0)`" }.joined(separator: ", ")
            return "| `\(metric.family)` | \(dimensions) | \(metric.help) |\n"
        }
        let wanted = text[..<start] + rows.joined()
        if Self.writes { try Data(wanted.utf8).write(to: Self.page) }
        #expect(
            try String(contentsOf: Self.page, encoding: .utf8) == wanted,
            "docs/metrics.md is not up to date: run scripts/settings")
    }

    @Test
    func `Every metric has a name of its own and a question`() {
        #expect(Metric.byFamily.count == Metric.allCases.count)
        #expect(Metric.allCases.allSatisfy { $0.help.hasSuffix("?") || $0.help.hasSuffix(".") })
        #expect(Metric.allCases.allSatisfy { !$0.help.contains("\n") && !$0.help.contains("|") })
    }

    @Test
    func `A listed metric is shown with its question`() {
        let registry = MetricsRegistry()
        Counter(label: Metric.deliveryLapsed.label, factory: registry).increment()
        #expect(
            registry.text() == """
                # HELP herald_delivery_lapsed_total \(Metric.deliveryLapsed.help)
                # TYPE herald_delivery_lapsed_total counter
                herald_delivery_lapsed_total 1

                """)
        #expect(Exposition.help("a", #"b\c"#) == "# HELP a b\\\\c\n")
    }
}
