import Domain
import NIOConcurrencyHelpers
import NIOCore
import Placement
import Runtime
import Store

/// What projects with limits have, each summed over all shards at most once a second.
final class ProjectUsage: Sendable {
    /// Projects in the cache; one at random makes way, and costs its next request a sum.
    private static let projectsMax = 10_000
    /// How long one stays that nothing is asked of.
    private static let lifetime = TimeAmount.minutes(1)
    private static let sumsMax = 256

    private let stores: PoolDirectory
    private let tallies = NIOLockedValueBox(
        ExpiringCache<ProjectID, UsageTally>(entriesMax: ProjectUsage.projectsMax, lifetime: ProjectUsage.lifetime))
    private let sums = SingleFlight<ProjectID, Void>(runningMax: ProjectUsage.sumsMax)

    init(of stores: PoolDirectory) {
        self.stores = stores
    }

    /// Lets in messages that take so many bytes.
    ///
    /// - Parameter max: Bytes that the project may have; 0: however many.
    /// - Throws: ``Refusal/limitReached(_:max:)`` when it would have more.
    func admit(bytes: Int, to project: ProjectID, max: Int) async throws(Refusal) {
        guard max > 0 else { return }
        await self.refresh(project)
        let isAdmitted = self.change(project) { tally in
            guard tally.usage.bytes + bytes <= max else { return false }
            tally.add(StoredUsage(bytes: bytes))
            return true
        }
        guard isAdmitted else { throw .limitReached(.bytes, max: max) }
    }

    /// Messages that were let in are not stored.
    func release(bytes: Int, of project: ProjectID, max: Int) {
        guard max > 0 else { return }
        self.change(project) { $0.release(StoredUsage(bytes: bytes)) }
    }

    /// Whether a project has as many subscriptions as it may.
    ///
    /// - Parameter max: 0: however many.
    func hasAllSubscriptions(_ project: ProjectID, max: Int) async -> Bool {
        guard max > 0 else { return false }
        await self.refresh(project)
        return self.change(project) { $0.usage.subscriptions >= max }
    }

    /// A subscription was made.
    func addSubscription(to project: ProjectID, max: Int) {
        guard max > 0 else { return }
        self.change(project) { $0.add(StoredUsage(subscriptions: 1)) }
    }

    /// What a project has; nil when some pool has never said.
    func use(of project: ProjectID) async -> StoredUsage? {
        await self.refresh(project)
        return self.change(project) { $0.isWhole ? $0.usage : nil }
    }

    /// Sums up what the shards say, unless that was done lately.
    ///
    /// Only the first sum is waited for: a pool that does not answer holds up no request of those that follow. With too many sums under
    /// way what is known counts.
    private func refresh(_ project: ProjectID) async {
        switch self.change(project, { $0.step(at: .now()) }) {
        case .known: return
        case .sum: Task { await self.sum(project) }  // Not in a group: no request waits for it.
        case .wait: await self.sum(project)
        }
    }

    private func sum(_ project: ProjectID) async {
        await self.sums.run(project) {
            self.change(project) { $0.ask() }
            let pools = await self.stores.usage(of: project)
            self.change(project) { $0.read(pools, at: .now()) }
        }
    }

    @discardableResult
    private func change<Result>(_ project: ProjectID, _ body: (inout UsageTally) -> Result) -> Result {
        let now = NIODeadline.now()
        return self.tallies.withLockedValue { tallies in
            var tally = tallies.kept(project, at: now)?.value ?? UsageTally()
            let result = body(&tally)
            tallies.put(tally, as: project, at: now)
            return result
        }
    }
}
