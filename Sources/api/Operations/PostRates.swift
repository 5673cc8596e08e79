import Domain
import Logging
import NIOConcurrencyHelpers
import NIOCore
import Runtime
import Store

/// How fast projects with such a limit post, over all processes.
final class PostRates: Sendable {
    /// Projects in the cache; one at random makes way, and its next post asks the bucket.
    private static let projectsMax = 10_000
    private static let lifetime = TimeAmount.minutes(1)

    private let store: PostTokenStore
    private let logger: Logger
    private let shares = NIOLockedValueBox(
        ExpiringCache<ProjectID, PostShare>(entriesMax: PostRates.projectsMax, lifetime: PostRates.lifetime))

    /// - Parameter store: Of the control store.
    init(_ store: PostTokenStore, logger: Logger) {
        self.store = store
        self.logger = logger
    }

    /// Lets a post pass, as a whole or not at all.
    ///
    /// While the control store does not answer it passes: otherwise an outage of it would be one of all pools.
    ///
    /// - Parameter rate: Messages a second; 0: however many.
    /// - Throws: ``LimitExceeded``.
    func admit(_ count: Int, to project: ProjectID, rate: Int) async throws(LimitExceeded) {
        guard rate > 0 else { return }
        switch self.change(project, { $0.spend(count, rate: rate, at: $1) }) {
        case .spent: return
        case .refused(let wait): throw Self.exceeded(rate, wait)
        case .ask(let share):
            guard let wait = await self.ask(count, and: share, of: project, rate: rate) else { return }
            throw Self.exceeded(rate, wait)
        }
    }

    /// - Returns: For how long the post is refused; nil: it passes.
    private func ask(_ count: Int, and share: Int, of project: ProjectID, rate: Int) async -> TimeAmount? {
        do throws(StoreError) {
            switch try await self.store.take(count, and: share, of: project, rate: rate) {
            case .taken(let taken):
                self.change(project) { $0.take(taken - count, at: $1) }
                return nil
            case .short(let wait):
                self.change(project) { $0.refuse(count, rate: rate, for: TimeAmount(wait), at: $1) }
                return TimeAmount(wait)
            }
        } catch {
            self.logger.debug("The rate of posts is not known now", metadata: [LogKey.error: "\(error)"])
            self.change(project) { $0.fail(at: $1) }
            return nil
        }
    }

    private static func exceeded(_ rate: Int, _ wait: TimeAmount) -> LimitExceeded {
        let second = TimeAmount.seconds(1).nanoseconds
        return LimitExceeded(
            limit: .posts, max: rate, retryAfter: Swift.max(1, Int((wait.nanoseconds + second - 1) / second)))
    }

    @discardableResult
    private func change<Result>(
        _ project: ProjectID, _ body: (inout PostShare, NIODeadline) -> Result
    ) -> Result {
        let now = NIODeadline.now()
        return self.shares.withLockedValue { shares in
            var share = shares.kept(project, at: now)?.value ?? PostShare()
            let result = body(&share, now)
            shares.put(share, as: project, at: now)
            return result
        }
    }
}
