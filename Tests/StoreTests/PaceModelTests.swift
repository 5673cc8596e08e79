import Domain
import Redis
import Store
import TestKit
import Testing

/// What holds subscriptions back - order, limits, pauses, breakers, being disabled - with endpoints that fail for a while,
/// options that change meanwhile, and workers that die between any two steps.
///
/// Nothing starts that may not, every delivery ends once, and one that lapsed three times is a dead letter.
struct PaceModelTests {
    private struct Pair: Hashable {
        let subscription: SubscriptionID
        let position: Position
    }

    /// What is expected of one subscription.
    private struct Watch {
        let queue: QueueAddress
        var pace: Pace
        var isFailing = false
        var isPaused = false
        var isDisabled = false
        var starts: [Timestamp] = []
        /// Positions of the failures since the last success, when the first of them was, and what they did.
        var streak: [Position] = []
        var failingSince: Timestamp?
        var opened: Timestamp?
        var openings = 0

        var isOpen: Bool { self.opened != nil }

        mutating func succeed() {
            (self.streak, self.failingSince, self.opened, self.openings, self.isDisabled) = ([], nil, nil, 0, false)
        }

        mutating func fail(_ position: Position, at now: Timestamp, disableAfter: Int) {
            self.streak.append(position)
            self.failingSince = self.failingSince ?? now
            guard self.streak.count >= 20, Set(self.streak).count >= 3 else { return }
            if self.opened.map({ $0 <= now }) ?? true {
                self.opened = now.adding(milliseconds: min(60_000, 5_000 << Int64(min(self.openings, 5))))
                self.openings += 1
            }
            if disableAfter > 0, now.milliseconds - (self.failingSince?.milliseconds ?? 0) >= disableAfter * 1000 {
                self.isDisabled = true
            }
        }
    }

    private struct World {
        var random: SeededGenerator
        let crash: Double
        let page: Int
        /// Seconds; 0: never.
        let disableAfter: Int
        var queues: [QueueAddress] = []
        var watches: [SubscriptionID: Watch] = [:]
        var enqueued: Set<Pair> = []
        var ended: [Pair: Int] = [:]
        var leased: [Pair: Int] = [:]
        var settled: [Pair: Int] = [:]
        /// Attempts that were begun as suspects.
        var begun: [Pair: Set<Int>] = [:]
        var notBefore: [Pair: Timestamp] = [:]
        /// What the store holds to be out.
        var out: [Pair: Timestamp] = [:]
        /// Leases whose worker lives.
        var held: [Lease] = []
    }

    @Test(arguments: StorageBackend.runs(seeds: 8))
    func `Nothing starts out of order, above its limit, or while it is paused, open or disabled, and all ends once`(
        seed: UInt64, backend: StorageBackend
    ) async throws {
        try await backend.withServers(shards: 1) { test in
            var random = SeededGenerator(seed: seed)
            var world = World(
                random: random, crash: random.pick([0, 0.05, 0.3]), page: random.pick([1, 7, 500]),
                disableAfter: random.pick([0, 0, 60]))
            for number in 0..<3 {
                let queue = try address("p\(number % 2)", "q\(number)")
                world.queues.append(queue)
                for count in 0..<random.pick([1, 3, 6]) {
                    let pace = self.pace(&world)
                    let id = try await test.subscribe("http://\(number).\(count)/", to: queue, pace: pace)
                    world.watches[id] = Watch(queue: queue, pace: pace, isFailing: world.random.chance(0.7))
                }
            }
            for step in 0..<900 {
                test.time.pass(milliseconds: world.random.pick([0, 1, 3, 40, 300, 2000]))
                try await self.step(test, &world, isBusy: step < 700, "seed \(seed), step \(step)")
                if step.isMultiple(of: 5) { try await test.checkBacklog("seed \(seed), step \(step)") }
            }
            try await self.finish(test, &world, "seed \(seed)")
            try await self.check(test, world, "seed \(seed)")
        }
    }

