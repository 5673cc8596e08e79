import Domain
import NIOCore
import Store
import TestKit
import Testing

/// Random operations on two queues of each backend that are each other's dead-letter queue, each compared with what a plain list says;
/// with crashes between the two halves of a move.
struct ClaimModelTests {
    private struct Entry {
        let id: MessageID
        let client: Int
        let body: String
        let createdAt: Timestamp
        var expires: Timestamp
        var visible: Timestamp
        var ttl: Int
        var count = 0
        var claim: ClaimID?
        var claimEnd = Timestamp(milliseconds: 0)

        func isClaimed(at now: Timestamp) -> Bool { self.claim != nil && now < self.claimEnd }
        func isFree(at now: Timestamp) -> Bool { !self.isClaimed(at: now) && self.visible <= now }
    }

    private struct ClaimEntry {
        let queue: Int
        var start: Timestamp
        var ttl: Int
        var end: Timestamp { self.start.adding(seconds: self.ttl) }
    }

    private struct World {
        let queues: [QueueAddress]
        var random: SeededGenerator
        var attributes: [QueueAttributes]
        var entries: [[Entry]] = [[], []]
        var claims: [ClaimID: ClaimEntry] = [:]
        /// Left one queue and not in the other yet: which queue they go to.
        var moving: [(to: Int, entry: Entry)] = []
        var ended: [ClaimID] = []
    }

    @Test(arguments: [UInt64](1...10), StorageBackend.allCases)
    func `Claims, deletions, pops and moves behave as on plain lists, whatever the order, whatever crashes`(
        seed: UInt64, backend: StorageBackend
    ) async throws {
        try await backend.with(shards: 2) { test in
            var random = SeededGenerator(seed: seed)
            let queues = [try address("p", "source"), try address("p", "dead.\(seed)")]
            let attributes = (0..<2).map { index in
                random.chance(0.7)
                    ? QueueAttributes(
                        claimCountMax: random.pick([1, 2]), deadLetterQueue: queues[1 - index].name,
                        deadLetterTTL: random.pick([nil, 100, 9999])) : QueueAttributes()
            }
            for (queue, attributes) in zip(queues, attributes) {
                _ = try await test.queues.create(queue, metadata: Array("{}".utf8), attributes: attributes)
            }
            var world = World(queues: queues, random: random, attributes: attributes)
            for step in 0..<300 {
                test.time.pass(
                    milliseconds: world.random.pick(
                        world.random.chance(0.5) ? [0, 1, 50, 1000, 20_000, 70_000] : [0, 1, 5]))
                let now = test.time.now
                for index in 0..<2 { world.entries[index].removeAll { $0.expires <= now } }
                try await self.step(test, &world, "seed \(seed), step \(step)")
            }
            try await self.arriveAll(test, &world)
            test.time.pass(seconds: 2_000_000)
            try await test.sweepAll()
            #expect(try await test.leftovers().isEmpty, "seed \(seed): an expired queue leaves nothing but itself")
        }
    }

    private func step(_ test: any StorageSubject, _ world: inout World, _ place: Comment) async throws {
        let index = world.random.pick([0, 0, 1])
        switch Int.random(in: 0..<100, using: &world.random) {
        case 0..<26: try await self.post(test, &world, index)
        case 26..<48: try await self.claim(test, &world, index, place)
        case 48..<54: try await self.release(test, &world)
        case 54..<60: try await self.update(test, &world, place)
        case 60..<65: try await self.query(test, &world, place)
        case 65..<72: try await self.deleteOne(test, &world, index, place)
        case 72..<77: try await self.deleteSeveral(test, &world, index, place)
        case 77..<80: try await self.pop(test, &world, index, place)
        case 80:
            try await test.messages.purge(world.queues[index])
            world.entries[index] = []
            for (id, claim) in world.claims where claim.queue == index { world.claims[id] = nil }
        case 81..<84:
            try await self.arriveAll(test, &world)
            try await test.sweep(limit: world.random.pick([1, 3, 500]))
        case 84..<88: try await self.get(test, &world, index, place)
        case 88..<91: try await self.stats(test, world, index, place)
        default: try await self.list(test, &world, index, place)
        }
    }

