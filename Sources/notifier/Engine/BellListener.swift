import Logging
import NIOConcurrencyHelpers
import Redis
import Store

/// Waits inside Redis until a post rings, and tells which shards to look into.
final class BellListener: Sendable {
    /// How long one read waits.
    ///
    /// It costs nothing to wait, and this is how soon a silently broken connection is noticed.
    private static let patience = Duration.seconds(10)

    private let bell: Bell
    private let connection: RedisBlockingConnection
    private let trouble: TroubleLog
    private let isStopped = NIOLockedValueBox(false)

    init(bell: Bell, connection: RedisBlockingConnection, trouble: TroubleLog) {
        self.bell = bell
        self.connection = connection
        self.trouble = trouble
    }

    /// Listens until ``stop()``.
    ///
    /// A ring that is lost on the way is found by the next look.
    func listen(_ rung: (Int) -> Void) async {
        var backoff = Backoff()
        var next = 0
        while !self.hasStopped {
            do throws(StoreError) {
                if let shard = try await self.bell.wait(on: self.connection, from: next, for: Self.patience) {
                    next = shard + 1
                    rung(shard)
                }
                backoff.succeeded()
            } catch {
                guard !self.hasStopped else { return }
                self.trouble.note("The bell cannot be heard", error)
                // Cancelled: a stop is under way, and the loop's condition will see it.
                try? await Task.sleep(for: backoff.failed(chance: .random(in: 0..<1)))
            }
        }
    }

    /// Ends the listening, and the connection with it: cancelling the read would have it connect anew.
    func stop() async {
        self.isStopped.withLockedValue { $0 = true }
        await self.connection.shutDown()
    }

    private var hasStopped: Bool { self.isStopped.withLockedValue { $0 } }
}
