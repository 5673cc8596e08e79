import Domain
import Notifier
import Store
import Testing

struct InFlightDeliveriesTests {
    /// One lease of one delivery.
    private static func withLease(_ body: (Lease) throws -> Void) async throws {
        try await withDeployment { deployment in
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
            #expect(inFlight.tokens(endingBefore: late).isEmpty)
            let running = inFlight.start(lease)
            #expect(inFlight.tokens(endingBefore: late).map(\.id) == [running])
            #expect(inFlight.tokens(endingBefore: lease.leasedUntil).isEmpty)
            inFlight.lose(running)
            #expect(inFlight.tokens(endingBefore: late).isEmpty && inFlight.token(of: running) == nil)
            _ = inFlight.end(running, with: .delivered, nil)
            #expect(inFlight.settlement(of: running) == nil)
        }
    }
}