    private func post(_ test: any StorageSubject, _ world: inout World, _ index: Int) async throws {
        let client = world.random.pick([1, 1, 2])
        let drafts = (0..<world.random.pick([1, 1, 2, 5])).map { _ in
            let ttl = world.random.pick([60, 60, 60, 120, 3600])
            return MessageDraft(
                ttl: ttl, delay: world.random.pick([nil, nil, 0, 0, 5, ttl > 90 ? 90 : 30]),
                body: ByteBuffer(string: "\(UInt64.random(in: 0...UInt64.max, using: &world.random))"),
                checksum: world.random.chance(0.3) ? [UInt8](repeating: 7, count: 16) : nil,
                isSealed: world.random.chance(0.3))
        }
        let ids = try await test.messages.post(
            drafts, to: world.queues[index], by: try self.poster(client), requestBytes: 100,
            defaults: PostDefaults(ttl: 3600))
        for (id, draft) in zip(ids, drafts) {
            let created = id.position.createdAt
            world.entries[index].append(
                Entry(
                    id: id, client: client, body: String(buffer: draft.body),
                    createdAt: created, expires: created.adding(seconds: draft.ttl ?? 0),
                    visible: created.adding(seconds: draft.delay ?? 0), ttl: draft.ttl ?? 0))
        }
    }

    // MARK: - Claims

    private func claim(_ test: any StorageSubject, _ world: inout World, _ index: Int, _ place: Comment) async throws {
        try await self.arriveAll(test, &world)
        let now = test.time.now
        let (limit, ttl, grace) = (
            world.random.pick([1, 3, 10, 20]), world.random.pick([60, 300]), world.random.pick([0, 60])
        )
        let rules = world.attributes[index]
        var wanted: [Int] = []
        var moved: [Int] = []
        for (number, entry) in world.entries[index].enumerated() where entry.isFree(at: now) {
            if wanted.count == limit { break }
            let isSpent = rules.claimCountMax.map { entry.count >= $0 } ?? false
            if isSpent { moved.append(number) } else { wanted.append(number) }
        }
        let crashes = test.movesInTwoSteps && !moved.isEmpty && world.random.chance(0.5)
        func create() async throws -> NewClaim? {
            try await test.claims.create(world.queues[index], limit: limit, ttl: ttl, grace: grace)
        }
        let claim = crashes ? try await test.interruptingMoves(create) : try await create()
        #expect((claim != nil) == !wanted.isEmpty, place)
        let end = now.adding(seconds: ttl)
        for number in wanted {
            world.entries[index][number].claim = claim?.id
            world.entries[index][number].claimEnd = end
            if rules.claimCountMax != nil { world.entries[index][number].count += 1 }
            if world.entries[index][number].expires < end {
                world.entries[index][number].expires = now.adding(seconds: ttl + grace)
                world.entries[index][number].ttl = ttl + grace
            }
        }
        try self.check(claim?.messages ?? [], wanted.map { world.entries[index][$0] }, now, place)
        if let claim { world.claims[claim.id] = ClaimEntry(queue: index, start: now, ttl: ttl) }
        for number in moved.reversed() {
            var entry = world.entries[index].remove(at: number)
            if let ttl = rules.deadLetterTTL {
                entry.ttl = ttl
                entry.expires = now.adding(seconds: ttl)
            }
            entry.count = 0
            entry.claim = nil
            world.moving.insert((1 - index, entry), at: 0)
        }
        if !crashes { try await self.arriveAll(test, &world) }
    }

    /// Lets what is on its way arrive, at times more than once.
    private func arriveAll(_ test: any StorageSubject, _ world: inout World) async throws {
        try await test.finishMoves(again: world.random.chance(0.5))
        // Where they stand now the listing says; that each is there once, and in order, the next comparisons say.
        for (target, moving) in world.moving where test.time.now < moving.expires {
            var entry = moving
            entry.visible = entry.createdAt
            world.entries[target].append(entry)
        }
        world.moving = []
    }

