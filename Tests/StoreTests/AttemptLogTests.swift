import Domain
import Store
import TestKit
import Testing

struct AttemptLogTests {
    private func report(
        _ outcome: Outcome, at start: Timestamp, kind: NotificationKind = .notification, total: Int = 12,
        reconnected: Bool = false
    ) -> AttemptReport {
        var exchange = Exchange()
        exchange.dns = 1
        exchange.connect = 70_000
        exchange.tls = 3
        exchange.firstByte = 4
        exchange.total = total
        exchange.address = .linkLocal
        exchange.reconnected = reconnected
        return AttemptReport(startedAt: start, kind: kind, outcome: outcome, exchange: exchange)
    }

    @Test func `Every attempt is reported as it was, the newest first`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let subscription = try await test.subscribe(to: queue)
            #expect(try await test.store.deliveries.attempts(of: queue, subscription: subscription)?.attempts == [])
            let ids = try await test.post(["1"], to: queue)
            let outcomes: [Outcome] =
                Outcome.Failure.allCases.map { .unreachable($0) }
                + [.deferred(code: 503, notBefore: nil), .forbidden, .refused(code: 404), .accepted(code: 204)]
            var reported: [AttemptReport] = []
            var leases = try await test.take().leases
            for (index, outcome) in outcomes.enumerated() {
                test.time.pass(milliseconds: 7)
                let kind = NotificationKind.allCases[index % 4]
                let report = self.report(
                    outcome, at: test.time.now, kind: kind, total: index * 1000, reconnected: index % 2 == 1)
                reported.append(report)
                let isLast = index == outcomes.count - 1
                let settlement = Settlement(leases[0], isLast ? .delivered : .retry(after: .zero), after: report)
                #expect(try await test.store.deliveries.settle(0, [settlement, settlement]).written == [true, false])
                leases = try await test.lease()
            }
            let log = try #require(try await test.store.deliveries.attempts(of: queue, subscription: subscription))
            #expect(log.attempts.map(\.report) == reported.reversed())
            #expect(log.attempts.allSatisfy { $0.position == ids[0].position })
            #expect(log.attempts.map(\.attempt) == Array((1...outcomes.count).reversed()))
            #expect(log.attempts.map(\.number) == Array((1...outcomes.count).reversed()))
            #expect(log.succeeded == 1 && log.failed == outcomes.count - 1)
        }
    }

    @Test func `The last fifty are kept, the counts go on, and both end with the subscription`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let subscription = try await test.subscribe(to: queue)
            try await test.post((0..<120).map { "\($0)" }, to: queue)
            var attempted = 0
            while attempted < 120 {
                let leases = try await test.take().leases + test.lease()
                attempted += leases.count
                let settlements = leases.map {
                    Settlement($0, .delivered, after: self.report(.accepted(code: 200), at: test.time.now))
                }
                _ = try await test.store.deliveries.settle(0, settlements)
            }
            let deliveries = test.store.deliveries
            let log = try #require(try await deliveries.attempts(of: queue, subscription: subscription))
            #expect(log.succeeded == 120 && log.failed == 0)
            #expect(log.attempts.map(\.number) == Array((71...120).reversed()))
            #expect(try await deliveries.attempts(of: try address("p", "other"), subscription: subscription) == nil)
            try await test.store.subscriptions.delete(queue, id: subscription)
            #expect(try await deliveries.attempts(of: queue, subscription: subscription) == nil)
            try await test.sweepAll()
            #expect(
                try await test.shardKeys().contains { $0.contains("attempt-log:") || $0 == "attempt-counts" } == false)
        }
    }

    @Test func `What ends without an attempt is not in the log, and a lease that lapsed is`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let subscription = try await test.subscribe(to: queue)
            let ids = try await test.post(["1", "2"], to: queue)
            let leases = try await test.take().leases
            #expect(try await test.settle([leases[0]], .deadLetter(.expired, summary: "expired")) == [true])
            test.time.pass(seconds: 15)
            #expect(try await test.store.deliveries.reap(0).lapsed == 1)
            let log = try #require(
                try await test.store.deliveries.attempts(of: queue, subscription: subscription))
            let lapsed = try #require(log.attempts.first)
            #expect(log.attempts.count == 1 && log.failed == 1)
            #expect(lapsed.position == ids[1].position && lapsed.attempt == 1 && lapsed.report.end == .lapsed)
            #expect(lapsed.report.startedAt == test.time.now && lapsed.report.exchange == Exchange())
        }
    }

    @Test func `The attempts of an ended subscription are not reported, whatever comes in late`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let subscription = try await test.subscribe(to: queue)
            try await test.post(["1"], to: queue)
            let leases = try await test.take().leases
            try await test.store.subscriptions.delete(queue, id: subscription)
            let late = Settlement(
                leases[0], .delivered, after: self.report(.accepted(code: 200), at: test.time.now))
            #expect(try await test.store.deliveries.settle(0, [late]).written == [true])
            #expect(try await test.shardKeys().contains("attempt-counts") == false)
        }
    }
}
