package import Logging
import NIOConcurrencyHelpers
package import Redis
package import Store

/// Waits inside Redis for wake-up signals of posts, and says which shards have events.
package final class WakeupListener: Sendable {
    /// How long one read waits.
    ///
    /// It costs nothing to wait, and this is how soon a silently broken connection is noticed.
    private static let timeout = Duration.seconds(10)

    private let signals: WakeupSignals
    private let connection: RedisBlockingConnection
    private let logger: Logger
    private let isStopped = NIOLockedValueBox(false)

    package init(signals: WakeupSignals, connection: RedisBlockingConnection, logger: Logger) {
        self.signals = signals
        self.connection = connection
        self.logger = logger
    }

    /// Listens until ``stop()``, or until the task is cancelled.
    ///
    /// What a lost signal was about is found by the next look.
    package func listen(_ signalled: (Int) -> Void) async {
        var backoff = Backoff.ofStore
        var next = 0
        while !self.hasStopped, !Task.isCancelled {
            do throws(StoreError) {
                if let shard = try await self.signals.wait(on: self.connection, from: next, for: Self.timeout) {
                    next = shard + 1
                    signalled(shard)
                }
                backoff.reset()
            } catch {
                guard !self.hasStopped else { return }
                self.logger.warn("Wake-up signals cannot be received", error)
                // Cancelled: the loop's condition will see it.
                try? await Task.sleep(for: backoff.next(random: .random(in: 0..<1)))
            }
        }
    }

    /// Ends the listening, and the connection with it: cancelling the read would have it connect anew.
    package func stop() async {
        self.isStopped.withLockedValue { $0 = true }
        await self.connection.shutDown()
    }

    private var hasStopped: Bool { self.isStopped.withLockedValue { $0 } }
}
