package import Domain
package import Logging
import Metrics
import NIOConcurrencyHelpers
import NIOCore
package import Runtime

/// A token that holds, and until when nothing else is heard of it: then Keystone is to be asked again.
package typealias KeptToken = ExpiringCache<[UInt8], ValidatedToken>.Kept

/// Says which tokens hold: from what Keystone said of them lately, or by asking it, once for all that wait.
///
/// | Keystone | a token it said something of lately | any other |
/// |---|---|---|
/// | answers | holds until its expiry, and no longer than it is kept | is asked about |
/// | does not | likewise | ``KeystoneTrouble``: it neither holds nor does not |
///
/// That a token does not hold is never kept.
package final class TokenValidator: Sendable {
    package struct Limits: Sendable {
        /// How long it counts that a token holds; zero: Keystone is asked each time.
        package var lifetime: Duration = .seconds(300)
        /// Tokens that are kept.
        package var entriesMax = 10_000
        /// Tokens that are asked about at once.
        package var validationsMax = 4096

        package init() {}
    }

    private struct Question: Hashable, Sendable {
        let digest: [UInt8]
        let allowsExpired: Bool
    }

    private typealias Answer = Result<KeptToken?, KeystoneTrouble>

    private let client: KeystoneClient
    private let clock: @Sendable () -> Timestamp
    private let cache: NIOLockedValueBox<ExpiringCache<[UInt8], ValidatedToken>>
    private let questions: SingleFlight<Question, Answer>
    private let lastTrouble = NIOLockedValueBox<KeystoneTrouble?>(nil)
    private let hits = Metric.keystoneCacheHits.counter()
    private let valid = Metric.keystoneValidationDuration.timer("valid")
    private let rejected = Metric.keystoneValidationDuration.timer("rejected")
    private let unavailable = Metric.keystoneValidationDuration.timer("unavailable")
    private let logger: Logger

    /// - Parameter clock: This machine's.
    package init(
        _ client: KeystoneClient, limits: Limits = Limits(), clock: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        self.client = client
        self.clock = clock
        self.cache = NIOLockedValueBox(
            ExpiringCache(entriesMax: limits.entriesMax, lifetime: TimeAmount(limits.lifetime)))
        self.questions = SingleFlight(runningMax: limits.validationsMax)
        self.logger = logger
    }

    /// Why Keystone said nothing when it was asked last; nil: it did.
    package var trouble: KeystoneTrouble? { self.lastTrouble.withLockedValue { $0 } }

    /// - Parameter allowsExpired: Whether a token holds that has expired a while ago, as Keystone is configured.
    /// - Returns: nil for a token that does not hold.
    package func validated(
        _ token: KeystoneToken, allowsExpired: Bool = false
    ) async throws(KeystoneTrouble) -> KeptToken? {
        let digest = token.digest
        if let kept = self.kept(digest) {
            self.hits.increment()
            return self.judged(kept, allowsExpired)
        }
        let answer = await self.questions.run(Question(digest: digest, allowsExpired: allowsExpired)) {
            // Another question about it may have been answered just now.
            if let kept = self.kept(digest) { return .success(kept) }
            return await self.ask(token, digest, allowsExpired)
        }
        guard let answer else { throw .overloaded }
        return self.judged(try answer.get(), allowsExpired)
    }

    private func kept(_ digest: [UInt8]) -> KeptToken? {
        self.cache.withLockedValue { $0.kept(digest, at: .now()) }
    }

    /// Looks at the expiry, at each use.
    private func judged(_ kept: KeptToken?, _ allowsExpired: Bool) -> KeptToken? {
        guard let kept, allowsExpired || self.clock() < kept.value.expiry else { return nil }
        return kept
    }

    private func ask(_ token: KeystoneToken, _ digest: [UInt8], _ allowsExpired: Bool) async -> Answer {
        let start = NIODeadline.now()
        do throws(KeystoneTrouble) {
            let validated = try await self.client.validate(token, allowsExpired: allowsExpired)
            (validated == nil ? self.rejected : self.valid).recordNanoseconds((NIODeadline.now() - start).nanoseconds)
            self.lastTrouble.withLockedValue { $0 = nil }
            return .success(
                validated.map { validated in
                    self.cache.withLockedValue { $0.put(validated, as: digest, at: start) }
                })
        } catch {
            self.unavailable.recordNanoseconds((NIODeadline.now() - start).nanoseconds)
            self.lastTrouble.withLockedValue { $0 = error }
            self.logger.warning(
                "Keystone says nothing about a token",
                metadata: [LogKey.reason: "\(error.word)", LogKey.error: "\(error)"])
            return .failure(error)
        }
    }
}