    private func pace(_ world: inout World) -> Pace {
        Pace(isOrdered: world.random.chance(0.4), maxPerSecond: world.random.pick([nil, nil, 1, 3, 7, 45, 200]))
    }

    private func step(_ test: TestStore, _ world: inout World, isBusy: Bool, _ place: Comment) async throws {
        let deliveries = test.store.deliveries
        try await self.begin(test, &world, place)
        guard let id = world.watches.keys.sorted(by: { $0.text < $1.text }).randomElement(using: &world.random),
            let watch = world.watches[id]
        else { return }
        switch Int.random(in: 0..<100, using: &world.random) {
        case 0..<18: if isBusy { try await self.post(test, &world) }
        case 18..<40:
            let taken = try await deliveries.take(
                0, events: 3, allowance: LeaseAllowance(capacity: world.random.pick([1, 5, 1000])), page: world.page,
                lease: .seconds(4),
                confirmedOnly: false)
            self.work(&world, taken.leases, at: test.time.now, place)
        case 40..<60:
            let leases = try await deliveries.lease(
                0, allowance: LeaseAllowance(capacity: world.random.pick([1, 5, 50])), lease: .seconds(4))
            self.work(&world, leases.leases, at: test.time.now, place)
        case 60..<80:
            world.held.shuffle(using: &world.random)
            let leases = Array(world.held.prefix(Int.random(in: 0...world.held.count, using: &world.random)))
            world.held.removeFirst(leases.count)
            let settlements = leases.map { Settlement($0, self.ending(of: $0, &world)) }
            try await self.settle(test, &world, settlements, capacity: world.random.pick([0, 1, 5, 50]), place)
        case 80..<82: world.watches[id]?.isFailing.toggle()
        case 82..<84:
            #expect(try await deliveries.pause(watch.queue, subscription: id), place)
            world.watches[id]?.isPaused = true
        case 84..<90:
            if watch.isPaused || watch.isDisabled || world.random.chance(0.1) {
                try await self.resume(test, &world, id, place)
            }
        case 90..<92:
            let pace = self.pace(&world)
            let change = SubscriptionChange(options: Array("{}".utf8), pace: pace)
            let queue = watch.queue
            let update = try await test.store.subscriptions.update(queue, id: id, change, resettingConfirmation: false)
            #expect(update == .updated, place)
            world.watches[id]?.pace = pace
            world.watches[id]?.starts = []
        case 92..<95: try await self.renew(test, &world)
        default:
            _ = try await deliveries.reap(0, limit: world.random.pick([1, 10, 100]))
            world.out = world.out.filter { $0.value > test.time.now }
        }
    }

    private func resume(
        _ test: TestStore, _ world: inout World, _ id: SubscriptionID, _ place: Comment
    ) async throws {
        guard let watch = world.watches[id] else { return }
        #expect(try await test.store.deliveries.resume(watch.queue, subscription: id), place)
        world.watches[id]?.isPaused = false
        world.watches[id]?.succeed()
    }

    private func post(_ test: TestStore, _ world: inout World) async throws {
        let queue = world.random.pick(world.queues)
        for id in try await test.post((0..<world.random.pick([1, 2, 12])).map { "\($0)" }, to: queue) {
            for (subscription, watch) in world.watches where watch.queue == queue {
                world.enqueued.insert(Pair(subscription: subscription, position: id.position))
            }
        }
    }

