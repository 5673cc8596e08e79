import Documents
import Domain
import Logging
import NIOCore
import Operations
import Redis
import Runtime
import Store

/// One queue that a connection follows: reads on whenever the client has taken what it was given, and keeps nothing
/// but its place (docs/decisions/0064-connections-that-follow-a-queue.md).
///
/// ```
/// nothing waits for the client ──▶ read behind the place ──▶ write, as far as it is taken ──▶ …
///              ▲                    │ nothing there: wait      │ the rest is read again
///              └── all is taken ────┴──────────────────────────┘
/// ```
struct SessionFollower: Sendable {
    let id: SubscriptionID
    let queue: QueueAddress
    /// Of the request that began it.
    let format: FrameFormat
    let session: Session
    let registry: SessionRegistry
    let operations: Operations
    /// Its place among what waits.
    let wait: QueueWait
    let logger: Logger

    /// Begins; it ends with the connection, at the latest.
    func begin(from start: FollowStart) {
        self.registry.beginTask()
        let isBegun = self.session.follow(self.id) { drained in
            await self.run(from: start, drained)
            self.registry.endTask()
        }
        if !isBegun { self.registry.endTask() }
    }

    private func run(from start: FollowStart, _ drained: AsyncSignal) async {
        var (progress, backoff) = (FollowProgress(from: start), Backoff())
        while await self.waitUntilDrained(drained) {
            do {
                let part = try await self.operations.followOn(
                    self.queue, from: progress.start, at: self.wait, limit: progress.limit)
                backoff.reset()
                guard let part else { continue }
                progress.advance(past: part, taken: self.write(part))
            } catch {
                self.logger.debug(
                    "A queue cannot be followed yet",
                    metadata: [LogKey.sessionID: "\(self.session.id)", LogKey.error: "\(error)"])
                // Cancelled: the loop's condition will see it.
                try? await Task.sleep(for: backoff.next(random: .random(in: 0..<1)))
            }
        }
    }

    /// Waits until nothing waits for the client.
    ///
    /// - Returns: False when it is to end.
    private func waitUntilDrained(_ drained: AsyncSignal) async -> Bool {
        while let isDrained = self.session.isDrained(for: self.id) {
            if isDrained { return true }
            guard await drained.wait() else { return false }
        }
        return false
    }

    /// - Returns: How many events were taken.
    private func write(_ part: FollowedEvents) -> Int {
        for (index, (event, place)) in part.events.enumerated() {
            guard let frame = self.frame(event, place.text) else { continue }
            guard case .taken = self.registry.send(frame, of: self.id, to: self.session) else { return index }
        }
        return part.events.count
    }

    /// nil for a message without a number that cannot be written in the format.
    private func frame(_ event: FollowedEvent, _ place: String) -> ByteBuffer? {
        let name = self.queue.name
        switch event {
        case .message(let message, let sequence):
            let document = FollowedNotification.message(message, sequence: sequence, of: name, place: place)
            if let frame = SessionRegistry.frame(document, self.format) { return frame }
            // What is stored was read before it was stored: something else has written there.
            self.logger.error("A message is no JSON", metadata: [LogKey.messageID: "\(message.stored.id)"])
            return sequence.flatMap { self.frame(.gap($0...$0), place) }
        case .gap(let numbers):
            return SessionRegistry.frame(FollowedNotification.gap(numbers, of: name, place: place), self.format)
        case .restart: return SessionRegistry.frame(FollowedNotification.restart(of: name, place: place), self.format)
        }
    }
}
