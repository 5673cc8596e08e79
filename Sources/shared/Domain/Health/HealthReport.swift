/// The result of a health check: of the default store, or of every pool where there are pools.
package enum ServiceHealth: Sendable {
    case store(HealthReport)
    /// In the order of the names.
    case pools([(pool: PoolName, report: HealthReport)])
}

/// How the steps of a health check of one store went.
package struct HealthReport: Sendable {
    package struct Step: Sendable {
        package let name: String
        package let seconds: Double
        /// The name under which the log says why the step failed; nil when it did not.
        package let reference: String?

        package init(name: String, seconds: Double, reference: String?) {
            self.name = name
            self.seconds = seconds
            self.reference = reference
        }
    }

    /// Whether the store answered at all; without it there are no steps.
    package let isReachable: Bool
    package let steps: [Step]

    package init(isReachable: Bool, steps: [Step]) {
        self.isReachable = isReachable
        self.steps = steps
    }
}
