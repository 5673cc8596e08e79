package import NIOCore

/// The tokens that this process has taken for the posts of one project, and spends without asking.
///
/// ```
/// bucket in the control store ── a tenth of a second's worth ──▶ share ── one a message ──▶ posts
/// ```
/// So a project that posts much asks some ten times a second, however many its posts are; one that may post less than ten messages a
/// second asks for each. Tokens that are not spent in a second lapse: a process that took them may have no more posts.
package struct PostShare: Sendable {
    package enum Decision: Sendable, Equatable {
        /// The post goes on.
        case spent
        /// It is refused, for so long.
        case refused(TimeAmount)
        /// The bucket is asked for what it needs, and for so many more.
        case ask(share: Int)
    }

    package static let lifetime = TimeAmount.seconds(1)

    private var tokens = 0
    private var lapseAt = NIODeadline.uptimeNanoseconds(0)
    private var isAsking = false
    /// Until then the bucket is not asked, since it did not answer.
    private var passesUntil = NIODeadline.uptimeNanoseconds(0)
    /// What the bucket refused last: so many at that rate, until then.
    private var refusal: (needed: Int, rate: Int, until: NIODeadline)?

    package init() {}

    /// A post of so many messages arrives.
    ///
    /// - Parameter rate: Messages a second, at least 1.
    package mutating func spend(_ count: Int, rate: Int, at now: NIODeadline) -> Decision {
        if now >= self.lapseAt { self.tokens = 0 }
        if count <= self.tokens {
            self.tokens -= count
            return .spent
        }
        if now < self.passesUntil { return .spent }
        // The bucket does not fill faster than it said, so who needs as much need not ask.
        if let refusal, refusal.rate == rate, min(count, rate) >= refusal.needed, now < refusal.until {
            return .refused(refusal.until - now)
        }
        // Of several that ask at once one asks for all of them.
        let share = self.isAsking ? 0 : rate / 10
        self.isAsking = true
        return .ask(share: share)
    }

    /// The bucket gave what a post needed, and so many more.
    package mutating func take(_ more: Int, at now: NIODeadline) {
        self.isAsking = false
        guard more > 0 else { return }
        self.tokens = (now < self.lapseAt ? self.tokens : 0) + more
        self.lapseAt = now + Self.lifetime
    }

    /// The bucket has too few for so long.
    package mutating func refuse(_ count: Int, rate: Int, for wait: TimeAmount, at now: NIODeadline) {
        self.isAsking = false
        self.refusal = (min(count, rate), rate, now + wait)
    }

    /// The bucket did not answer: for a second posts pass without it.
    package mutating func fail(at now: NIODeadline) {
        self.isAsking = false
        self.passesUntil = now + Self.lifetime
    }
}
