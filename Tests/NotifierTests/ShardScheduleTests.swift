import Domain
import Notifier
import Store
import Testing

struct ShardScheduleTests {
    private static let now = Timestamp(milliseconds: 1_000_000)

    @Test func `Each kind of work gets one step in turn, however much of another is pending`() {
        var schedule = ShardSchedule()
        let kinds: [ShardSchedule.Work] = [.reap, .take, .lease, .sweep]
        for work in kinds { _ = schedule.request(work) }
        var counts: [ShardSchedule.Work: Int] = [:]
        for _ in 0..<400 {
            guard case .perform(let work) = schedule.next() else { break }
            counts[work, default: 0] += 1
            // There is always more of it.
            switch work {
            case .take: schedule.took(more: true, isPaced: false, [], isBounded: false)
            case .lease:
                _ = schedule.leased(more: false, [], nextDue: nil, now: Self.now)
                _ = schedule.request(.lease)
            default: _ = schedule.request(work)
            }
        }
        #expect(counts == [.reap: 100, .take: 100, .lease: 100, .sweep: 100])
    }

    @Test func `A kind of work that fails waits longer each time, and holds up no other`() {
        var schedule = ShardSchedule()
        var pauses: [Duration] = []
        for _ in 0..<4 {
            _ = schedule.request(.sweep)
            #expect((schedule.next() == .perform(.sweep)) as Bool)
            pauses.append(schedule.failed(.sweep, chance: 0))
            // A look asks for it meanwhile.
            #expect((!schedule.request(.sweep) && !schedule.hasWork && schedule.next() == .wait) as Bool)
            for work in [ShardSchedule.Work.take, .lease] {
                #expect((schedule.request(work) && schedule.next() == .perform(work)) as Bool)
                schedule.succeeded(work)
                schedule.took(more: false, isPaced: false, [], isBounded: false)
                while schedule.hasWork { _ = schedule.next() }
                _ = schedule.leased(more: false, [], nextDue: nil, now: Self.now)
            }
            #expect((schedule.retry(.sweep)) as Bool)
        }
        #expect(pauses == [.milliseconds(10), .milliseconds(20), .milliseconds(40), .milliseconds(80)])
        #expect((schedule.next() == .perform(.sweep)) as Bool)
        schedule.succeeded(.sweep)
        #expect(schedule.failed(.sweep, chance: 0) == .milliseconds(10))
    }

    @Test func `Subscriptions that could not be woken are woken when that is repeated`() throws {
        var schedule = ShardSchedule()
        let ids = try (0..<3).map { try #require(SubscriptionID(String(repeating: "0", count: 26) + "\($0)")) }
        for id in ids { _ = schedule.hostHasCapacity(for: id) }
        #expect((schedule.next() == .perform(.wake)) as Bool)
        let first = schedule.nextWakes()
        schedule.wakesFailed(first)
        _ = schedule.failed(.wake, chance: 0)
        #expect((schedule.retry(.wake) && schedule.next() == .perform(.wake)) as Bool)
        #expect((schedule.nextWakes() == ids && schedule.next() == .wait) as Bool)
    }

    @Test func `Either the worker or a settlement leases at a time, and what does not lease goes on`() {
        var schedule = ShardSchedule()
        #expect((schedule.settlerMayLease() && !schedule.settlerMayLease()) as Bool)
        _ = schedule.request(.take)
        _ = schedule.request(.sweep)
        #expect((schedule.next() == .perform(.sweep)) as Bool)
        #expect((schedule.next() == .wait) as Bool)
        _ = schedule.leased(more: false, [], nextDue: nil, now: Self.now)
        #expect((schedule.next() == .perform(.take)) as Bool)
        #expect((!schedule.settlerMayLease() && schedule.isLeasing) as Bool)
        schedule.took(more: false, isPaced: false, [], isBounded: false)
        #expect((schedule.settlerMayLease()) as Bool)
    }

    @Test func `What is due although nothing came is asked for again soon, later each time up to a bound`() {
        var schedule = ShardSchedule()
        var waits: [Int64?] = []
        for _ in 0..<5 {
            waits.append(schedule.leased(more: true, [], nextDue: Self.now, now: Self.now))
            #expect((schedule.timerFired() && schedule.next() == .perform(.lease)) as Bool)
        }
        #expect(waits == [20, 40, 80, 100, 100])
        #expect(
            schedule.leased(more: false, [], nextDue: nil, now: Self.now) == nil, "nothing that may be leased is due")
    }

    @Test func `The timer follows the earliest due time, and leaves distant ones to a look`() {
        var schedule = ShardSchedule()
        func at(_ milliseconds: Int64) -> Timestamp { Self.now.adding(milliseconds: milliseconds) }
        #expect(schedule.lookAgain(at: at(300), now: Self.now) == 300)
        #expect(schedule.lookAgain(at: at(400), now: Self.now) == nil)
        #expect(schedule.lookAgain(at: at(200), now: Self.now) == 200)
        #expect(schedule.lookAgain(at: at(60_000), now: Self.now) == nil)
        #expect(schedule.lookAgain(at: at(0), now: Self.now) == 0)
        #expect((schedule.next() == .perform(.lease)) as Bool)
    }

