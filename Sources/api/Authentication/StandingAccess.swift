import Domain
import NIOConcurrencyHelpers
import NIOCore
import Policy
import Signing

/// The right of a caller to something that takes longer than a moment: a body, a wait, a stream.
///
/// It is held against the identity and the policy again before more is done or given.
///
/// For one task.
final class StandingAccess: Sendable {
    private let caller: Caller
    private let rule: PolicyRule
    private let queue: QueueName?
    private let control: AccessControl
    private let standing: NIOLockedValueBox<StandingIdentity>

    /// - Parameters:
    ///   - caller: Admitted a moment ago.
    ///   - queue: What it is about; nil: no queue.
    init(_ caller: Caller, to rule: PolicyRule, on queue: QueueName?, _ control: AccessControl) {
        self.caller = caller
        self.rule = rule
        self.queue = queue
        self.control = control
        self.standing = NIOLockedValueBox(StandingIdentity(caller.identity))
    }

    /// Asks again who the caller is, where that is due, and what it may do.
    ///
    /// - Throws: ``AccessEnded``.
    func hold() async throws(AccessEnded) {
        try await self.holdIdentity()
        let caller = self.caller.with(self.standing.withLockedValue { $0.identity })
        guard caller.isAdmitted(by: self.control.policy.current, to: self.rule, on: self.queue) else {
            throw .notAuthorized
        }
    }

    /// Asks again who the caller is, where that is due.
    ///
    /// - Throws: ``AccessEnded/identity(_:)``.
    func holdIdentity() async throws(AccessEnded) {
        let now = Timestamp.ofThisMachine()
        let standing = self.standing.withLockedValue { $0 }
        guard standing.isDue(at: .now(), now) else { return }
        // An expiry has no second look.
        guard standing.identity.proof != nil else { throw .identity(.signatureRefused(.expired)) }
        let result = await self.control.authenticator.checked(standing.identity, at: now)
        let holds = self.standing.withLockedValue { $0.checked(result, at: .now()) && !$0.hasExpired(at: now) }
        if holds { return }
        // One that has been established again and has expired at once is refused by the next look.
        guard case .failure(let error) = result else { throw .identity(.unavailable(retryAfter: 1)) }
        throw .identity(error)
    }

    /// How many seconds it is until the next look, at least one and at most so many.
    func secondsLeft(atMost most: Int) -> Int {
        let standing = self.standing.withLockedValue { $0 }
        var seconds = most
        if let expiry = standing.identity.expiry {
            seconds = min(seconds, expiry.wholeSeconds(since: .ofThisMachine()))
        }
        if let checkAt = standing.checkAt {
            seconds = min(seconds, Int(clamping: (checkAt - .now()).nanoseconds / 1_000_000_000))
        }
        return max(1, seconds)
    }
}

/// Says who callers are, and what they may do.
///
/// A class, so that handing it on copies one reference.
final class AccessControl: Sendable {
    let authenticator: any Authenticator
    let policy: PolicyHolder

    init(_ authenticator: any Authenticator, _ policy: PolicyHolder) {
        self.authenticator = authenticator
        self.policy = policy
    }
}

/// Why a caller may not go on with what it has begun.
enum AccessEnded: Error {
    case identity(AuthenticationError)
    /// The policy, or what its identity is for, has changed.
    case notAuthorized
}
