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

    /// Sums up what the shards say, unless that was done lately.
    ///
    /// With too many sums under way what is known counts.
    private func refresh(_ project: ProjectID) async {
        guard self.change(project, { $0.isStale(at: .now()) }) else { return }
        await self.sums.run(project) {
            let asked = NIODeadline.now()
            self.change(project) { $0.ask() }
            let (usage, isWhole) = await self.stores.usage(of: project)
            self.change(project) { $0.read(usage, isWhole: isWhole, asked: asked) }
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
