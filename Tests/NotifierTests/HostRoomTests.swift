import Domain
import Notifier
import Testing

struct HostRoomTests {
    private static func waiter(_ number: Int, of project: String = "p") throws -> HostRoom.Waiter {
        let text = "\(number)"
        let id = try #require(SubscriptionID(String(repeating: "0", count: 27 - text.count) + text))
        return HostRoom.Waiter(subscription: id, project: try ProjectID(project), inbox: 1)
    }

    @Test func `A host takes as many attempts as may be, and others are not counted with it`() throws {
        var room = HostRoom(limit: 2)
        let (now, first) = (ContinuousClock.now, try Self.waiter(1))
        #expect((room.enter("a", first, at: now).isCounted && room.enter("a", first, at: now).isCounted) as Bool)
        #expect((!room.enter("a", first, at: now).isCounted) as Bool)
        #expect((room.enter("b", first, at: now).isCounted) as Bool)
        #expect((room.leave("a", of: first.project, at: now).isEmpty) as Bool)
        #expect((room.enter("a", first, at: now).isCounted && !room.enter("a", first, at: now).isCounted) as Bool)
    }

    @Test func `One project leaves a ninth of a host to the others`() throws {
        var room = HostRoom(limit: 90)
        let now = ContinuousClock.now
        var entered = 0
        while room.enter("a", try Self.waiter(entered), at: now).isCounted { entered += 1 }
        #expect((80...81).contains(entered))
        try #expect((room.enter("a", Self.waiter(1, of: "other"), at: now).isCounted) as Bool)
    }

