import Domain
import Keystone
import Logging
import Metrics
import Runtime
import ServiceLifecycle
import Store

/// Removes the trusts that were made for subscriptions which have ended, in one store.
///
/// Any number of notifiers may do so: each trust is taken by one of them, and comes again when that one does not finish.
struct TrustRemovals: Service {
    private static let lookEvery = Duration.seconds(5)

    private let trusts: TrustStore
    private let keystone: KeystoneClient
    private let removed = Metric.trustRemovals.counter("removed")
    private let refused = Metric.trustRemovals.counter("refused")
    private let failed = Metric.trustRemovals.counter("failed")
    private let logger: Logger

    /// - Parameter keystone: Asks as the trustee.
    init(_ trusts: TrustStore, _ keystone: KeystoneClient, logger: Logger) {
        self.trusts = trusts
        self.keystone = keystone
        self.logger = logger
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do throws(StoreError) {
                    try await self.removeSome()
                } catch {
                    self.logger.debug("Trusts could not be looked at", metadata: [LogKey.error: "\(error)"])
                }
                // Cancelled: the loop's condition sees it.
                try? await Task.sleep(for: Self.lookEvery)
            }
        }
    }

    /// Those after the first that Keystone says nothing about come again.
    private func removeSome() async throws(StoreError) {
        for ended in try await self.trusts.take() where !Task.isCancelled {
            do throws(KeystoneTrouble) {
                guard try await self.keystone.removeTrust(ended.trust) else {
                    self.refused(ended)
                    continue
                }
            } catch {
                self.failed.increment()
                self.logger.debug("A trust was not removed yet", metadata: [LogKey.error: "\(error)"])
                return
            }
            self.removed.increment()
            try await self.trusts.finish(ended)
        }
    }

    private func refused(_ ended: TrustStore.Ended) {
        self.refused.increment()
        // At first, and when it is left to its end.
        guard ended.tries == 1 || ended.isLastTry else { return }
        self.logger.warning(
            "Keystone does not permit the trustee to remove the trust of a subscription that ended; it stays until it expires",
            metadata: ["trust.id": "\(ended.trust)", "tries": "\(ended.tries)"])
    }
}
