import Domain
import Notifier
import Store
import TestKit
import Testing

struct InFlightDeliveriesTests {
    /// One lease of one delivery.
    private static func withLease(_ body: (Lease) throws -> Void) async throws {
        try await withTestDeployment { deployment in
            try await deployment.subscribe("http://127.0.0.1:1/")
            try await deployment.post("1")
            try body(try #require(try await deployment.takeAll().first))
        }
    }

    @Test func `A delivery that is leased again while it is settled has an entry of its own`() async throws {
        try await Self.withLease { lease in
            var inFlight = InFlightDeliveries()
            let first = inFlight.start(lease)
            #expect((inFlight.end(first, with: .handedBack, nil)) as Bool)
            #expect((inFlight.takeEnded(upTo: 64) == [first]) as Bool)
            // Redis did hand it back, its reply was lost, and the same delivery comes again, under the same token even.
            let second = inFlight.start(lease)
            #expect(inFlight.count == 2)
            #expect(inFlight.settlement(of: first)?.ending == .handedBack)
            #expect((inFlight.remove([first]).count == 1) as Bool)
            #expect(inFlight.settlement(of: second) == nil && inFlight.token(of: second) == lease.token)
            #expect((inFlight.end(second, with: .delivered, nil)) as Bool)
            #expect((inFlight.takeEnded(upTo: 64) == [second]) as Bool)
            #expect((inFlight.remove([second, first]).count == 1) as Bool)
            #expect(inFlight.count == 0)
        }
    }

    @Test func `The results of one attempt come together, and one of them counts`() async throws {
        try await Self.withLease { lease in
            var inFlight = InFlightDeliveries()
            let alone = (0..<3).map { _ in inFlight.start(lease) }
            let shared = (0..<100).map { _ in inFlight.start(lease) }
            for id in alone { _ = inFlight.end(id, with: .delivered, nil) }
            _ = inFlight.end(shared.map { ($0, Settlement.Ending.retry(after: .seconds(1))) }, nil)
            _ = inFlight.end(alone[0], with: .dropped, nil)
            let taken = inFlight.takeEnded(upTo: 4)
            #expect((taken == alone + shared) as Bool)
            let settlements = taken.compactMap { inFlight.settlement(of: $0) }
            #expect(
                (settlements.map(\.isShared) == [false, false, false, false] + Array(repeating: true, count: 99))
                    as Bool)
            #expect((inFlight.takeEnded(upTo: 4).isEmpty) as Bool)
        }
    }

    @Test func `An attempt ends once, and one that is not in flight not at all`() async throws {
        try await Self.withLease { lease in
            var inFlight = InFlightDeliveries()
            let id = inFlight.start(lease)
            #expect((inFlight.end(id, with: .delivered, nil) && !inFlight.end(id, with: .handedBack, nil)) as Bool)
            #expect(inFlight.settlement(of: id)?.ending == .delivered)
            #expect((inFlight.takeEnded(upTo: 64) == [id]) as Bool)
            _ = inFlight.remove([id])
            #expect((!inFlight.end(id, with: .delivered, nil)) as Bool)
            #expect((inFlight.takeEnded(upTo: 64).isEmpty) as Bool)
        }
    }

    @Test func `What ended untried is not renewed, and what is lost is not settled`() async throws {
        try await Self.withLease { lease in
            var inFlight = InFlightDeliveries()
            let late = lease.leasedUntil.adding(milliseconds: 1)
            let endings: [Settlement.Ending] = [.handedBack, .postponed(.seconds(1)), .parked(.seconds(1))]
            for ending in endings { _ = inFlight.end(inFlight.start(lease), with: ending, nil) }
            #expect((inFlight.renewals(endingBefore: late).isEmpty) as Bool)
            let running = inFlight.start(lease)
            #expect((inFlight.renewals(endingBefore: late).map(\.id) == [running]) as Bool)
            #expect((inFlight.renewals(endingBefore: lease.leasedUntil).isEmpty) as Bool)
            inFlight.lose(running)
            #expect((inFlight.renewals(endingBefore: late).isEmpty && inFlight.token(of: running) == nil) as Bool)
            _ = inFlight.end(running, with: .delivered, nil)
            #expect(inFlight.settlement(of: running) == nil)
        }
    }

    @Test func `What ends untried while its lease is renewed is written down with the newest token`() async throws {
        try await withTestDeployment { deployment in
            try await deployment.subscribe("http://127.0.0.1:1/")
            try await deployment.post("1")
            let lease = try #require(try await deployment.takeAll().first)
            let shard = try #require(try await deployment.shardWithLease())
            var inFlight = InFlightDeliveries()
            let (id, late) = (inFlight.start(lease), lease.leasedUntil.adding(milliseconds: 1))
            let held = inFlight.renewals(endingBefore: late)
            let newer = try await deployment.store.deliveries.renew(shard, held.map(\.token), lease: .seconds(90))
            // Redis has moved the end, and the answer is still on its way.
            #expect((!inFlight.end(id, with: .handedBack, nil)) as Bool)
            #expect((inFlight.takeEnded(upTo: 64).isEmpty) as Bool)
            // The answer to a renewal may be lost: then it is renewed once more.
            #expect((inFlight.renewals(endingBefore: late).map(\.id) == [id]) as Bool)
            #expect((inFlight.renewed(id, to: newer[0])) as Bool, "it is to be written down now")
            #expect((inFlight.takeEnded(upTo: 64) == [id]) as Bool)
            let settlement = try #require(inFlight.settlement(of: id))
            #expect(settlement.token == newer[0])
            #expect(try await deployment.store.deliveries.settle(shard, [settlement]).written == [true])
        }
    }

    @Test func `What waits for a renewal that is never answered is written down when none is made any more`()
        async throws
    {
        try await Self.withLease { lease in
            var inFlight = InFlightDeliveries()
            let (first, second) = (inFlight.start(lease), inFlight.start(lease))
            #expect((inFlight.renewals(endingBefore: lease.leasedUntil.adding(milliseconds: 1)).count == 2) as Bool)
            #expect((!inFlight.end(first, with: .handedBack, nil)) as Bool)
            #expect((inFlight.end(second, with: .delivered, nil)) as Bool, "an outcome needs no newest token")
            #expect((inFlight.takeEnded(upTo: 64) == [second]) as Bool)
            #expect((inFlight.renewalsEnded()) as Bool)
            #expect((inFlight.takeEnded(upTo: 64) == [first] && !inFlight.renewalsEnded()) as Bool)
        }
    }

    @Test func `A wait for a renewal ends when the lease is lost`() async throws {
        try await Self.withLease { lease in
            var inFlight = InFlightDeliveries()
            let id = inFlight.start(lease)
            _ = inFlight.renewals(endingBefore: lease.leasedUntil.adding(milliseconds: 1))
            _ = inFlight.end(id, with: .parked(.seconds(1)), nil)
            #expect((inFlight.renewed(id, to: nil)) as Bool)
            #expect((inFlight.takeEnded(upTo: 64) == [id]) as Bool)
            #expect(inFlight.settlement(of: id) == nil)
        }
    }
}
