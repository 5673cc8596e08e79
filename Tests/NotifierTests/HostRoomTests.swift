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
        #expect((room.wait(for: "a", late) && room.wait(for: "a", late)) as Bool)
        #expect(room.waiters == 1)
        for _ in 0..<2 { #expect(room.parked(late.subscription, at: now).isEmpty) }
        #expect((room.leave("a", of: out.project, at: now) == [late]) as Bool)
        #expect(room.waiters == 0)
        #expect((room.enter("a", late, at: now).isCounted) as Bool)
        #expect((room.wait(for: "a", out)) as Bool)
        #expect((!room.enter("a", out, at: now).isCounted) as Bool, "it waits its turn")
    }

    @Test func `A subscription is woken only once its parking is written down, also when room comes before`() throws {
        var room = HostRoom(limit: 1)
        let (now, out, late) = (ContinuousClock.now, try Self.waiter(1), try Self.waiter(2))
        #expect((room.enter("a", out, at: now).isCounted) as Bool)
        #expect((room.wait(for: "a", late)) as Bool)
        #expect(room.leave("a", of: out.project, at: now).isEmpty)
        #expect((!room.enter("a", late, at: now).isCounted) as Bool)
        #expect((room.wait(for: "a", late)) as Bool)
        #expect(room.parked(late.subscription, at: now).isEmpty, "one of two")
        #expect(room.parked(late.subscription, at: now) == [late])
        // It was refused again, and woken before that was written down.
        #expect((room.enter("a", out, at: now).isCounted) as Bool)
        for delivery in 0..<2 {
            #expect((!room.enter("a", late, at: now).isCounted) as Bool)
            #expect((room.wait(for: "a", late)) as Bool)
            if delivery == 0 { #expect(room.parked(late.subscription, at: now).isEmpty) }
        }
        #expect(room.leave("a", of: out.project, at: now) == [late])
        #expect(room.waiters == 0)
        // In vain: it waits again, and is woken when the first wake is given up.
        #expect(room.parked(late.subscription, at: now).isEmpty)
        #expect(room.waiters == 1)
        #expect(room.expireWakes(at: now + .seconds(3)) == [late])
    }

    @Test func `Projects take turns in being woken`() throws {
        var room = HostRoom(limit: 1)
        let (now, out) = (ContinuousClock.now, try Self.waiter(0))
        #expect((room.enter("a", out, at: now).isCounted) as Bool)
        for number in 1...100 {
            try #expect((room.wait(for: "a", Self.waiter(number, of: "loud"))) as Bool)
            #expect(room.parked(try Self.waiter(number).subscription, at: now).isEmpty)
        }
        let quiet = try Self.waiter(200, of: "quiet")
        #expect((room.wait(for: "a", quiet)) as Bool)
        #expect(room.parked(quiet.subscription, at: now).isEmpty)
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
            #expect((room.wait(for: "a", waiter)) as Bool)
            #expect(room.parked(waiter.subscription, at: now).isEmpty)
        }
        #expect((room.leave("a", of: out.project, at: now) == [waiters[0]]) as Bool)
        #expect((room.expireWakes(at: now + .seconds(1)).isEmpty) as Bool)
        #expect((room.expireWakes(at: now + .seconds(3)) == [waiters[1]]) as Bool)
    }

    @Test func `So many subscriptions are remembered and no more, and what was not counted is not given back`() throws {
        var room = HostRoom(limit: 1)
        let now = ContinuousClock.now
        for number in 0..<HostRoom.waitersMax {
            try #expect((room.wait(for: "\(number % 7)", Self.waiter(number))) as Bool)
        }
        try #expect((!room.wait(for: "a", Self.waiter(HostRoom.waitersMax))) as Bool)
        try #expect((room.leave("a", of: ProjectID("p"), at: now).isEmpty) as Bool)
        #expect(room.inFlight(to: "a") == 0)
    }
}
