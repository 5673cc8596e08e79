package import Domain
import Redis

/// How an API node learns that a queue it waits for may have messages, so that it need not look again and again.
///
/// ```
///  node                                          Redis                                     others
///  request(queue) ───► waited-until of the queue, for ``life``
///                                                   │ seen by the scripts that post ◄───── post, release, claim
///  handler ◄────────── queue-signals of the shard ◄─┘
/// ```
/// A queue that is not waited for costs a post nothing. Redis keeps no signal: what is published while a node is not
/// connected is lost, so after ``Signal/anything`` each queue has to be looked at.
package struct QueueSignals: Sendable {
    package enum Signal: Sendable, Equatable {
        /// Any queue may have messages.
        case anything
        /// The queue of this ``name(of:)`` may have messages, after some time.
        case queue(String, after: Duration)
    }

    /// The Redis that signals come from.
    package struct Source: Hashable, Sendable {
        private let client: ObjectIdentifier

        init(_ client: RedisClient) { self.client = ObjectIdentifier(client) }
    }

    /// How long scripts signal to those who asked for it.
    package static let life = Duration.seconds(30)

    let runner: ScriptRunner
    let keySpace: KeySpace

    /// Hears the signals of all shards, over a connection of its own that lasts as long as the client of this store.
    ///
    /// Once for a client: a second call changes nothing.
    ///
    /// - Parameter handler: Called on an event loop, which it must not hold up.
    package func listen(_ handler: @escaping @Sendable (Signal) -> Void) {
        self.runner.client.listen(to: self.keySpace.shards.map(\.queueSignals)) { event in
            switch event {
            case .began: handler(.anything)
            case .message(let text):
                // Others may publish in this channel what they like.
                let parts = text.split(separator: " ", maxSplits: 1)
                guard parts.count == 2, let milliseconds = Int64(parts[0]), (0...Self.waitMax).contains(milliseconds)
                else { return }
                handler(.queue(String(parts[1]), after: .milliseconds(milliseconds)))
            }
        }
    }

    /// Milliseconds that a delay, or the life of a claim, can have, and more.
    private static let waitMax: Int64 = 1 << 42

    package var source: Source { Source(self.runner.client) }

    /// Whether signals arrive now.
    package var isListening: Bool { self.runner.client.isListening }

    /// What signals call a queue.
    package func name(of queue: QueueAddress) -> String { self.keySpace.shard(of: queue).meta(queue).text }

    /// Asks for the signals of a queue, which need not be there, for ``life``.
    ///
    /// - Returns: When a message may become free though nothing is written, since a claim lapses or a delay passes; nil: never.
    package func request(_ queue: QueueAddress) async throws(StoreError) -> Duration? {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(Scripts.queueWait, keys: keys.queue(queue).all + [keys.waited(queue)])
        call.append(Int(Self.life / .milliseconds(1)))
        guard let milliseconds = try await self.runner.run(call).int64 else {
            throw .corrupt("\(Scripts.queueWait.name) answered no number")
        }
        return milliseconds < 0 ? nil : .milliseconds(milliseconds)
    }
}
