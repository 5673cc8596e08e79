import Domain
import Notifier
import Testing

struct HostCapacityTests {
    private static func waiter(_ number: Int, of project: String = "p") throws -> HostCapacity.Waiter {
        let text = "\(number)"
        let id = try #require(SubscriptionID(String(repeating: "0", count: 27 - text.count) + text))
        return HostCapacity.Waiter(subscription: id, project: try ProjectID(project), inbox: 1)
    }

    @Test func `A host takes as many attempts as may be, and others are not counted with it`() throws {
        var capacity = HostCapacity(limit: 2)
        let (now, first) = (ContinuousClock.now, try Self.waiter(1))
        #expect(
            (capacity.enter("a", first, at: now).isCounted && capacity.enter("a", first, at: now).isCounted) as Bool)
        #expect((!capacity.enter("a", first, at: now).isCounted) as Bool)
        #expect((capacity.enter("b", first, at: now).isCounted) as Bool)
        #expect((capacity.leave("a", of: first.project, at: now).isEmpty) as Bool)
        #expect(
            (capacity.enter("a", first, at: now).isCounted && !capacity.enter("a", first, at: now).isCounted) as Bool)
    }

    @Test func `One project leaves a ninth of a host to the others`() throws {
        var capacity = HostCapacity(limit: 90)
        let now = ContinuousClock.now
        var entered = 0
        while capacity.enter("a", try Self.waiter(entered), at: now).isCounted { entered += 1 }
        #expect((80...81).contains(entered))
        try #expect((capacity.enter("a", Self.waiter(1, of: "other"), at: now).isCounted) as Bool)
    }

    @Test func `A subscription that waits is woken when there is capacity, and nothing of it starts before`() throws {
        var capacity = HostCapacity(limit: 1)
        let (now, out, late) = (ContinuousClock.now, try Self.waiter(1), try Self.waiter(2))
        #expect((capacity.enter("a", out, at: now).isCounted) as Bool)
        #expect((!capacity.enter("a", late, at: now).isCounted) as Bool)
        #expect((capacity.wait(for: "a", late).isRemembered && capacity.wait(for: "a", late).isRemembered) as Bool)
        #expect(capacity.waiters == 1)
        for _ in 0..<2 { #expect(capacity.parked(late.subscription, for: "a", at: now).isEmpty) }
        #expect((capacity.leave("a", of: out.project, at: now) == [late]) as Bool)
        #expect(capacity.waiters == 0)
        #expect((capacity.enter("a", late, at: now).isCounted) as Bool)
        #expect((capacity.wait(for: "a", out).isRemembered) as Bool)
        #expect((!capacity.enter("a", out, at: now).isCounted) as Bool, "it waits its turn")
    }

    @Test func `A subscription is woken only once its parking is written down, also when capacity comes before`() throws
    {
        var capacity = HostCapacity(limit: 1)
        let (now, out, late) = (ContinuousClock.now, try Self.waiter(1), try Self.waiter(2))
        #expect((capacity.enter("a", out, at: now).isCounted) as Bool)
        #expect((capacity.wait(for: "a", late).isRemembered) as Bool)
        #expect(capacity.leave("a", of: out.project, at: now).isEmpty)
        #expect((!capacity.enter("a", late, at: now).isCounted) as Bool)
        #expect((capacity.wait(for: "a", late).isRemembered) as Bool)
        #expect(capacity.parked(late.subscription, for: "a", at: now).isEmpty, "one of two")
        #expect(capacity.parked(late.subscription, for: "a", at: now) == [late])
        // It was refused again, and woken before that was written down.
        #expect((capacity.enter("a", out, at: now).isCounted) as Bool)
        for delivery in 0..<2 {
            #expect((!capacity.enter("a", late, at: now).isCounted) as Bool)
            #expect((capacity.wait(for: "a", late).isRemembered) as Bool)
            if delivery == 0 { #expect(capacity.parked(late.subscription, for: "a", at: now).isEmpty) }
        }
        #expect(capacity.leave("a", of: out.project, at: now) == [late])
        #expect(capacity.waiters == 0)
        // In vain: it waits again, and is woken when the first wake is given up.
        #expect(capacity.parked(late.subscription, for: "a", at: now).isEmpty)
        #expect(capacity.waiters == 1)
        #expect(capacity.expireWakes(at: now + .seconds(3)) == [late])
    }

    @Test func `Projects take turns in being woken`() throws {
        var capacity = HostCapacity(limit: 1)
        let (now, out) = (ContinuousClock.now, try Self.waiter(0))
        #expect((capacity.enter("a", out, at: now).isCounted) as Bool)
        for number in 1...100 {
            try #expect((capacity.wait(for: "a", Self.waiter(number, of: "loud")).isRemembered) as Bool)
            #expect(capacity.parked(try Self.waiter(number).subscription, for: "a", at: now).isEmpty)
        }
        let quiet = try Self.waiter(200, of: "quiet")
        #expect((capacity.wait(for: "a", quiet).isRemembered) as Bool)
        #expect(capacity.parked(quiet.subscription, for: "a", at: now).isEmpty)
        var woken = capacity.leave("a", of: out.project, at: now)
        let first = try #require(woken.first)
        #expect((capacity.enter("a", first, at: now).isCounted) as Bool)
        woken = capacity.leave("a", of: first.project, at: now)
        #expect(woken == [quiet])
    }

    @Test func `A woken subscription that does not come is given up, and the next is woken`() throws {
        var capacity = HostCapacity(limit: 1)
        let (now, out) = (ContinuousClock.now, try Self.waiter(0))
        #expect((capacity.enter("a", out, at: now).isCounted) as Bool)
        let waiters = try (1...3).map { try Self.waiter($0) }
        for waiter in waiters {
            #expect((capacity.wait(for: "a", waiter).isRemembered) as Bool)
            #expect(capacity.parked(waiter.subscription, for: "a", at: now).isEmpty)
        }
        #expect((capacity.leave("a", of: out.project, at: now) == [waiters[0]]) as Bool)
        #expect((capacity.expireWakes(at: now + .seconds(1)).isEmpty) as Bool)
        #expect((capacity.expireWakes(at: now + .seconds(3)) == [waiters[1]]) as Bool)
    }

    @Test func `One project cannot use up what is remembered, and what is not is parked for long`() throws {
        var capacity = HostCapacity(limit: 1)
        let now = ContinuousClock.now
        var (remembered, last) = (0, 0.0)
        for number in 0..<HostCapacity.waitersMax {
            let (isRemembered, seconds) = capacity.wait(for: "\(number % 7)", try Self.waiter(number, of: "loud"))
            remembered += isRemembered ? 1 : 0
            last = seconds.lowerBound
        }
        #expect(remembered == capacity.waiters && remembered < HostCapacity.waitersMax * 9 / 10)
        #expect(last >= 30)
        let (isRemembered, seconds) = capacity.wait(for: "0", try Self.waiter(HostCapacity.waitersMax, of: "quiet"))
        #expect(isRemembered && seconds.upperBound <= 25)
        for number in 0..<2 * HostCapacity.waitersMax {
            _ = capacity.wait(for: "0", try Self.waiter(number, of: "p\(number % 100)"))
        }
        #expect(capacity.waiters <= HostCapacity.waitersMax)
        try #expect((capacity.leave("a", of: ProjectID("p"), at: now).isEmpty) as Bool)
        #expect(capacity.inFlight(to: "a") == 0)
    }

    @Test func `A subscription that comes back in vain is parked longer, until it is woken`() throws {
        var capacity = HostCapacity(limit: 1)
        let (now, out, late) = (ContinuousClock.now, try Self.waiter(1), try Self.waiter(2))
        #expect((capacity.enter("a", out, at: now).isCounted) as Bool)
        var waits: [Double] = []
        for _ in 0..<6 {
            #expect((!capacity.enter("a", late, at: now).isCounted) as Bool)
            let first = capacity.wait(for: "a", late).seconds
            let second = capacity.wait(for: "a", late).seconds
            #expect(first == second, "all of one return alike")
            for _ in 0..<2 { #expect(capacity.parked(late.subscription, for: "a", at: now).isEmpty) }
            waits.append(first.upperBound)
        }
        #expect(waits == [25, 60, 60, 60, 60, 60])
        #expect(capacity.leave("a", of: out.project, at: now) == [late])
        #expect((capacity.enter("a", out, at: now).isCounted) as Bool)
        #expect((!capacity.enter("a", late, at: now).isCounted) as Bool)
        #expect(capacity.wait(for: "a", late).seconds.upperBound == 25)
    }

    @Test func `A subscription whose address changes while its parking is written down leaves nothing behind`() throws {
        var capacity = HostCapacity(limit: 1)
        let (now, out, moved) = (ContinuousClock.now, try Self.waiter(1), try Self.waiter(2))
        for host in ["a", "b"] {
            #expect((capacity.enter(host, out, at: now).isCounted) as Bool)
            #expect((!capacity.enter(host, moved, at: now).isCounted) as Bool)
            #expect((capacity.wait(for: host, moved).isRemembered) as Bool)
        }
        for host in ["a", "b"] { #expect(capacity.parked(moved.subscription, for: host, at: now).isEmpty) }
        #expect(capacity.waiters == 2)
        for host in ["a", "b"] { #expect(capacity.leave(host, of: out.project, at: now) == [moved]) }
        #expect(capacity.expireWakes(at: now + .seconds(3)).isEmpty)
        #expect(capacity.waiters == 0 && capacity.hostsKnown == 0)
    }
}
