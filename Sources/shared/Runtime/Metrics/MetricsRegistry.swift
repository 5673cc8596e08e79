import NIOConcurrencyHelpers

/// Everything this process counts.
package final class MetricsRegistry: Sendable {
    package static let shared = MetricsRegistry()
    package init() {}
    static func bootstrap() {}
    package func text() -> String { "" }
}
