import Domain
import Redis
import Store
import TestKit
import Testing

/// The way of deliveries with workers that die between any two steps, whose answers are lost, doubled, late, and out of
/// order, that may lease only so much of a project, of messages that end while their deliveries wait, of dead letters
/// that are sent again, and of filter policies that change.
///
/// Every message reaches every subscription whose policy wants it or ends before, ends there once, and nothing is left behind.
struct DeliveryModelTests {
    private struct Pair: Hashable {
        let subscription: SubscriptionID
        let position: Position
    }

    private struct World {
        var random: SeededGenerator
        let crash: Double
        let page: Int
        let capacity: Int
        var queues: [QueueAddress] = []
        var living: [QueueAddress: [SubscriptionID]] = [:]
        var ended: Set<SubscriptionID> = []
        /// When subscriptions end by themselves.
        var expiries: [SubscriptionID: Timestamp] = [:]
        /// Of ``ended`` those that did.
        var expired: Set<SubscriptionID> = []
        /// Whether there are such.
        var hasExpiries = false
        /// Every delivery.
        var enqueued: Set<Pair> = []
        var attempts: [Pair: Int] = [:]
        var endings: [Pair: Int] = [:]
        /// Dead letters that were sent again.
        var redriven = 0
        /// Whether there ever was one that could be.
        var offersRedrive = false
        /// Settlements said already, which may be said again at any time.
        var said: [Settlement] = []
        /// When the lives of messages end that end early; later where they were sent again.
        var lives: [Pair: Timestamp] = [:]
        /// When a pair may be attempted again.
        var notBefore: [Pair: Timestamp] = [:]
        /// Leases whose attempt was made and is not settled.
        var held: [Lease] = []
        var addresses = 0
        /// Of subscriptions with a filter policy: which remainder by three a body must not have.
        var unwanted: [SubscriptionID: Int] = [:]
        /// Every message for every subscription that was there, wanted or not.
        var posted: Set<Pair> = []
        /// Bodies, by position.
        var bodies: [Position: Int] = [:]
        /// Deliveries that the policy of before wanted, or the one of now, but not both: they may be made or not.
        var undecided: Set<Pair> = []
        /// What a notifier keeps between two calls.
        var verdicts: [EventVerdicts] = []
        /// The place of the queues, how often they moved, and how often that was begun.
        var location = 0
        var moves = 0
        var marks = 0

        mutating func expire(at now: Timestamp) {
            for (queue, ids) in self.living {
                let over = ids.filter { self.expiries[$0].map { $0 <= now } ?? false }
                guard !over.isEmpty else { continue }
                self.living[queue]?.removeAll { over.contains($0) }
                self.ended.formUnion(over)
                self.expired.formUnion(over)
            }
        }
    }

    @Test(arguments: StorageBackend.runs(seeds: 6))
    func `Every message reaches every subscription and ends there once, and nothing is left behind`(
        seed: UInt64, backend: StorageBackend
    ) async throws {
        try await backend.withServers(shards: 1) { test in try await self.run([test], seed: seed) }
    }

    @Test(arguments: StorageBackend.runs(seeds: 6))
    func `The same while its queues move between two stores, and movers end between any two steps`(
        seed: UInt64, backend: StorageBackend
    ) async throws {
        try await backend.withServers(shards: 1) { test in
            try await withOther(of: test) { other in try await self.run([test, other], seed: seed) }
        }
    }