    @Test(arguments: [Int64.min, -1, 0, Int64.max])
    func `No time that Redis shows ends the process`(milliseconds: Int64) {
        let odd = Timestamp(milliseconds: milliseconds)
        for (due, now) in [(odd, Self.now), (Self.now, odd), (odd, odd)] {
            var schedule = ShardSchedule()
            _ = schedule.lookAgain(at: due, now: now)
            _ = schedule.leased(more: true, [], nextDue: due, now: now)
            _ = RedisClock(shown: odd).now
        }
    }

    @Test func `After a stop nothing is pending and nothing new is taken`() {
        var schedule = ShardSchedule()
        _ = schedule.request(.take)
        schedule.stop()
        #expect((schedule.next() == .finish) as Bool)
        #expect((!schedule.request(.lease) && !schedule.settlerMayLease() && !schedule.timerFired()) as Bool)
        #expect(schedule.lookAgain(at: Self.now.adding(milliseconds: 10), now: Self.now) == nil)
        #expect((schedule.next() == .finish) as Bool)
    }

    @Test func `Projects take turns in starting, and a step starts no more than a megabyte`() async throws {
        try await withTestDeployment { deployment in
            let quiet = QueueAddress(project: try ProjectID("quiet"), name: try QueueName("q"))
            let large = "\"\(String(repeating: "x", count: 300_000))\""
            for number in 0..<8 { try await deployment.subscribe("http://127.0.0.1:1/\(number)") }
            try await deployment.subscribe("http://127.0.0.1:1/", queue: quiet)
            try await deployment.post(large)
            try await deployment.post("1", to: quiet)
            let leases = try await deployment.takeAll()
            #expect(leases.count == 9)

            var (schedule, inFlight) = (ShardSchedule(), InFlightDeliveries())
            let startables = leases.sorted { $0.body.count > $1.body.count }.map {
                LeasedDelivery(id: inFlight.start($0), lease: $0)
            }
            schedule.took(more: false, isPaced: false, startables, isBounded: false)
            #expect((schedule.next() == .perform(.start)) as Bool)
            let first = schedule.nextStarts()
            #expect(first.count == 5 && first[1].lease.queue == quiet, "\(first.map(\.lease.body.count))")
            #expect((schedule.next() == .perform(.start)) as Bool)
            #expect(schedule.nextStarts().count == 4)
            #expect((schedule.next() == .wait) as Bool)
        }
    }

    @Test func `Events of paced projects are taken again when attempts end, or time has passed`() {
        for ends in [true, false] {
            var schedule = ShardSchedule()
            #expect(schedule.request(.take) as Bool)
            #expect((schedule.next() == .perform(.take)) as Bool)
            schedule.took(more: false, isPaced: true, [], isBounded: false)
            #expect((schedule.next() == .perform(.lease)) as Bool)
            _ = schedule.leased(more: false, [], nextDue: nil, now: Timestamp(milliseconds: 0))
            #expect((schedule.next() == .wait) as Bool)
            #expect((ends ? schedule.attemptsEnded() : schedule.mayBeginMore()) as Bool)
            #expect((schedule.next() == .perform(.take)) as Bool)
            schedule.took(more: false, isPaced: false, [], isBounded: false)
            while case .perform(let work) = schedule.next() {
                #expect(work == .lease)
                _ = schedule.leased(more: false, [], nextDue: nil, now: Timestamp(milliseconds: 0))
            }
            #expect((!schedule.attemptsEnded()) as Bool)
        }
    }

    @Test func `While many bytes wait to be started nothing more is leased`() async throws {
        try await withTestDeployment { deployment in
            for number in 0..<16 { try await deployment.subscribe("http://127.0.0.1:1/\(number)") }
            try await deployment.post("\"\(String(repeating: "x", count: 300_000))\"")
            var (schedule, inFlight) = (ShardSchedule(), InFlightDeliveries())
            let startables = try await deployment.takeAll().map {
                LeasedDelivery(id: inFlight.start($0), lease: $0)
            }
            schedule.took(more: true, isPaced: false, startables, isBounded: false)
            #expect((!schedule.hasCapacityToStart && !schedule.settlerMayLease()) as Bool)
            var performed: [ShardSchedule.Action] = []
            for _ in 0..<3 {
                performed.append(schedule.next())
                if performed.last == .perform(.take) {
                    schedule.took(more: false, isPaced: false, [], isBounded: false)
                }
            }
            #expect(performed == [.perform(.start), .perform(.take), .wait])
            _ = schedule.nextStarts()
            _ = schedule.nextStarts()
            #expect(schedule.hasCapacityToStart)
        }
    }
}
