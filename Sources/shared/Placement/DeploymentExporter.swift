package import Domain
package import Logging
import Runtime
import ServiceLifecycle
package import Store

/// Measures the whole deployment every few seconds, and exports it while this process is the one elected to.
///
/// The others export none of it, so sums and maxima over processes are right, and what one process alone knows does not end
/// with the notifiers. When the exporter ends another takes its place within ``ProcessRegistry/life`` and two beats.
package struct DeploymentExporter: Service {
    /// How often all is measured.
    ///
    /// A look costs each shard some 4 ms of Redis at most, see `backlog_get.lua`.
    private static let interval = Duration.seconds(5)
    /// How often a process looks whether it was elected.
    private static let electionInterval = Duration.seconds(1)

    private let control: Store
    private let depths: QueueDepths
    private let election: ExporterElection
    private let stores: @Sendable () async -> [MeasuredStore]
    private let logger: Logger

    /// - Parameters:
    ///   - control: The control store: of the processes and of the queues of each pool.
    ///   - queues: Whose messages are counted.
    ///   - stores: All that hold queues.
    package init(
        control: Store, queues: [ChosenQueues], election: ExporterElection, logger: Logger,
        stores: @escaping @Sendable () async -> [MeasuredStore]
    ) {
        self.control = control
        self.depths = QueueDepths(chosen: queues, control: control)
        self.election = election
        self.stores = stores
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var gauges = DeploymentGauges()
            var nextLook = ContinuousClock.now
            while !Task.isCancelled {
                if !self.election.isElected() {
                    gauges.show([])
                    nextLook = .now
                } else if nextLook <= .now {
                    nextLook = .now + Self.interval
                    let values = await self.measure()
                    // It may have taken longer than an election lasts.
                    gauges.show(self.election.isElected() ? values : [])
                }
                // Cancelled while sleeping: the loop's condition sees it.
                try? await Task.sleep(for: Self.electionInterval)
            }
            gauges.show([])
        }
    }

    /// Everything at once; a Redis that does not answer delays the others by its deadline at most.
    private func measure() async -> [(metric: Gauged, value: Double)] {
        let stores = await self.stores()
        async let deployment = self.ofDeployment(stores)
        let values = await withTaskGroup(of: StoreFigures.self) { group in
            for store in stores { group.addTask { await store.figures() } }
            return await group.reduce(into: []) { $0 += $1.values }
        }
        return await deployment + values
    }

    /// What the control store alone knows.
    private func ofDeployment(_ stores: [MeasuredStore]) async -> [(metric: Gauged, value: Double)] {
        var values: [(Gauged, Double)] = []
        do throws(StoreError) {
            let processes = try await self.control.processes.list()
            for role in RegisteredProcess.Role.allCases {
                values.append(
                    (Gauged(.processes, role.rawValue), Double(processes.count { $0.process.role == role })))
            }
            for (pool, count) in try await self.control.pools.queueCounts() {
                values.append((Gauged(.poolQueues, pool.text), Double(count)))
            }
            values += try await self.depths.values(in: stores)
        } catch {
            self.logger.debug("The deployment cannot be measured now", metadata: [LogKey.error: "\(error)"])
        }
        return values
    }
}
