import Logging
import Redis
import Store

/// Waits inside Redis until a post rings, and tells which shards to look into.
struct BellListener: Sendable {
    /// How long one read waits. It costs nothing to wait, and this is how soon a silently broken connection is noticed.
    private static let patience = Duration.seconds(10)

    private let bell: Bell
    private let connection: RedisBlockingConnection
    private let trouble: TroubleLog

    init(bell: Bell, connection: RedisBlockingConnection, trouble: TroubleLog) {
        self.bell = bell
        self.connection = connection
        self.trouble = trouble
    }

    /// Until it is cancelled. A ring that is lost on the way is found by the next look.
    func listen(_ rung: (Int) -> Void) async {
        var backoff = Backoff()
        var next = 0
        while !Task.isCancelled {
            do throws(StoreError) {
                if let shard = try await self.bell.wait(on: self.connection, from: next, for: Self.patience) {
                    next = shard + 1
                    rung(shard)
                }
                backoff.succeeded()
            } catch {
                guard !Task.isCancelled else { return }
                self.trouble.note("The bell cannot be heard", error)
                // Cancelled: the loop's condition sees it.
                try? await Task.sleep(for: backoff.failed(chance: .random(in: 0..<1)))
            }
        }
    }
}
