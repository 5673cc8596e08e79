import Domain
import Store

/// What the last health check found, for everyone who asks soon after it or while it runs.
actor HealthMemory {
    /// How long a finding is told again.
    private static let life = Duration.seconds(5)

    private var last: (health: ServiceHealth, version: PoolVersion, at: ContinuousClock.Instant)?
    private var running: (task: Task<ServiceHealth, Never>, version: PoolVersion)?

    /// - Parameter version: Of the pools: a finding about others is not told.
    func latest(
        of version: PoolVersion, _ check: @escaping @Sendable () async -> ServiceHealth
    ) async -> ServiceHealth {
        if let last = self.last, last.version == version, ContinuousClock.now - last.at < Self.life {
            return last.health
        }
        if let running = self.running, running.version == version { return await running.task.value }
        // A task of its own: a caller who goes away must not end the check for those who wait for it, too.
        let task = Task { await check() }
        self.running = (task, version)
        let health = await task.value
        if self.running?.task == task { self.running = nil }
        self.last = (health, version, .now)
        return health
    }
}
