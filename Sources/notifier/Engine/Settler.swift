import Domain
import Logging
import NIOConcurrencyHelpers
import Runtime
import Store

/// Writes down how the attempts of one shard ended, and keeps the leases of those that still run.
final class Settler: Sendable {
    /// Results written down in one call.
    private static let settlementsMax = 64
    /// How long a first result waits for company while the pump leases, so that nothing follows it at once anyhow.
    private static let linger = Duration.microseconds(300)
    /// Leases renewed in one call.
    private static let renewalsMax = 100

    private let shard: Int
    private let tools: NotifierTools
    private let wake = Wake()
    private let underWay = NIOLockedValueBox(UnderWay())

    init(shard: Int, tools: NotifierTools) {
        self.shard = shard
        self.tools = tools
    }

    // MARK: What is under way

    /// Each of these will end, exactly once.
    func begin(_ leases: [Lease]) {
        self.tools.slots.load(bytes: leases.reduce(0) { $0 + $1.body.count })
        self.underWay.withLockedValue { underWay in
            for lease in leases { underWay.start(lease) }
        }
    }

    /// Counts bytes that one of them takes beside its message.
    func load(_ key: UnderWay.Key, bytes: Int) {
        self.tools.slots.load(bytes: bytes)
        self.underWay.withLockedValue { $0.load(key, bytes: bytes) }
    }

    func end(_ lease: Lease, with ending: Settlement.Ending) {
        self.end(UnderWay.Key(lease.token), with: ending)
    }

    /// - Parameter report: Of the attempt; nil when none was made.
    func end(_ key: UnderWay.Key, with ending: Settlement.Ending, _ report: AttemptReport? = nil) {
        let isFirst = self.underWay.withLockedValue { $0.end(key, with: ending, report) }
        if isFirst { self.wake.call() }
    }

    // MARK: Writing down

    /// Writes results down until ``stop()``.
    func run() async {
        while await self.wake.wait() {
            if self.tools.lanes[self.shard].isLeasing {
                // Cancelled: then nobody waits for company any more.
                try? await Task.sleep(for: Self.linger)
            }
            while let keys = self.nextResults() {
                await self.settle(keys)
                let bytes = self.underWay.withLockedValue { $0.remove(keys) }
                self.tools.free(keys.count, bytes: bytes)
            }
        }
    }

    /// No more results will come.
    func stop() {
        self.wake.finish()
    }

    private func nextResults() -> [UnderWay.Key]? {
        let keys = self.underWay.withLockedValue { $0.takeEnded(upTo: Self.settlementsMax) }
        return keys.isEmpty ? nil : keys
    }

    /// Writes results down, again and again while Redis does not answer: a settlement that was carried out once is not
    /// carried out twice.
    ///
    /// In the same step it leases as much again, unless the pump is leasing.
    ///
    /// After the lease's length there is nothing left to write: others have taken over.
    private func settle(_ keys: [UnderWay.Key]) async {
        var backoff = Backoff()
        let deadline = ContinuousClock.now + self.tools.settings.lease
        while true {
            // With the newest tokens: a renewal may have come between two tries.
            let settlements = self.underWay.withLockedValue { underWay in
                keys.compactMap { underWay.settlement(of: $0) }
            }
            guard !settlements.isEmpty else { return self.tools.metrics.lost(keys.count) }
            let lane = self.tools.lanes[self.shard]
            let reserved = lane.reserve(upTo: settlements.count)
            do throws(StoreError) {
                let settled = try await self.tools.store.deliveries.settle(
                    self.shard, settlements, disableAfter: self.tools.settings.disableAfter, allowance: LeaseAllowance(capacity: reserved ?? 0),
                    lease: self.tools.settings.lease)
                lane.takeOver(settled.leased, reserved: reserved)
                let count = settled.written.count { $0 }
                self.tools.metrics.settled(count)
                self.tools.metrics.lost(keys.count - count)
                return
            } catch {
                lane.takeOver(nil, reserved: reserved)
                self.tools.trouble.note("Results could not be written down yet", error, shard: self.shard)
                guard ContinuousClock.now < deadline, !Task.isCancelled else {
                    self.tools.metrics.lost(keys.count)
                    self.tools.logger.error(
                        "Results are lost, their deliveries will be attempted again",
                        metadata: [LogKey.shard: "\(self.shard)", "count": "\(keys.count)", LogKey.error: "\(error)"])
                    return
                }
                // Cancelled: the guard above ends it after one more try.
                try? await Task.sleep(for: backoff.failed(chance: .random(in: 0..<1)))
            }
        }
    }

    // MARK: Renewal

    /// Renews the leases that end before a time.
    func renew(endingBefore time: Timestamp) async throws(StoreError) {
        let tokens = self.underWay.withLockedValue { $0.tokens(endingBefore: time) }
        for start in stride(from: 0, to: tokens.count, by: Self.renewalsMax) {
            let batch = Array(tokens[start..<min(start + Self.renewalsMax, tokens.count)])
            let renewed = try await self.tools.store.deliveries.renew(
                self.shard, batch, lease: self.tools.settings.lease)
            self.underWay.withLockedValue { underWay in
                for (token, newer) in zip(batch, renewed) { underWay.renew(token, to: newer) }
            }
        }
    }
}