    /// Holds what was handed out against what may be, then lets workers die with some of it.
    private func work(_ world: inout World, _ leases: [Lease], at now: Timestamp, _ place: Comment) {
        for lease in leases {
            let pair = Pair(subscription: lease.subscription, position: lease.position)
            guard let watch = world.watches[lease.subscription] else { continue }
            #expect(!watch.isPaused, "\(place): started while paused")
            #expect(!watch.isDisabled, "\(place): started while disabled")
            #expect(world.notBefore[pair].map { $0 <= now } ?? true, "\(place): started early")
            let others = world.out.keys.contains { $0.subscription == pair.subscription && $0 != pair }
            if let opened = watch.opened {
                #expect(opened <= now, "\(place): started while the breaker is open")
                #expect(!others, "\(place): a second probe")
            }
            if watch.pace.isOrdered {
                #expect(!others, "\(place): two at once of an ordered subscription")
                let before = world.enqueued.filter {
                    $0.subscription == pair.subscription && $0.position < pair.position && world.ended[$0] == nil
                }
                // Quarantined ones are known of only at the end.
                #expect(before.allSatisfy { world.begun[$0, default: []].count >= 3 }, "\(place): overtook")
            }
            if let limit = watch.pace.maxPerSecond {
                let recent = watch.starts.filter { now.milliseconds - $0.milliseconds < 1000 }
                #expect(recent.count < limit, "\(place): more than \(limit) in a second")
                world.watches[lease.subscription]?.starts = recent + [now]
            }
            world.out[pair] = lease.leasedUntil
            world.leased[pair, default: 0] += 1
            if !world.random.chance(world.crash) { world.held.append(lease) }
        }
    }

    /// Begins some of the suspects; a poison among them takes its worker with it.
    private func begin(_ test: TestStore, _ world: inout World, _ place: Comment) async throws {
        let suspects = world.held.filter { $0.suspicion > 0 && world.random.chance(0.5) }
        for (lease, isHeld) in zip(
            suspects, try await test.store.deliveries.begin(0, suspects.map(\.token)))
        where isHeld {
            let pair = Pair(subscription: lease.subscription, position: lease.position)
            world.begun[pair, default: []].insert(lease.attempt)
            if world.random.chance(world.crash) { world.held.removeAll { $0.token == lease.token } }
        }
    }

    private func ending(of lease: Lease, _ world: inout World) -> Settlement.Ending {
        if world.random.chance(0.05) { return .handedBack }
        if world.random.chance(0.05) { return .postponed(.seconds(world.random.pick([1, 3]))) }
        guard world.watches[lease.subscription]?.isFailing == true || world.random.chance(0.1) else {
            return .delivered
        }
        return lease.attempt < 9
            ? .retry(after: .seconds(world.random.pick([0, 1, 4]))) : .deadLetter(.exhausted, summary: "deferred 500")
    }

    private func settle(
        _ test: TestStore, _ world: inout World, _ settlements: [Settlement], capacity: Int, _ place: Comment
    ) async throws {
        // An answer that was lost makes the worker say it all again.
        for _ in 0..<(world.random.chance(world.crash) ? 2 : 1) {
            let settled = try await test.store.deliveries.settle(
                0, settlements, disableAfter: .seconds(world.disableAfter),
                allowance: LeaseAllowance(capacity: capacity), lease: .seconds(4))
            for (settlement, isWritten) in zip(settlements, settled.written) where isWritten {
                let id = settlement.token.subscription
                let pair = Pair(subscription: id, position: settlement.token.position)
                world.settled[pair, default: 0] += 1
                world.out[pair] = nil
                switch settlement.ending {
                case .delivered:
                    world.ended[pair, default: 0] += 1
                    world.watches[id]?.succeed()
                case .retry(let delay):
                    world.notBefore[pair] = test.time.now.adding(seconds: Int(delay.components.seconds))
                    world.watches[id]?.fail(pair.position, at: test.time.now, disableAfter: world.disableAfter)
                case .deadLetter:
                    world.ended[pair, default: 0] += 1
                    world.watches[id]?.fail(pair.position, at: test.time.now, disableAfter: world.disableAfter)
                case .postponed(let delay), .collected(let delay):
                    world.notBefore[pair] = test.time.now.adding(seconds: Int(delay.components.seconds))
                case .handedBack, .parked, .dropped, .ended: break
                }
            }
            self.work(&world, settled.leased?.leases ?? [], at: test.time.now, place)
        }
        for id in Set(settlements.map(\.token.subscription)) {
            guard let watch = world.watches[id] else { continue }
            let health = try await test.store.deliveries.health(of: watch.queue, subscription: id)
            #expect(health?.failures?.count ?? 0 == watch.streak.count)
            #expect(health?.probeAt == watch.opened && (health?.disabledSince != nil) == watch.isDisabled)
            #expect((health?.pausedSince != nil) == watch.isPaused)
        }
    }

