package import Domain
package import Logging
import NIOConcurrencyHelpers
import NIOCore
import Runtime
package import Store

/// The limits of projects, each read from the control store when a request needs them and again every few seconds.
///
/// While that store does not answer, what was read last goes on counting: an outage neither opens nor closes a project.
package final class ProjectLimitDirectory: Sendable {
    /// How long what was read counts before it is read again.
    package static let lifetime = Duration.seconds(3)
    /// How long it counts while it cannot be read.
    private static let outage = TimeAmount.minutes(10)
    /// Projects in the cache; one at random makes way, and costs its next request a small read.
    private static let projectsMax = 10_000
    private static let lookupsMax = 1_024

    private let store: ProjectLimitStore
    /// What holds for a project that has none of its own.
    package let defaults: ProjectLimits
    private let known: NIOLockedValueBox<ExpiringCache<ProjectID, OwnLimits>>
    private let lookups = SingleFlight<ProjectID, Result<OwnLimits, StoreError>>(
        runningMax: ProjectLimitDirectory.lookupsMax)
    private let logger: Logger

    /// - Parameter store: Of the control store.
    package init(_ store: ProjectLimitStore, defaults: ProjectLimits, logger: Logger) {
        self.store = store
        self.defaults = defaults
        self.known = NIOLockedValueBox(
            ExpiringCache(entriesMax: Self.projectsMax, lifetime: Self.outage))
        self.logger = logger
    }

    /// The limits of a project, at most some seconds old.
    ///
    /// - Throws: When nothing is known of it and the store does not say.
    package func limits(of project: ProjectID) async throws(StoreError) -> ProjectLimits {
        let now = NIODeadline.now()
        let kept = self.known.withLockedValue { $0.kept(project, at: now) }
        if let kept, kept.until - now > Self.outage - TimeAmount(Self.lifetime) {
            return self.defaults.replaced(by: kept.value)
        }
        let answer = await self.lookups.run(project) {
            do throws(StoreError) {
                let asked = NIODeadline.now()
                let own = try await self.store.get(project)
                self.known.withLockedValue { _ = $0.put(own, as: project, at: asked) }
                return .success(own)
            } catch {
                return .failure(error)
            }
        }
        switch answer {
        case .success(let own): return self.defaults.replaced(by: own)
        case .failure(let error):
            guard let kept else { throw error }
            self.logger.debug("The limits of a project cannot be read now", metadata: [LogKey.error: "\(error)"])
            return self.defaults.replaced(by: kept.value)
        case nil:
            guard let kept else { throw .overloaded }
            return self.defaults.replaced(by: kept.value)
        }
    }

    /// What a project has of its own, as the store says now.
    package func own(_ project: ProjectID) async throws(StoreError) -> OwnLimits {
        try await self.store.get(project)
    }

    /// Gives a project limits of its own in place of those it has.
    package func put(_ own: OwnLimits, for project: ProjectID) async throws(StoreError) {
        try await self.store.put(own, for: project)
        self.known.withLockedValue { $0.remove(project) }
    }
}
