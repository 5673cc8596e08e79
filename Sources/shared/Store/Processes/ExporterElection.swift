import NIOConcurrencyHelpers

/// Whether this process is the one that exports the metrics of the deployment, as its heartbeats said last.
///
/// Another may be elected once this one has been silent for ``ProcessRegistry/life``, so an election ends then by itself.
package final class ExporterElection: Sendable {
    private let heardAt = NIOLockedValueBox<ContinuousClock.Instant?>(nil)

    package init() {}

    /// A heartbeat was answered.
    ///
    /// - Parameter sentAt: Before which Redis has not counted it.
    package func heard(_ isExporter: Bool, sentAt: ContinuousClock.Instant) {
        self.heardAt.withLockedValue { $0 = isExporter ? sentAt : nil }
    }

    package func isElected(at now: ContinuousClock.Instant = .now) -> Bool {
        self.heardAt.withLockedValue { $0.map { now - $0 < ProcessRegistry.life } ?? false }
    }
}