    private func release(_ test: any StorageSubject, _ world: inout World) async throws {
        guard let id = world.claims.keys.sorted(by: { $0.text < $1.text }).randomElement(using: &world.random),
            let claim = world.claims.removeValue(forKey: id)
        else { return }
        try await test.claims.release(world.queues[claim.queue], id: id)
        world.ended.append(id)
        for number in world.entries[claim.queue].indices where world.entries[claim.queue][number].claim == id {
            world.entries[claim.queue][number].claim = nil
        }
    }

    private func update(_ test: any StorageSubject, _ world: inout World, _ place: Comment) async throws {
        guard let id = self.anyClaim(&world) else { return }
        let (now, ttl) = (test.time.now, world.random.pick([60, 100, 400]))
        let queue = world.claims[id]?.queue ?? world.random.pick([0, 1])
        let updated = try await test.claims.update(world.queues[queue], id: id, ttl: ttl, grace: 60)
        guard var claim = world.claims[id], now < claim.end else {
            #expect(!updated, place)
            return
        }
        #expect(updated, place)
        claim.start = now
        claim.ttl = ttl
        world.claims[id] = claim
        for number in world.entries[queue].indices where world.entries[queue][number].claim == id {
            world.entries[queue][number].claimEnd = claim.end
            if world.entries[queue][number].expires < claim.end {
                world.entries[queue][number].expires = now.adding(seconds: ttl + 60)
                world.entries[queue][number].ttl = ttl + 60
            }
        }
    }

    private func query(_ test: any StorageSubject, _ world: inout World, _ place: Comment) async throws {
        guard let id = self.anyClaim(&world) else { return }
        let now = test.time.now
        let queue = world.claims[id]?.queue ?? world.random.pick([0, 1])
        let found = try await test.claims.get(world.queues[queue], id: id)
        guard let claim = world.claims[id], now < claim.end else {
            #expect(found == nil, place)
            return
        }
        #expect(found?.ttl == claim.ttl && found?.age == now.wholeSeconds(since: claim.start), place)
        try self.check(found?.messages ?? [], world.entries[queue].filter { $0.claim == id }, now, place)
    }

    private func anyClaim(_ world: inout World) -> ClaimID? {
        (world.claims.keys.sorted { $0.text < $1.text } + world.ended.suffix(2)).randomElement(using: &world.random)
    }

    // MARK: - Leaving the queue

    private func deleteOne(_ test: any StorageSubject, _ world: inout World, _ index: Int, _ place: Comment)
        async throws
    {
        guard let entry = world.entries[index].randomElement(using: &world.random) else { return }
        let now = test.time.now
        let claim: String? =
            world.random.chance(0.5)
            ? entry.claim?.text : world.random.pick([nil, "; DROP TABLE queues", self.anyClaim(&world)?.text])
        let deletion = try await test.messages.delete(world.queues[index], id: entry.id, claim: claim)
        let wanted: MessageDeletion
        if !entry.isClaimed(at: now) {
            wanted = claim == nil ? .deleted : .notClaimed
        } else if let claim {
            let other = ClaimID(claim).flatMap { world.claims[$0] }
            let isActive = other.map { $0.queue == index && now < $0.end } ?? false
            wanted = claim == entry.claim?.text ? .deleted : isActive ? .claimedByAnother : .notClaimed
        } else {
            wanted = .claimed
        }
        #expect(deletion == wanted, place)
        if wanted == .deleted { world.entries[index].removeAll { $0.id == entry.id } }
    }

