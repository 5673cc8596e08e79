package import Logging
import NIOConcurrencyHelpers
package import Redis
import ServiceLifecycle
package import Store

/// Notices within a second or two when pools are added, changed or removed, by whichever process.
///
/// ```swift
/// for await links in watch.changes() { … connect to what is new, let go of what is gone … }
/// ```
/// A link is told by its ``PoolLink/target``: one whose target is new is a Redis to connect to, one whose target is gone
/// is to be let go.
package final class PoolWatch: Service, Sendable {
    private struct State {
        var snapshot: PoolSnapshot
        var listeners: [Int: AsyncStream<PoolLinks>.Continuation] = [:]
        var listenersEver = 0
    }

    /// How long a change may stay unseen, the time of one look aside.
    package static let interval = Duration.seconds(1)

    private let control: Store
    private let endpoint: RedisURL
    private let logger: Logger
    private let state: NIOLockedValueBox<State>

    /// Reads the pools once.
    ///
    /// - Parameters:
    ///   - control: The control store, which is also the default pool.
    ///   - endpoint: Where it is, so that a pool of the same place is known as such.
    package static func open(
        control: Store, endpoint: RedisURL, logger: Logger
    ) async throws(StoreError) -> PoolWatch {
        PoolWatch(control: control, endpoint: endpoint, snapshot: try await control.pools.snapshot(), logger: logger)
    }

    private init(control: Store, endpoint: RedisURL, snapshot: PoolSnapshot, logger: Logger) {
        self.control = control
        self.endpoint = endpoint
        self.logger = logger
        self.state = NIOLockedValueBox(State(snapshot: snapshot))
    }

    package var snapshot: PoolSnapshot { self.state.withLockedValue { $0.snapshot } }

    package var links: PoolLinks { PoolLinks(self.snapshot, default: self.endpoint) }

    /// The links now, and again after each change; of changes that come faster than they are read, the last.
    package func changes() -> AsyncStream<PoolLinks> {
        let (stream, continuation) = AsyncStream<PoolLinks>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let number = self.state.withLockedValue { state in
            state.listenersEver += 1
            state.listeners[state.listenersEver] = continuation
            continuation.yield(PoolLinks(state.snapshot, default: self.endpoint))
            return state.listenersEver
        }
        continuation.onTermination = { _ in
            self.state.withLockedValue { state in _ = state.listeners.removeValue(forKey: number) }
        }
        return stream
    }

    /// Reads the pools anew, if they have changed.
    package func refresh() async throws(StoreError) {
        let known = self.snapshot.version
        guard try await self.control.pools.version() != known else { return }
        let snapshot = try await self.control.pools.snapshot()
        self.state.withLockedValue { state in
            // Whoever read later may have been served earlier. A version that went back is a Redis that lost its data.
            guard state.snapshot != snapshot else { return }
            guard snapshot.version.number > state.snapshot.version.number || state.snapshot.version == known else {
                return
            }
            state.snapshot = snapshot
            for listener in state.listeners.values {
                listener.yield(PoolLinks(snapshot, default: self.endpoint))
            }
        }
    }

    /// Looks once a second until graceful shutdown or cancellation.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                // Cancelled while sleeping: the loop's condition sees it.
                try? await Task.sleep(for: Self.interval)
                do throws(StoreError) {
                    try await self.refresh()
                } catch {
                    self.logger.debug("The pools cannot be read now", metadata: ["error": "\(error)"])
                }
            }
        }
        let listeners = self.state.withLockedValue { Array($0.listeners.values) }
        for listener in listeners { listener.finish() }
    }
}
