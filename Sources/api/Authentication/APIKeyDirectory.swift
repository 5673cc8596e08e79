import Domain
package import Logging
import NIOConcurrencyHelpers
import NIOCore
import Runtime
package import Store

/// The API keys, each read from the control store when it is sent and again every few seconds: one that is revoked ends in that time.
///
/// An id that no key has is asked about each time, once for all that wait, and only so many at once.
package final class APIKeyDirectory: Sendable {
    /// How long what was read counts.
    package static let lifetime = Duration.seconds(3)
    private static let keysMax = 10_000
    private static let lookupsMax = 256
    private static let freshMax = TimeAmount.milliseconds(200)
    /// How far back the last use that is written down lies behind.
    private static let useInterval = Duration.seconds(600)

    private let store: APIKeyStore
    private let keys: NIOLockedValueBox<ExpiringCache<APIKeyID, APIKeyStore.Kept>>
    private let lookups = SingleFlight<APIKeyID, Result<Found?, StoreError>>(
        runningMax: APIKeyDirectory.lookupsMax)
    /// Of keys that were used lately: ids that no key has stand in the way of none of them.
    private let renewals = SingleFlight<APIKeyID, Result<Found?, StoreError>>(runningMax: APIKeyDirectory.keysMax)
    /// When the use of a key was written down last.
    private let uses: NIOLockedValueBox<ExpiringCache<APIKeyID, Bool>>
    private let logger: Logger

    /// - Parameter store: Of the control store.
    package init(_ store: APIKeyStore, logger: Logger) {
        self.store = store
        self.keys = NIOLockedValueBox(
            ExpiringCache(entriesMax: Self.keysMax, lifetime: TimeAmount(Self.lifetime)))
        self.uses = NIOLockedValueBox(
            ExpiringCache(entriesMax: Self.keysMax, lifetime: TimeAmount(Self.useInterval)))
        self.logger = logger
    }

    typealias Found = ExpiringCache<APIKeyID, APIKeyStore.Kept>.Kept

    /// - Parameter isFresh: What was read no longer than a moment ago counts, and nothing older.
    /// - Returns: nil for an id that no key has.
    /// - Throws: `StoreError`, with `overloaded` when too many are asked about.
    func find(_ id: APIKeyID, at now: Timestamp, isFresh: Bool) async throws(StoreError) -> Found? {
        if let found = self.keys.withLockedValue({ $0.kept(id, at: .now()) }),
            !isFresh || found.until - .now() > TimeAmount(Self.lifetime) - Self.freshMax
        {
            return found
        }
        let isUsed = self.uses.withLockedValue { $0.kept(id, at: .now()) } != nil
        let answer = await (isUsed ? self.renewals : self.lookups).run(id) {
            do throws(StoreError) {
                let asked = NIODeadline.now()
                guard let kept = try await self.store.find(id, at: now) else {
                    self.keys.withLockedValue { $0.remove(id) }
                    return .success(nil)
                }
                return .success(self.keys.withLockedValue { $0.put(kept, as: id, at: asked) })
            } catch {
                return .failure(error)
            }
        }
        guard let answer else { throw .overloaded }
        return try answer.get()
    }

    /// Writes down that a key was used, once in a while.
    func used(_ key: APIKey, at now: Timestamp) async {
        let isKnown = self.uses.withLockedValue { uses in
            if uses.kept(key.id, at: .now()) != nil { return true }
            uses.put(true, as: key.id, at: .now())
            return false
        }
        guard !isKnown else { return }
        do throws(StoreError) { try await self.store.used(key.id, at: now) } catch {
            self.logger.debug("The use of a key is not written down", metadata: [LogKey.error: "\(error)"])
        }
    }
}