    @Test func `A subscription that waits is woken when there is room, and nothing of it starts before`() throws {
        var room = HostRoom(limit: 1)
        let (now, out, late) = (ContinuousClock.now, try Self.waiter(1), try Self.waiter(2))
        #expect((room.enter("a", out, at: now).isCounted) as Bool)
        #expect((!room.enter("a", late, at: now).isCounted) as Bool)
        #expect((room.wait(for: "a", late).isRemembered && room.wait(for: "a", late).isRemembered) as Bool)
        #expect(room.waiters == 1)
        for _ in 0..<2 { #expect(room.parked(late.subscription, for: "a", at: now).isEmpty) }
        #expect((room.leave("a", of: out.project, at: now) == [late]) as Bool)
        #expect(room.waiters == 0)
        #expect((room.enter("a", late, at: now).isCounted) as Bool)
        #expect((room.wait(for: "a", out).isRemembered) as Bool)
        #expect((!room.enter("a", out, at: now).isCounted) as Bool, "it waits its turn")
    }

    @Test func `A subscription is woken only once its parking is written down, also when room comes before`() throws {
        var room = HostRoom(limit: 1)
        let (now, out, late) = (ContinuousClock.now, try Self.waiter(1), try Self.waiter(2))
        #expect((room.enter("a", out, at: now).isCounted) as Bool)
        #expect((room.wait(for: "a", late).isRemembered) as Bool)
        #expect(room.leave("a", of: out.project, at: now).isEmpty)
        #expect((!room.enter("a", late, at: now).isCounted) as Bool)
        #expect((room.wait(for: "a", late).isRemembered) as Bool)
        #expect(room.parked(late.subscription, for: "a", at: now).isEmpty, "one of two")
        #expect(room.parked(late.subscription, for: "a", at: now) == [late])
        // It was refused again, and woken before that was written down.
        #expect((room.enter("a", out, at: now).isCounted) as Bool)
        for delivery in 0..<2 {
            #expect((!room.enter("a", late, at: now).isCounted) as Bool)
            #expect((room.wait(for: "a", late).isRemembered) as Bool)
            if delivery == 0 { #expect(room.parked(late.subscription, for: "a", at: now).isEmpty) }
        }
        #expect(room.leave("a", of: out.project, at: now) == [late])
        #expect(room.waiters == 0)
        // In vain: it waits again, and is woken when the first wake is given up.
        #expect(room.parked(late.subscription, for: "a", at: now).isEmpty)
        #expect(room.waiters == 1)
        #expect(room.expireWakes(at: now + .seconds(3)) == [late])
    }

    @Test func `Projects take turns in being woken`() throws {
        var room = HostRoom(limit: 1)
        let (now, out) = (ContinuousClock.now, try Self.waiter(0))
        #expect((room.enter("a", out, at: now).isCounted) as Bool)
        for number in 1...100 {
            try #expect((room.wait(for: "a", Self.waiter(number, of: "loud")).isRemembered) as Bool)
            #expect(room.parked(try Self.waiter(number).subscription, for: "a", at: now).isEmpty)
        }
        let quiet = try Self.waiter(200, of: "quiet")
        #expect((room.wait(for: "a", quiet).isRemembered) as Bool)
        #expect(room.parked(quiet.subscription, for: "a", at: now).isEmpty)
        var woken = room.leave("a", of: out.project, at: now)
        let first = try #require(woken.first)
        #expect((room.enter("a", first, at: now).isCounted) as Bool)
        woken = room.leave("a", of: first.project, at: now)
        #expect(woken == [quiet])
    }

    @Test func `A woken subscription that does not come is given up, and the next is woken`() throws {
        var room = HostRoom(limit: 1)
        let (now, out) = (ContinuousClock.now, try Self.waiter(0))
        #expect((room.enter("a", out, at: now).isCounted) as Bool)
        let waiters = try (1...3).map { try Self.waiter($0) }
        for waiter in waiters {
            #expect((room.wait(for: "a", waiter).isRemembered) as Bool)
            #expect(room.parked(waiter.subscription, for: "a", at: now).isEmpty)
        }
        #expect((room.leave("a", of: out.project, at: now) == [waiters[0]]) as Bool)
        #expect((room.expireWakes(at: now + .seconds(1)).isEmpty) as Bool)
        #expect((room.expireWakes(at: now + .seconds(3)) == [waiters[1]]) as Bool)
    }

    @Test func `One project cannot use up what is remembered, and what is not is parked for long`() throws {
        var room = HostRoom(limit: 1)
        let now = ContinuousClock.now
        var (remembered, last) = (0, 0.0)
        for number in 0..<HostRoom.waitersMax {
            let (isRemembered, seconds) = room.wait(for: "\(number % 7)", try Self.waiter(number, of: "loud"))
            remembered += isRemembered ? 1 : 0
            last = seconds.lowerBound
        }
        #expect(remembered == room.waiters && remembered < HostRoom.waitersMax * 9 / 10)
        #expect(last >= 30)
        let (isRemembered, seconds) = room.wait(for: "0", try Self.waiter(HostRoom.waitersMax, of: "quiet"))
        #expect(isRemembered && seconds.upperBound <= 25)
        for number in 0..<2 * HostRoom.waitersMax {
            _ = room.wait(for: "0", try Self.waiter(number, of: "p\(number % 100)"))
        }
        #expect(room.waiters <= HostRoom.waitersMax)
        try #expect((room.leave("a", of: ProjectID("p"), at: now).isEmpty) as Bool)
        #expect(room.inFlight(to: "a") == 0)
    }

    @Test func `A subscription that comes back in vain is parked longer, until it is woken`() throws {
        var room = HostRoom(limit: 1)
        let (now, out, late) = (ContinuousClock.now, try Self.waiter(1), try Self.waiter(2))
        #expect((room.enter("a", out, at: now).isCounted) as Bool)
        var waits: [Double] = []
        for _ in 0..<6 {
            #expect((!room.enter("a", late, at: now).isCounted) as Bool)
            let first = room.wait(for: "a", late).seconds
            let second = room.wait(for: "a", late).seconds
            #expect(first == second, "all of one return alike")
            for _ in 0..<2 { #expect(room.parked(late.subscription, for: "a", at: now).isEmpty) }
            waits.append(first.upperBound)
        }
        #expect(waits == [25, 60, 60, 60, 60, 60])
        #expect(room.leave("a", of: out.project, at: now) == [late])
        #expect((room.enter("a", out, at: now).isCounted) as Bool)
        #expect((!room.enter("a", late, at: now).isCounted) as Bool)
        #expect(room.wait(for: "a", late).seconds.upperBound == 25)
    }

    @Test func `A subscription whose address changes while its parking is written down leaves nothing behind`() throws {
        var room = HostRoom(limit: 1)
        let (now, out, moved) = (ContinuousClock.now, try Self.waiter(1), try Self.waiter(2))
        for host in ["a", "b"] {
            #expect((room.enter(host, out, at: now).isCounted) as Bool)
            #expect((!room.enter(host, moved, at: now).isCounted) as Bool)
            #expect((room.wait(for: host, moved).isRemembered) as Bool)
        }
        for host in ["a", "b"] { #expect(room.parked(moved.subscription, for: host, at: now).isEmpty) }
        #expect(room.waiters == 2)
        for host in ["a", "b"] { #expect(room.leave(host, of: out.project, at: now) == [moved]) }
        #expect(room.expireWakes(at: now + .seconds(3)).isEmpty)
        #expect(room.waiters == 0 && room.hostsKnown == 0)
    }
}
