import Domain
import JSON
import NIOCore
import Store

/// What a health check found: of the default store, or of every pool where there are pools.
enum HealthDocument: Sendable {
    case plain(HealthReport)
    /// In the order of the names.
    case pooled([(pool: PoolName, report: HealthReport)])

    /// Writes the answer; with pools its keys are their names, behind one of its own (contract: "Health").
    func write(to body: inout ByteBuffer) {
        switch self {
        case .plain(let report): report.write(to: &body)
        case .pooled(let reports):
            body.writeStaticString(#"{"catalog_reachable":true"#)
            for (pool, report) in reports {
                body.writeStaticString(",")
                body.writeJSON(pool.text)
                body.writeStaticString(":")
                report.write(to: &body)
            }
            body.writeStaticString("}")
        }
    }
}

/// What the last health check found, for everyone who asks soon after it or while it runs.
actor HealthMemory {
    /// How long a finding is told again.
    private static let life = Duration.seconds(5)

    private var last: (document: HealthDocument, version: PoolVersion, at: ContinuousClock.Instant)?
    private var running: (task: Task<HealthDocument, Never>, version: PoolVersion)?

    /// - Parameter version: Of the pools: a finding about others is not told.
    func latest(
        of version: PoolVersion, _ check: @escaping @Sendable () async -> HealthDocument
    ) async -> HealthDocument {
        if let last = self.last, last.version == version, ContinuousClock.now - last.at < Self.life {
            return last.document
        }
        if let running = self.running, running.version == version { return await running.task.value }
        // A task of its own: a caller who goes away must not end the check for those who wait for it, too.
        let task = Task { await check() }
        self.running = (task, version)
        let document = await task.value
        if self.running?.task == task { self.running = nil }
        self.last = (document, version, .now)
        return document
    }
}
