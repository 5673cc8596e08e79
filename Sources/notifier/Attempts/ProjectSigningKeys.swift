package import Domain
package import Logging
import NIOConcurrencyHelpers
import NIOCore
import Runtime
package import Signing
package import Store

/// The keys that webhooks of projects are signed with, each looked up in the control store when an attempt needs them and again every few
/// seconds.
///
/// A lookup is waited for a moment at most. While that store does not answer nothing waits for it: what was read last goes on counting, and a
/// project of which nothing was has no keys until it answers.
package final class ProjectSigningKeys: Sendable {
    /// How long what was read counts before it is read again.
    package static let lifetime = Duration.seconds(5)
    /// How long it counts while it cannot be read.
    private static let outageLifetime = TimeAmount.hours(24)
    /// How far apart the lookups are in a store that does not answer.
    private static let outagePause = TimeAmount.seconds(1)
    /// How long attempts wait for a lookup.
    private static let timeout = Duration.milliseconds(250)
    /// Projects whose keys are kept; one at random makes way, and costs its next attempt a small read.
    private static let projectsMax = 4_096
    private static let lookupsMax = 1_024

    private typealias Lookup = SharedWork<WebhookSigningKeys?>

    private struct State {
        var known = ExpiringCache<ProjectID, WebhookSigningKeys>(
            entriesMax: ProjectSigningKeys.projectsMax, lifetime: ProjectSigningKeys.outageLifetime)
        /// Those under way.
        var lookups: [ProjectID: Lookup] = [:]
        /// When the store is asked again that did not answer; nil: it did.
        var lookAgainAt: NIODeadline?
    }

    private let store: SigningKeyStore
    private let masterKey: MasterKey
    private let state = NIOLockedValueBox(State())
    private let logger: Logger

    /// - Parameter store: Of the control store.
    package init(_ store: SigningKeyStore, masterKey: MasterKey, logger: Logger) {
        self.store = store
        self.masterKey = masterKey
        self.logger = logger
    }

    private enum Way {
        case known(WebhookSigningKeys)
        case wait(Lookup)
        /// Nothing waits for the lookup.
        case lookBeside(Lookup)
        case stay
    }

    /// The keys of a project, at most some seconds old while the store answers.
    ///
    /// - Returns: nil when the store does not say now, and never did.
    package func keys(of project: ProjectID) async -> WebhookSigningKeys? {
        let (way, kept) = self.way(to: project, at: .now())
        switch way {
        case .known(let keys): return keys
        case .wait(let lookup):
            let answer = await lookup.value(until: .now + Self.timeout) { await self.read(project) }
            if answer == nil { self.state.withLockedValue { $0.lookAgainAt = .now() + Self.outagePause } }
            return answer.flatMap { $0 } ?? kept
        case .lookBeside(let lookup):
            _ = await lookup.value(until: .now) { await self.read(project) }
            return kept
        case .stay: return kept
        }
    }

    private func way(to project: ProjectID, at now: NIODeadline) -> (Way, kept: WebhookSigningKeys?) {
        self.state.withLockedValue { state in
            let kept = state.known.kept(project, at: now)
            if let kept, kept.until - now > Self.outageLifetime - TimeAmount(Self.lifetime) {
                return (.known(kept.value), kept.value)
            }
            if let due = state.lookAgainAt {
                guard now >= due else { return (.stay, kept?.value) }
                state.lookAgainAt = now + Self.outagePause
            }
            let isAway = state.lookAgainAt != nil
            var lookup = state.lookups[project]
            if lookup == nil, state.lookups.count < Self.lookupsMax {
                lookup = Lookup()
                state.lookups[project] = lookup
            }
            guard let lookup else { return (.stay, kept?.value) }
            return (isAway ? .lookBeside(lookup) : .wait(lookup), kept?.value)
        }
    }

    /// Ends with the deadline of its command.
    ///
    /// - Returns: nil when the store does not say.
    private func read(_ project: ProjectID) async -> WebhookSigningKeys? {
        let asked = NIODeadline.now()
        do throws(StoreError) {
            let versions = try await self.store.versions(of: project)
            let before = self.state.withLockedValue { $0.known.kept(project, at: asked)?.value }
            // Keys are derived once for each rotation.
            let keys =
                before.flatMap { $0.versions == versions ? $0 : nil }
                ?? self.masterKey.signingKeys(project: project, versions: versions)
            self.state.withLockedValue { state in
                state.lookups[project] = nil
                state.lookAgainAt = nil
                state.known.put(keys, as: project, at: asked)
            }
            return keys
        } catch {
            self.logger.warning(
                "The signing keys of a project cannot be looked up now",
                metadata: [LogKey.projectID: "\(project)", LogKey.error: "\(error)"])
            self.state.withLockedValue { state in
                state.lookups[project] = nil
                // One record that cannot be read says nothing of the others.
                state.lookAgainAt = error.trouble == .corrupt ? nil : .now() + Self.outagePause
            }
            return nil
        }
    }
}