    private func deleteSeveral(
        _ test: any StorageSubject, _ world: inout World, _ index: Int, _ place: Comment
    ) async throws {
        let now = test.time.now
        let chosen = Array(world.entries[index].shuffled(using: &world.random).prefix(world.random.pick([1, 2, 5])))
        let ids = chosen.map(\.id) + [try #require(MessageID(String(repeating: "0", count: 27)))]
        guard world.random.chance(0.6) else {
            try await test.messages.delete(world.queues[index], ids: ids)
            world.entries[index].removeAll { entry in ids.contains(entry.id) }
            return
        }
        var claims = chosen.compactMap { $0.claim?.text } + [""]
        if world.random.chance(0.4) { claims.removeFirst() }
        let deletion = try await test.messages.delete(world.queues[index], ids: ids, claims: claims)
        var wanted = BulkDeletion.deleted
        for entry in chosen where wanted == .deleted {
            if !entry.isClaimed(at: now) {
                wanted = .notClaimed
            } else if !claims.contains(entry.claim?.text ?? "") {
                wanted = .claimedByAnother
            }
        }
        #expect(deletion == wanted, place)
        if wanted == .deleted { world.entries[index].removeAll { entry in ids.contains(entry.id) } }
    }

    private func pop(_ test: any StorageSubject, _ world: inout World, _ index: Int, _ place: Comment) async throws {
        let (now, limit) = (test.time.now, world.random.pick([1, 5]))
        let popped = try await test.messages.pop(world.queues[index], limit: limit)
        let wanted = Array(world.entries[index].filter { $0.isFree(at: now) }.prefix(limit))
        try self.check(popped, wanted, now, place)
        world.entries[index].removeAll { entry in wanted.contains { $0.id == entry.id } }
    }

    // MARK: - Looking

    private func get(_ test: any StorageSubject, _ world: inout World, _ index: Int, _ place: Comment) async throws {
        let chosen = Array(world.entries[index].shuffled(using: &world.random).prefix(3))
        let other = world.entries[1 - index].prefix(1).map(\.id)
        let found = try await test.messages.get(
            world.queues[index], ids: chosen.map(\.id) + other + chosen.map(\.id))
        try self.check(found, chosen, test.time.now, place)
    }

    private func list(_ test: any StorageSubject, _ world: inout World, _ index: Int, _ place: Comment) async throws {
        let now = test.time.now
        let (claimed, delayed) = (world.random.chance(0.5), world.random.chance(0.5))
        let hiding = world.random.chance(0.5) ? 1 : nil
        let limit = world.random.pick([1, 10, 20])
        let marker = world.random.chance(0.5) ? world.entries[index].indices.randomElement(using: &world.random) : nil
        let messages = try await test.messages.list(
            world.queues[index], after: marker.map { world.entries[index][$0].id }, limit: limit,
            hiding: try hiding.map { try client($0) }, includeDelayed: delayed, includeClaimed: claimed)
        let wanted = world.entries[index][(marker.map { $0 + 1 } ?? 0)...].filter { entry in
            (claimed || !entry.isClaimed(at: now)) && (delayed || entry.visible <= now) && entry.client != hiding
        }
        try self.check(messages, Array(wanted.prefix(limit)), now, place)
    }

    private func stats(_ test: any StorageSubject, _ world: World, _ index: Int, _ place: Comment) async throws {
        let now = test.time.now
        let stats = try await test.queues.stats(of: world.queues[index])
        let entries = world.entries[index]
        #expect(stats.total == entries.count, place)
        #expect(stats.claimed == entries.count { $0.isClaimed(at: now) }, place)
        #expect(stats.oldest?.id == entries.first?.id && stats.newest?.id == entries.last?.id, place)
        #expect(stats.oldest?.createdAt == entries.first?.createdAt, place)
        #expect(stats.newest?.age == entries.last.map { now.wholeSeconds(since: $0.createdAt) }, place)
    }

    private func check(
        _ messages: [StoredMessage], _ wanted: [Entry], _ now: Timestamp, _ place: Comment
    ) throws {
        #expect(messages.map(\.id) == wanted.map(\.id), place)
        #expect(messages.map { String(decoding: $0.body, as: UTF8.self) } == wanted.map(\.body), place)
        #expect(messages.map(\.ttl) == wanted.map(\.ttl), place)
        #expect(messages.map(\.age) == wanted.map { now.wholeSeconds(since: $0.createdAt) }, place)
        #expect(messages.map(\.claim) == wanted.map { $0.isClaimed(at: now) ? $0.claim : nil }, place)
        #expect(messages.map(\.claimCount) == wanted.map(\.count), place)
    }

    private func poster(_ digit: Int) throws -> ClientID { try client(digit) }
}
