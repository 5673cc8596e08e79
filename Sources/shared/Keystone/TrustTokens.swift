package import Domain
import NIOConcurrencyHelpers
import NIOCore
import Runtime

/// Tokens of the users who gave trusts: kept until shortly before their end, one request to Keystone for all that wait for one.
///
/// What a trust or its endpoint can have Keystone asked is bounded: once a minute about a trust that is over, and once a minute for a
/// token in the place of one that the endpoint refused.
package final class TrustTokens: Sendable {
    /// What is known of a trust.
    package enum Answer: Sendable, Equatable {
        case token(KeystoneToken)
        /// It gives no tokens any more.
        ///
        /// - Parameter isNews: Whether Keystone has just said so. A subscription that has another trust since may not be known yet.
        case over(isNews: Bool)
    }

    /// A token with less left is not used any more, unless it never had twice as much.
    private static let marginMilliseconds: Int64 = 60_000
    /// Trusts of which something is kept.
    private static let entriesMax = 10_000
    /// Trusts that tokens are asked for at once.
    private static let requestsMax = 4096
    /// Tokens live an hour by default; one is asked for again sooner rather than kept for days.
    private static let lifetime = TimeAmount.hours(1)
    /// For how long Keystone is not asked again about what it, or an endpoint, has refused.
    private static let quietMilliseconds: Int64 = 60_000

    private struct Kept: Sendable {
        /// nil: the trust is over.
        let token: KeystoneToken?
        let usableUntil: Timestamp
        /// Until then it is not replaced, also when an endpoint refuses it.
        let staysUntil: Timestamp
    }

    private typealias Reply = Result<Answer, KeystoneTrouble>

    private let client: KeystoneClient
    private let clock: @Sendable () -> Timestamp
    private let cache = NIOLockedValueBox(
        ExpiringCache<TrustID, Kept>(entriesMax: TrustTokens.entriesMax, lifetime: TrustTokens.lifetime))
    private let requests = SingleFlight<TrustID, Reply>(runningMax: TrustTokens.requestsMax)

    /// - Parameter clock: This machine's.
    package init(_ client: KeystoneClient, clock: @escaping @Sendable () -> Timestamp) {
        self.client = client
        self.clock = clock
    }

    /// The token to call an endpoint with.
    ///
    /// - Parameters:
    ///   - refused: One that the endpoint refused; nil: none was. It is the answer where another was asked for lately.
    ///   - owner: Requests of one owner do not delay those of another.
    package func token(
        by trust: TrustID, replacing refused: KeystoneToken? = nil, owner: String
    ) async throws(KeystoneTrouble) -> Answer {
        if let answer = self.kept(trust, replacing: refused) { return answer }
        let reply = await self.requests.run(trust) { () -> Reply in
            // Another request for it may have been answered just now.
            if let answer = self.kept(trust, replacing: refused) { return .success(answer) }
            do throws(KeystoneTrouble) {
                let made = try await self.client.token(by: trust, owner: owner)
                self.keep(made, of: trust, isReplacement: refused != nil)
                return .success(made.map { .token($0.token) } ?? .over(isNews: true))
            } catch {
                return .failure(error)
            }
        }
        guard let reply else { throw .overloaded }
        return try reply.get()
    }

    private func kept(_ trust: TrustID, replacing refused: KeystoneToken?) -> Answer? {
        let now = self.clock()
        return self.cache.withLockedValue { cache in
            guard let kept = cache.kept(trust, at: .now())?.value else { return nil }
            guard now < kept.usableUntil, kept.token != refused || now < kept.staysUntil else {
                cache.remove(trust)
                return nil
            }
            return kept.token.map { .token($0) } ?? .over(isNews: false)
        }
    }

    /// - Parameter made: nil: the trust is over.
    private func keep(_ made: TrustToken?, of trust: TrustID, isReplacement: Bool) {
        let now = self.clock()
        let quiet = now.adding(milliseconds: Self.quietMilliseconds)
        var usableUntil = quiet
        if let made {
            let life = max(0, made.expiry.milliseconds(since: now))
            usableUntil = now.adding(milliseconds: max(life - Self.marginMilliseconds, life / 2))
        }
        let kept = Kept(
            token: made?.token, usableUntil: usableUntil, staysUntil: isReplacement || made == nil ? quiet : now)
        self.cache.withLockedValue { _ = $0.put(kept, as: trust, at: .now()) }
    }
}
