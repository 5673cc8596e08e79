import Domain
import Logging
import Metrics
import Placement
import Runtime
import ServiceLifecycle
import Store

/// Measures every pool from time to time.
///
/// | label | unit | dimensions | the question it answers |
/// |---|---|---|---|
/// | `herald.pool.reachable` | 1 or 0 | `pool` | is it there? |
/// | `herald.pool.round_trip` | seconds of one `PING` | `pool` | how far away, and how busy, is it? |
/// | `herald.pool.memory` | bytes | `pool` | is it filling up? |
/// | `herald.pool.queues` | queues | `pool` | is the load spread as the weights say? |
///
/// The names of pools are an administrator's, and bounded in number.
struct PoolMetrics: Service {
    private struct Gauges {
        let reachable: Meter
        let roundTrip: Meter
        let memory: Meter
        let queues: Meter

        init(_ pool: PoolName) {
            self.reachable = Metric.poolReachable.gauge(pool.text)
            self.roundTrip = Metric.poolRoundTrip.gauge(pool.text)
            self.memory = Metric.poolMemory.gauge(pool.text)
            self.queues = Metric.poolQueues.gauge(pool.text)
        }

        func show(_ figures: PoolFigures) {
            self.reachable.set(figures.roundTrip == nil ? 0 : 1)
            if let roundTrip = figures.roundTrip { self.roundTrip.set(roundTrip / .seconds(1)) }
            if let memory = figures.memory { self.memory.set(memory) }
            self.queues.set(figures.queues)
        }

        func destroy() {
            for meter in [self.reachable, self.roundTrip, self.memory, self.queues] { meter.destroy() }
        }
    }

    private let stores: PoolDirectory
    private let interval: Duration
    private let logger: Logger

    init(of stores: PoolDirectory, every interval: Duration = .seconds(10), logger: Logger) {
        self.stores = stores
        self.interval = interval
        self.logger = logger
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var gauges: [PoolName: Gauges] = [:]
            while !Task.isCancelled {
                do throws(StoreError) {
                    let figures = try await self.stores.figures()
                    for pool in gauges.keys where !figures.contains(where: { $0.pool == pool }) {
                        gauges.removeValue(forKey: pool)?.destroy()
                    }
                    for figures in figures {
                        let own = gauges[figures.pool] ?? Gauges(figures.pool)
                        gauges[figures.pool] = own
                        own.show(figures)
                    }
                } catch {
                    self.logger.debug("The pools cannot be measured", metadata: [LogKey.error: "\(error)"])
                }
                // Cancelled while sleeping: the loop's condition sees it.
                try? await Task.sleep(for: self.interval)
            }
        }
    }
}
