package import Logging
import NIOConcurrencyHelpers
package import Redis
import ServiceLifecycle
package import Store

/// Notices within a second or two when pools are added, changed or removed, by any process.
///
/// ```swift
/// for await endpoints in watch.changes() { … connect to those that are new, disconnect those that are gone … }
/// ```
/// Endpoints are compared by ``PoolEndpoint/url``.
package final class PoolWatch: Service, Sendable {
    private struct State {
        var snapshot: PoolSnapshot
        var listeners: [Int: AsyncStream<PoolEndpoints>.Continuation] = [:]
        var listenersEver = 0
    }

    /// How long a change may stay unnoticed, the time of one reading aside.
    package static let interval = Duration.seconds(1)

    private let control: Store
    private let url: RedisURL
    private let logger: Logger
    private let state: NIOLockedValueBox<State>

    /// Reads the pools once.
    ///
    /// - Parameters:
    ///   - control: The control store, which is also the default pool.
    ///   - url: Where it is, so that a pool with the same URL is known to be the same Redis.
    package static func open(
        control: Store, url: RedisURL, logger: Logger
    ) async throws(StoreError) -> PoolWatch {
        PoolWatch(control: control, url: url, snapshot: try await control.pools.snapshot(), logger: logger)
    }

    private init(control: Store, url: RedisURL, snapshot: PoolSnapshot, logger: Logger) {
        self.control = control
        self.url = url
        self.logger = logger
        self.state = NIOLockedValueBox(State(snapshot: snapshot))
    }

    package var snapshot: PoolSnapshot { self.state.withLockedValue { $0.snapshot } }

    package var endpoints: PoolEndpoints { PoolEndpoints(self.snapshot, default: self.url) }

    /// The endpoints now, and again after each change; of changes that come faster than they are read, the last.
    package func changes() -> AsyncStream<PoolEndpoints> {
        let (stream, continuation) = AsyncStream<PoolEndpoints>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let number = self.state.withLockedValue { state in
            state.listenersEver += 1
            state.listeners[state.listenersEver] = continuation
            continuation.yield(PoolEndpoints(state.snapshot, default: self.url))
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
            // A later read may have been answered earlier. A version that went back is a Redis that lost its data.
            guard state.snapshot != snapshot else { return }
            guard snapshot.version.number > state.snapshot.version.number || state.snapshot.version == known else {
                return
            }
            state.snapshot = snapshot
            for listener in state.listeners.values {
                listener.yield(PoolEndpoints(snapshot, default: self.url))
            }
        }
    }

    /// Reads once a second until graceful shutdown or cancellation.
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
