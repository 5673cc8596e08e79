package import Domain
package import Logging
import NIOConcurrencyHelpers
import NIOCore
import Runtime
package import Store

/// The limits of projects, each read from the control store when a request needs them and again every few seconds.
///
/// While that store does not answer nothing waits for it: what was read last goes on counting, and for a project of which nothing was the
/// limits of the deployment do.
package final class ProjectLimitDirectory: Sendable {
    /// How long what was read counts before it is read again.
    package static let lifetime = Duration.seconds(3)
    /// How long it counts while it cannot be read.
    private static let outageLifetime = TimeAmount.minutes(10)
    /// How far apart the reads are of a store that does not answer.
    private static let outagePause = TimeAmount.seconds(1)
    /// Projects in the cache; one at random makes way, and costs its next request a small read.
    private static let projectsMax = 10_000
    private static let lookupsMax = 1_024

    private let store: ProjectLimitStore
    /// Lists projects that are from before projects were listed.
    private let index: ProjectIndex
    /// What holds for a project that has none of its own.
    package let defaults: ProjectLimits
    private let known: NIOLockedValueBox<ExpiringCache<ProjectID, OwnLimits>>
    /// When the store is read again that did not answer; nil: it did.
    private let lookAgainAt = NIOLockedValueBox<NIODeadline?>(nil)
    private let lookups = SingleFlight<ProjectID, Result<OwnLimits, StoreError>>(
        runningMax: ProjectLimitDirectory.lookupsMax)
    private let logger: Logger

    /// - Parameters:
    ///   - store: Of the control store, as is `index`.
    ///   - defaults: What holds for a project that has none of its own.
    package init(_ store: ProjectLimitStore, _ index: ProjectIndex, defaults: ProjectLimits, logger: Logger) {
        self.store = store
        self.index = index
        self.defaults = defaults
        self.known = NIOLockedValueBox(
            ExpiringCache(entriesMax: Self.projectsMax, lifetime: Self.outageLifetime))
        self.logger = logger
    }

    /// The limits of a project, at most some seconds old while the store answers.
    ///
    /// - Throws: Only for a record that cannot be read: a newer version may have written it, and none of its limits is left out.
    package func limits(of project: ProjectID) async throws(StoreError) -> ProjectLimits {
        let now = NIODeadline.now()
        let kept = self.known.withLockedValue { $0.kept(project, at: now) }
        if let kept, kept.until - now > Self.outageLifetime - TimeAmount(Self.lifetime) {
            return self.defaults.replaced(by: kept.value)
        }
        switch self.way(at: now) {
        case .wait: return self.defaults.replaced(by: try await self.lookUp(project) ?? kept?.value ?? .none)
        case .lookBeside:
            // Not in a group: the request does not wait for it. What it throws is thrown again once the store answers.
            Task { try? await self.lookUp(project) }
        case .stay: break
        }
        return self.defaults.replaced(by: kept?.value ?? .none)
    }

    private enum Way { case wait, lookBeside, stay }

    private func way(at now: NIODeadline) -> Way {
        self.lookAgainAt.withLockedValue { lookAgainAt in
            guard let due = lookAgainAt else { return .wait }
            guard now >= due else { return .stay }
            lookAgainAt = now + Self.outagePause
            return .lookBeside
        }
    }

    /// nil when the store does not say.
    @discardableResult
    private func lookUp(_ project: ProjectID) async throws(StoreError) -> OwnLimits? {
        let answer = await self.lookups.run(project) { () -> Result<OwnLimits, StoreError> in
            do throws(StoreError) {
                let asked = NIODeadline.now()
                let own = try await self.store.get(project)
                let isNew = self.known.withLockedValue { known in
                    let isNew = known.kept(project, at: asked) == nil
                    known.put(own, as: project, at: asked)
                    return isNew
                }
                if isNew { await self.list(project) }
                self.lookAgainAt.withLockedValue { $0 = nil }
                return .success(own)
            } catch {
                self.logger.debug("The limits of a project cannot be read now", metadata: [LogKey.error: "\(error)"])
                // One record that cannot be read says nothing of the others.
                self.lookAgainAt.withLockedValue { $0 = error.trouble == .corrupt ? nil : .now() + Self.outagePause }
                return .failure(error)
            }
        }
        switch answer {
        case .success(let own): return own
        case .failure(let error) where error.trouble == .corrupt: throw error
        case .failure, nil: return nil
        }
    }

    /// Has a project among those that administrators list, once a process meets it: its queues may be older than that list.
    private func list(_ project: ProjectID) async {
        do throws(StoreError) { try await self.index.note(project) } catch {
            // The next process that meets it, or its next queue, does so.
            self.logger.debug("A project cannot be listed now", metadata: [LogKey.error: "\(error)"])
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