    private func renew(_ test: TestStore, _ world: inout World) async throws {
        let tokens = try await test.store.deliveries.renew(0, world.held.map(\.token), lease: .seconds(4))
        for (index, token) in tokens.enumerated() {
            guard let token else { continue }
            world.held[index].token = token
            world.out[Pair(subscription: token.subscription, position: token.position)] = token.leasedUntil
        }
    }

    /// Workers and endpoints that do not fail, until nothing is left to do.
    private func finish(_ test: TestStore, _ world: inout World, _ place: Comment) async throws {
        for id in world.watches.keys.sorted(by: { $0.text < $1.text }) {
            try await self.resume(test, &world, id, place)
        }
        var roundsWithoutWork = 0
        while roundsWithoutWork < 40 {
            test.time.pass(milliseconds: 500)
            let deliveries = test.store.deliveries
            _ = try await deliveries.reap(0)
            world.out = world.out.filter { $0.value > test.time.now }
            var leases = try await deliveries.take(
                0, allowance: LeaseAllowance(capacity: 100), page: world.page, lease: .seconds(4), confirmedOnly: false
            ).leases
            leases += try await deliveries.lease(0, allowance: LeaseAllowance(capacity: 200), lease: .seconds(4)).leases
            self.work(&world, leases, at: test.time.now, place)
            let settlements = world.held.map { Settlement($0, .delivered) }
            world.held = []
            try await self.settle(test, &world, settlements, capacity: 0, place)
            roundsWithoutWork = leases.isEmpty ? roundsWithoutWork + 1 : 0
        }
    }

    private func check(_ test: TestStore, _ world: World, _ place: Comment) async throws {
        var ended = world.ended
        for queue in Set(world.queues) {
            for deadLetter in try await test.store.deliveries.deadLetters(of: queue, limit: 100_000).deadLetters
            where deadLetter.reason == .quarantined {
                let pair = Pair(subscription: deadLetter.subscription, position: deadLetter.position)
                ended[pair, default: 0] += 1
                #expect(
                    world.begun[pair, default: []].count >= 3, "\(place): quarantined without three lapses as a suspect"
                )
            }
        }
        #expect(world.enqueued.allSatisfy { ended[$0] == 1 }, "\(place): not ended once")
        #expect(Set(ended.keys) == world.enqueued, "\(place): invented")
        let allowed: Set<String> = [
            "last-position", "wakeup", "subscriptions", "subscription-headers", "subscription-expiries", "pacing",
            "attempt-counts", "queue-sweeps", "delivery-sweeps", "expired-counts",
        ]
        let left = try await test.shardKeys().filter { key in
            !allowed.contains(key)
                && !["queue:", "subscription-order:", "subscriber-addresses:", "dead-letter", "attempt-log:", "usage:"]
                    .contains { key.hasPrefix($0) }
        }
        #expect(left.isEmpty, "\(place): records of deliveries that have ended")
        for key in try await test.keys() where key.hasSuffix(":pacing") {
            let flows = try await test.command("HVALS", key).array?.compactMap { $0.text } ?? []
            #expect(flows.allSatisfy { $0.hasPrefix("0 ") && !$0.contains(/[pxfdsbk]/) }, "\(place): \(flows)")
        }
    }
}
