package import Domain
import NIOConcurrencyHelpers
import NIOCore
import Runtime

/// Tokens of the users who gave trusts: kept until shortly before their end, one request to Keystone for all that wait for one.
package final class TrustTokens: Sendable {
    /// A token with less left is not used any more, unless it never had twice as much.
    private static let marginMilliseconds: Int64 = 60_000
    /// Trusts whose tokens are kept.
    private static let entriesMax = 10_000
    /// Trusts that tokens are asked for at once.
    private static let requestsMax = 4096
    /// Tokens live an hour by default; one is asked for again sooner rather than kept for days.
    private static let lifetime = TimeAmount.hours(1)

    private struct Kept: Sendable {
        let token: KeystoneToken
        let usableUntil: Timestamp
    }

    private typealias Answer = Result<KeystoneToken?, KeystoneTrouble>

    private let client: KeystoneClient
    private let clock: @Sendable () -> Timestamp
    private let cache = NIOLockedValueBox(
        ExpiringCache<TrustID, Kept>(entriesMax: TrustTokens.entriesMax, lifetime: TrustTokens.lifetime))
    private let requests = SingleFlight<TrustID, Answer>(runningMax: TrustTokens.requestsMax)

    /// - Parameter clock: This machine's.
    package init(_ client: KeystoneClient, clock: @escaping @Sendable () -> Timestamp) {
        self.client = client
        self.clock = clock
    }

    /// The token to call an endpoint with.
    ///
    /// - Parameters:
    ///   - refused: One that the endpoint refused; nil: none was.
    ///   - owner: Requests of one owner do not delay those of another.
    /// - Returns: nil: the trust is over.
    package func token(
        by trust: TrustID, replacing refused: KeystoneToken? = nil, owner: String
    ) async throws(KeystoneTrouble) -> KeystoneToken? {
        if let token = self.kept(trust, replacing: refused) { return token }
        let answer = await self.requests.run(trust) { () -> Answer in
            // Another request for it may have been answered just now.
            if let token = self.kept(trust, replacing: refused) { return .success(token) }
            do throws(KeystoneTrouble) {
                guard let made = try await self.client.token(by: trust, owner: owner) else { return .success(nil) }
                self.keep(made, of: trust)
                return .success(made.token)
            } catch {
                return .failure(error)
            }
        }
        guard let answer else { throw .overloaded }
        return try answer.get()
    }

    private func kept(_ trust: TrustID, replacing refused: KeystoneToken?) -> KeystoneToken? {
        let now = self.clock()
        return self.cache.withLockedValue { cache in
            guard let kept = cache.kept(trust, at: .now())?.value else { return nil }
            guard kept.token != refused, now < kept.usableUntil else {
                cache.remove(trust)
                return nil
            }
            return kept.token
        }
    }

    private func keep(_ made: TrustToken, of trust: TrustID) {
        let now = self.clock()
        let life = max(0, made.expiry.milliseconds(since: now))
        let kept = Kept(
            token: made.token, usableUntil: now.adding(milliseconds: max(life - Self.marginMilliseconds, life / 2)))
        self.cache.withLockedValue { _ = $0.put(kept, as: trust, at: .now()) }
    }
}
