package import Domain
import Foundation
package import Logging
import NIOCore
import Placement
import Runtime
import Store

extension Operations {
    private static let healthMessages = 100

    /// Takes a queue of a project of its own through its whole life: in every pool at once, or in the default store while
    /// there are none.
    ///
    /// A check writes, so the last result is answered again for a while; whether the control store is there is
    /// asked every time.
    ///
    /// - Throws: `StoreError` when the control store cannot be reached at all; what fails later is in the report.
    package func checkHealth(by client: ClientID) async throws -> ServiceHealth {
        try await self.ping()
        // A pool that was registered elsewhere a moment ago is in the answer.
        try await self.stores.refresh()
        return await self.health.latest(of: self.stores.snapshot.version) { await self.checkedHealth(by: client) }
    }

    private func checkedHealth(by client: ClientID) async -> ServiceHealth {
        let pools = self.stores.snapshot.pools.map(\.name)
        guard !pools.isEmpty else { return .store(await self.health(of: nil, by: client)) }
        let reports = await withTaskGroup(of: (PoolName, HealthReport).self) { group in
            for pool in pools {
                group.addTask { (pool, await self.health(of: pool, by: client)) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        return .pools(reports.sorted { $0.0 < $1.0 }.map { (pool: $0.0, report: $0.1) })
    }

    private func health(of pool: PoolName?, by client: ClientID) async -> HealthReport {
        do {
            let store = try await self.stores.unregistered(pool)
            try await store.ping()
            return try await self.health(of: store, by: client)
        } catch {
            self.logger.error(
                "The health check did not reach a pool",
                metadata: ["pool": "\(pool?.text ?? "the default store")", LogKey.error: "\(error)"])
            return HealthReport(isReachable: false, steps: [])
        }
    }

    private func health(of store: Store, by client: ClientID) async throws -> HealthReport {
        let queue = QueueAddress(
            project: try ProjectID("herald-health-\(UUID().uuidString)"), name: try QueueName("health"))
        let run = HealthRun(store: store, queue: queue, client: client)
        return await HealthReport.of(
            [
                ("create_queue", run.create), ("post_messages", { try await run.post(Self.healthMessages) }),
                ("claim_messages", run.claim), ("list_messages", run.list), ("delete_messages", run.deleteClaimed),
                ("delete_claim", run.release), ("bulk_delete_messages", run.deleteRest),
            ], finally: ("delete_queue", run.deleteQueue), logger: self.logger)
    }
}

/// The steps of one check, and what each leaves for the next.
private actor HealthRun {
    private static let ttl = 60
    private static let claimed = 10

    private let store: Store
    private let queue: QueueAddress
    private let client: ClientID
    private var posted: [MessageID] = []
    private var claim: NewClaim?

    private struct Unexpected: Error {
        let what: String
    }

    init(store: Store, queue: QueueAddress, client: ClientID) {
        self.store = store
        self.queue = queue
        self.client = client
    }

    func create() async throws {
        _ = try await self.store.queues.create(
            self.queue, metadata: Array("{}".utf8), attributes: QueueAttributes())
    }

    func post(_ count: Int) async throws {
        let draft = MessageDraft(ttl: Self.ttl, body: ByteBuffer(string: #"{"herald":"health"}"#))
        self.posted = try await self.store.messages.post(
            Array(repeating: draft, count: count), to: self.queue, by: self.client, requestBytes: 0,
            defaults: PostDefaults(ttl: Self.ttl))
    }

    func claim() async throws {
        self.claim = try await self.store.claims.create(
            self.queue, limit: Self.claimed, ttl: Self.ttl, grace: Self.ttl)
        try self.expect(self.claim?.messages.count == Self.claimed, "a claim took another number of messages")
    }

    func list() async throws {
        let page = try await self.store.messages.list(
            self.queue, after: nil, limit: Self.claimed, hiding: nil, includeDelayed: false, includeClaimed: false)
        let expected = self.posted.dropFirst(Self.claimed).prefix(Self.claimed)
        try self.expect(page.map(\.id) == Array(expected), "a list showed other messages")
    }

    func deleteClaimed() async throws {
        for message in self.claim?.messages ?? [] {
            let outcome = try await self.store.messages.delete(self.queue, id: message.id, claim: self.claim?.id.text)
            try self.expect(outcome == .deleted, "a claimed message could not be deleted: \(outcome)")
        }
    }

    func release() async throws {
        guard let claim = self.claim else { throw Unexpected(what: "there is no claim to release") }
        try await self.store.claims.release(self.queue, id: claim.id)
    }

    func deleteRest() async throws {
        try await self.store.messages.delete(self.queue, ids: Array(self.posted.dropFirst(Self.claimed)))
    }

    func deleteQueue() async throws {
        try await self.store.queues.delete(self.queue)
    }

    private func expect(_ isTrue: Bool, _ what: String) throws {
        if !isTrue { throw Unexpected(what: what) }
    }
}

extension HealthReport {
    package typealias Work = @Sendable () async throws -> Void

    /// After this no further step is begun, so that a store that hangs is hung on once, and again for the last step.
    ///
    /// Longer than the five seconds of every other answer: a slow store is not a broken one, and a check that gives up on
    /// it says so. Whether the store is there at all was asked before.
    private static let timeMax = Duration.seconds(10)

    /// Takes the steps one after the other, also behind one that failed, and the last one always: it cleans up.
    package static func of(
        _ steps: [(name: String, work: Work)], finally last: (name: String, work: Work), logger: Logger
    ) async -> HealthReport {
        let started = ContinuousClock.now
        var done: [Step] = []
        for step in steps {
            let isLate = ContinuousClock.now - started > Self.timeMax
            done.append(
                await Self.take(step.name, logger) { if isLate { throw Late() } else { try await step.work() } })
        }
        done.append(await Self.take(last.name, logger, last.work))
        return HealthReport(isReachable: true, steps: done)
    }

    private struct Late: Error {}

    private static func take(_ name: String, _ logger: Logger, _ work: Work) async -> Step {
        let started = ContinuousClock.now
        var reference: String?
        do {
            try await work()
        } catch {
            let fresh = UUID().uuidString.lowercased()
            reference = fresh
            logger.error(
                "A step of the health check failed",
                metadata: ["health.step": "\(name)", "health.ref": "\(fresh)", LogKey.error: "\(error)"])
        }
        let elapsed = (ContinuousClock.now - started).components
        return Step(
            name: name, seconds: Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18, reference: reference)
    }
}

/// The result of the last health check, for requests soon after it or while it runs.
actor HealthMemory {
    /// How long a result is answered again.
    private static let life = Duration.seconds(5)

    private var last: (health: ServiceHealth, version: PoolVersion, at: ContinuousClock.Instant)?
    private var running: (task: Task<ServiceHealth, Never>, version: PoolVersion)?

    /// - Parameter version: Of the pools: a result about other pools is not used.
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