    /// - Parameter places: The store that the queues are made in, and others that they move to.
    private func run(_ places: [TestStore], seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let subscriptions = random.pick([1, 3, 20])
        var world = World(
            random: random, crash: random.pick([0, 0.1, 0.4]), page: random.pick([1, 2, 7, 500]),
            capacity: random.pick([0, 1, 5, 1000]))
        // Of a queue that moves the ended subscriptions stay behind, with what waits for them.
        world.hasExpiries = places.count == 1
        for number in 0..<4 {
            let queue = try address("p\(number % 3)", "q\(number)")
            world.queues.append(queue)
            for _ in 0..<(number == 0 ? 1 : subscriptions) { try await self.subscribe(places[0], &world, queue) }
        }
        for step in 0..<400 {
            let place: Comment = "seed \(seed), step \(step)"
            places[0].time.pass(milliseconds: world.random.pick([0, 1, 5, 200, 3000]))
            world.expire(at: places[0].time.now)
            if places.count > 1, world.random.chance(0.05) { try await self.move(places, &world, place) }
            try await self.step(places[world.location], &world, isBusy: step < 300, place)
            if step.isMultiple(of: 5) { try await places[world.location].checkBacklog(place) }
        }
        let test = places[world.location]
        try await self.finish(test, &world, "seed \(seed)")
        try await self.check(test, world, "seed \(seed)")
        guard places.count > 1 else {
            #expect(world.redriven > 0 || !world.offersRedrive, "seed \(seed): nothing was sent again")
            return
        }
        #expect(world.moves > 0, "seed \(seed): nothing was moved")
        for place in places where place.store !== test.store {
            try await place.sweepAll()
            test.time.pass(seconds: 2)
            try await place.sweepAll()
            let left = try await place.shardKeys().filter { !["last-position", "wakeup", "queue-sweeps"].contains($0) }
            // The names of what moved away stay barred for a while.
            for key in left {
                #expect(
                    try await place.command("TYPE", place.key(key)).text == "string",
                    "seed \(seed): \(key) is left where the queues were")
            }
        }
    }

    /// Moves all queues to the other store, unless the mover ends.
    private func move(_ places: [TestStore], _ world: inout World, _ place: Comment) async throws {
        let (from, to) = (places[world.location].store.closedQueues, places[1 - world.location].store.closedQueues)
        world.marks += 1
        let mark = "\(world.marks)"
        func ends() -> Bool { world.random.chance(world.crash / 4) }
        func isCopied() async throws -> Bool {
            for queue in world.queues where try await !from.hold(queue) || ends() { return false }
            var closings: [ClosedQueues.Closing] = []
            for queue in world.queues {
                var closing = try await from.close(queue, mark: mark)
                while case .failure(let hindrance) = closing {
                    if ends() { return false }
                    try await self.clear(hindrance, places[world.location], &world, place)
                    closing = try await from.close(queue, mark: mark)
                }
                closings.append(try closing.get())
                if ends() { return false }
            }
            for (queue, closing) in zip(world.queues, closings) {
                #expect(
                    try await to.bar(queue, mark: mark, closing, isCopied: false), "\(place): a queue of that name")
                if ends() { return false }
                do { try await QueueCopy(of: queue, from: from, to: to, check: {}).run() } catch is QueueCopy.Collision
                {
                    return false
                }
                #expect(try await to.bar(queue, mark: mark, closing, isCopied: true))
            }
            return !ends()
        }
        guard try await isCopied() else {
            for queue in world.queues { try await MoveSteps.undo(queue, from: from, to: to) }
            return
        }
        for queue in world.queues {
            // Another process may begin anew.
            for _ in 0..<(ends() ? 2 : 1) { try await MoveSteps.open(queue, from: from, in: to) }
            for _ in 0..<(ends() ? 2 : 1) { try await MoveSteps.clean(queue, in: from) }
        }
        world.location = 1 - world.location
        world.moves += 1
    }

    /// What workers do meanwhile: they end their attempts, and fan out what was posted.
    private func clear(
        _ hindrance: ClosedQueues.Hindrance, _ test: TestStore, _ world: inout World, _ place: Comment
    ) async throws {
        let settlements = world.held.map { Settlement($0, self.ending(of: $0, &world)) }
        world.held = []
        try await self.settle(test, &world, settlements, capacity: 5, place)
        let taken = try await test.store.deliveries.take(
            0, allowance: LeaseAllowance(capacity: 5), page: world.page, lease: .seconds(4), confirmedOnly: false,
            verdicts: world.verdicts)
        self.judge(&world, taken)
        self.work(&world, taken.leases, at: test.time.now, place)
        test.time.pass(seconds: 2)
        _ = try await test.store.deliveries.reap(0)
    }

    private func step(
        _ test: TestStore, _ world: inout World, isBusy: Bool, _ place: Comment
    ) async throws {
        let deliveries = test.store.deliveries
        switch Int.random(in: 0..<100, using: &world.random) {
        case 0..<20:
            if isBusy { try await self.post(test, &world) }
        case 20..<45:
            let allowance = try self.allowance(&world, capacity: world.capacity)
            let taken = try await deliveries.take(
                0, events: world.random.pick([1, 3]), allowance: allowance, page: world.page, lease: .seconds(4),
                confirmedOnly: false, verdicts: world.verdicts)
            self.judge(&world, taken)
            self.check(taken.leases, allowance, place)
            self.work(&world, taken.leases, at: test.time.now, place)
        case 45..<58:
            let allowance = try self.allowance(&world, capacity: world.random.pick([1, 5, 50]))
            let leases = try await deliveries.lease(
                0, allowance: allowance, lease: .seconds(4), projects: 8, subscriptionsPerProject: 4
            ).leases
            self.check(leases, allowance, place)
            self.work(&world, leases, at: test.time.now, place)
        case 58..<62: try await self.redrive(test, &world, place)
        case 62..<85:
            world.held.shuffle(using: &world.random)
            let count = Int.random(in: 0...world.held.count, using: &world.random)
            let leases = Array(world.held.suffix(count))
            world.held.removeLast(count)
            let settlements = leases.map { Settlement($0, self.ending(of: $0, &world)) }
            try await self.settle(test, &world, settlements, capacity: world.random.pick([0, 1, 5, 50]), place)
        case 85..<88: try await self.renew(test, &world)
        case 88..<91:
            let queue = world.random.pick(world.queues)
            if isBusy, let id = world.living[queue]?.randomElement(using: &world.random), world.random.chance(0.5) {
                try await test.store.subscriptions.delete(queue, id: id)
                world.living[queue]?.removeAll { $0 == id }
                world.ended.insert(id)
            } else if isBusy, world.random.chance(0.5) {
                try await self.subscribe(test, &world, queue)
            } else if let id = world.living[queue]?.randomElement(using: &world.random) {
                try await self.changePolicy(test, &world, of: id, in: queue)
            }
        case 91..<94: _ = try await deliveries.sweep(0, limit: world.random.pick([1, 5, 500]))
        default: _ = try await deliveries.reap(0, limit: world.random.pick([1, 10, 100]))
        }
    }

    /// What a call may lease: of each project, of some of them less, or nothing.
    private func allowance(_ world: inout World, capacity: Int) throws -> LeaseAllowance {
        var allowance = LeaseAllowance(capacity: capacity, projectMax: world.random.pick([nil, nil, 2]))
        for queue in world.queues where world.random.chance(0.2) {
            let most = world.random.pick([0, 1, 7, 20])
            allowance.projects[queue.project] = most
            if most == 0, world.random.chance(0.5) { allowance.paced.insert(queue.project) }
        }
        return allowance
    }

    private func check(_ leases: [Lease], _ allowance: LeaseAllowance, _ place: Comment) {
        #expect(leases.count <= allowance.capacity, "\(place): more than the capacity")
        for (project, leases) in Dictionary(grouping: leases, by: \.queue.project) {
            let most = allowance.projects[project] ?? allowance.projectMax
            #expect(leases.count <= most, "\(place): more than a project may have")
        }
    }

    /// Has dead letters of a queue sent again, then repeats what was said of their attempts before.
    private func redrive(_ test: TestStore, _ world: inout World, _ place: Comment) async throws {
        let deliveries = test.store.deliveries
        let queue = world.random.pick(world.queues)
        let all = try await deliveries.deadLetters(of: queue, limit: 200).deadLetters
        // Those of a subscription that ended cannot be sent again: they are left.
        let gone = all.filter { world.ended.contains($0.subscription) }
        let deadLetters = all.filter { !world.ended.contains($0.subscription) }.prefix(2) + gone.prefix(1)
        world.offersRedrive = world.offersRedrive || deadLetters.contains { $0.hasBody }
        let (outcomes, _) = try await deliveries.redrive(
            deadLetters.map { ($0.subscription, $0.position) }, of: queue, confirmedOnly: [])
        for (deadLetter, outcome) in zip(deadLetters, outcomes) where outcome == .enqueued {
            let pair = Pair(subscription: deadLetter.subscription, position: deadLetter.position)
            world.redriven += 1
            world.notBefore[pair] = nil
        }
        let late = world.said.filter { _ in world.random.chance(0.2) }
        guard !late.isEmpty else { return }
        let settled = try await deliveries.settle(
            0, Array(late.prefix(100)), allowance: LeaseAllowance(capacity: 0), lease: .seconds(4))
        #expect(settled.written.allSatisfy { !$0 }, "\(place): written down twice")
    }

    private func subscribe(_ test: TestStore, _ world: inout World, _ queue: QueueAddress) async throws {
        world.addresses += 1
        let unwanted = world.random.chance(0.5) ? Int.random(in: 0..<3, using: &world.random) : nil
        let ttl = world.hasExpiries && world.random.chance(0.2) ? 60 : 1_000_000
        let id = try await test.subscribe(
            "http://s\(world.addresses)/", to: queue, ttl: ttl, pace: Pace(isFiltered: unwanted != nil))
        world.expiries[id] = test.time.now.adding(seconds: ttl)
        world.unwanted[id] = unwanted
        world.living[queue, default: []].append(id)
    }

    /// Gives a subscription another filter policy, or none.
    private func changePolicy(
        _ test: TestStore, _ world: inout World, of id: SubscriptionID, in queue: QueueAddress
    ) async throws {
        let unwanted = world.random.pick([nil, 0, 1, 2])
        let before = world.unwanted[id]
        let change = SubscriptionChange(options: Array("{}".utf8), pace: Pace(isFiltered: unwanted != nil))
        let update = try await test.store.subscriptions.update(queue, id: id, change, resettingConfirmation: false)
        #expect(update == .updated)
        world.unwanted[id] = unwanted
        // What waits to be fanned out may be either.
        for (position, body) in world.bodies {
            let pair = Pair(subscription: id, position: position)
            guard world.posted.contains(pair), world.attempts[pair] == nil else { continue }
            let (was, becomes) = (body % 3 != before, body % 3 != unwanted)
            if was != becomes {
                world.undecided.insert(pair)
                world.enqueued.insert(pair)
            }
        }
    }

    /// What a notifier finds out for its next call; it may end instead, or be overtaken by another one that found out before.
    private func judge(_ world: inout World, _ taken: Taken) {
        if world.random.chance(world.crash) {
            world.verdicts = []
        } else if !world.random.chance(world.crash / 4) {
            let unwanted = world.unwanted
            world.verdicts = taken.undecided.map { event in
                event.judged { one, body in one.subscription.flatMap { unwanted[$0] } != (Int(body) ?? 0) % 3 }
            }
        }
    }

    private func post(_ test: TestStore, _ world: inout World) async throws {
        let queue = world.random.pick(world.queues)
        let count = world.random.pick([1, 1, 3, world.random.chance(0.05) ? 120 : 2])
        let ttl = world.random.pick([3600, 3600, 20])
        for (body, id) in try await test.post((0..<count).map { "\($0)" }, to: queue, ttl: ttl).enumerated() {
            world.bodies[id.position] = body
            for subscription in world.living[queue] ?? [] {
                let pair = Pair(subscription: subscription, position: id.position)
                world.posted.insert(pair)
                if world.unwanted[subscription] != body % 3 { world.enqueued.insert(pair) }
                if ttl < 3600 { world.lives[pair] = test.time.now.adding(seconds: ttl) }
            }
        }
    }

    /// What a worker does with leases: any of them may be lost with it, before its attempt or after.
    private func work(_ world: inout World, _ leases: [Lease], at now: Timestamp, _ place: Comment) {
        for lease in leases {
            let pair = Pair(subscription: lease.subscription, position: lease.position)
            #expect(!world.ended.contains(lease.subscription), "\(place): handed out for an ended subscription")
            #expect(world.notBefore[pair].map { $0 <= now } ?? true, "\(place): handed out early")
            if world.random.chance(world.crash) { continue }
            world.attempts[pair, default: 0] += 1
            if world.random.chance(world.crash) { continue }
            world.held.append(lease)
        }
    }

    private func ending(of lease: Lease, _ world: inout World) -> Settlement.Ending {
        switch Double.random(in: 0..<1, using: &world.random) {
        case ..<0.6: .delivered
        case ..<0.7: .deadLetter(world.random.pick([.refused, .exhausted, .expired]), summary: "refused 404")
        case ..<0.75: .handedBack
        case ..<0.8: .postponed(.seconds(world.random.pick([1, 3])))
        case ..<0.82: .parked(.seconds(world.random.pick([1, 3])))
        default: lease.attempt < 5 ? .retry(after: .seconds(world.random.pick([0, 1, 5]))) : .delivered
        }
    }

    private func settle(
        _ test: TestStore, _ world: inout World, _ settlements: [Settlement], capacity: Int, _ place: Comment
    ) async throws {
        // An answer that was lost makes the worker say it all again.
        for _ in 0..<(world.random.chance(world.crash) ? 2 : 1) {
            let settled = try await test.store.deliveries.settle(
                0, settlements, allowance: LeaseAllowance(capacity: capacity), lease: .seconds(4))
            for (settlement, isWritten) in zip(settlements, settled.written) where isWritten {
                let pair = Pair(subscription: settlement.token.subscription, position: settlement.token.position)
                if case .handedBack = settlement.ending {} else { world.said.append(settlement) }
                switch settlement.ending {
                case .delivered: world.endings[pair, default: 0] += 1
                case .retry(let delay), .postponed(let delay), .collected(let delay):
                    world.notBefore[pair] = test.time.now.adding(seconds: Int(delay.components.seconds))
                case .deadLetter, .handedBack, .parked, .dropped, .ended: break
                }
            }
            self.work(&world, settled.leased?.leases ?? [], at: test.time.now, place)
        }
    }

    private func renew(_ test: TestStore, _ world: inout World) async throws {
        let tokens = try await test.store.deliveries.renew(0, world.held.map(\.token), lease: .seconds(4))
        for (index, token) in tokens.enumerated() {
            // A lost answer leaves the worker with the older token, which is as good for an outcome.
            guard let token, !world.random.chance(world.crash) else { continue }
            world.held[index].token = token
        }
    }

    /// Workers that do not fail, until nothing is left to do.
    private func finish(_ test: TestStore, _ world: inout World, _ place: Comment) async throws {
        var roundsWithoutWork = 0
        while roundsWithoutWork < 20 {
            test.time.pass(seconds: 2)
            world.expire(at: test.time.now)
            let deliveries = test.store.deliveries
            let taken = try await deliveries.take(
                0, allowance: LeaseAllowance(capacity: 100), page: world.page, lease: .seconds(4), confirmedOnly: false,
                verdicts: world.verdicts)
            let unwanted = world.unwanted
            world.verdicts = taken.undecided.map { event in
                event.judged { one, body in one.subscription.flatMap { unwanted[$0] } != (Int(body) ?? 0) % 3 }
            }
            var leases = taken.leases
            leases += try await deliveries.lease(0, allowance: LeaseAllowance(capacity: 200), lease: .seconds(4)).leases
            for lease in leases {
                world.attempts[Pair(subscription: lease.subscription, position: lease.position), default: 0] += 1
            }
            leases += world.held
            world.held = []
            try await self.settle(test, &world, leases.map { Settlement($0, .delivered) }, capacity: 0, place)
            _ = try await deliveries.reap(0)
            try await test.sweepAll()
            roundsWithoutWork = leases.isEmpty && !taken.more ? roundsWithoutWork + 1 : 0
        }
    }

    private func check(_ test: TestStore, _ world: World, _ place: Comment) async throws {
        let living = world.enqueued.filter { !world.ended.contains($0.subscription) && !world.undecided.contains($0) }
        // What ends as a dead letter counts as ended while it is there. Those whose workers ended, or whose message
        // ended while they waited, are reported by nothing else.
        var unattempted: Set<Pair> = []
        var endings = world.endings
        for queue in Set(world.queues) {
            for deadLetter in try await test.store.deliveries.deadLetters(of: queue, limit: 100_000).deadLetters {
                let pair = Pair(subscription: deadLetter.subscription, position: deadLetter.position)
                endings[pair, default: 0] += 1
                if deadLetter.reason == .quarantined || deadLetter.reason == .expired { unattempted.insert(pair) }
                if deadLetter.summary.hasPrefix("waited") {
                    let life = world.lives[pair]
                    #expect(life.map { $0 <= deadLetter.endedAt } ?? false, "\(place): ended before its message")
                }
            }
        }
        #expect(
            living.allSatisfy { world.attempts[$0, default: 0] >= 1 || unattempted.contains($0) },
            "\(place): not attempted")
        #expect(living.allSatisfy { endings[$0] == 1 }, "\(place): not ended once")
        #expect(endings.values.allSatisfy { $0 == 1 }, "\(place): ended twice")
        let over = world.enqueued.filter { world.expired.contains($0.subscription) && !world.undecided.contains($0) }
        #expect(
            over.allSatisfy { endings[$0] == 1 },
            "\(place): nothing says what became of it when its subscription ended")
        #expect(world.attempts.keys.allSatisfy { world.enqueued.contains($0) }, "\(place): invented")

        let allowed: Set<String> = [
            "last-position", "wakeup", "subscriptions", "subscription-headers", "subscription-expiries", "pacing",
            "attempt-counts", "queue-sweeps", "delivery-sweeps", "expired-counts",
        ]
        let left = try await test.shardKeys().filter { key in
            !allowed.contains(key)
                && ![
                    "queue:", "subscription-order:", "subscriber-addresses:", "dead-letter", "attempt-log:", "usage:",
                ].contains { key.hasPrefix($0) }
        }
        #expect(left.isEmpty, "\(place): records of deliveries that have ended")
        for key in try await test.keys() {
            if key.hasSuffix(":pacing") {
                let flows = try await test.command("HVALS", key).array?.compactMap { $0.text } ?? []
                #expect(flows.allSatisfy { $0.hasPrefix("0 ") }, "\(place): attempts counted as out")
            }
            if key.contains("}:attempt-log:") {
                #expect(
                    world.living.values.joined().contains { key.hasSuffix($0.text) },
                    "\(place): a log of no subscription")
            }
            if key.hasSuffix(":attempt-counts") {
                let living = Set(world.living.values.joined().map(\.text))
                let logged = try await test.command("HKEYS", key).array?.compactMap { $0.text } ?? []
                #expect(living.isSuperset(of: logged), "\(place): a log of no subscription")
            }
            if key.hasSuffix(":subscriptions") || key.hasSuffix(":subscription-headers") {
                #expect(
                    try await test.command("HLEN", key).int == world.living.values.joined().count,
                    "\(place): ended subscriptions in \(key)")
            }
        }
    }
}
