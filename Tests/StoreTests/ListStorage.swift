import Cryptography
import Domain
import NIOConcurrencyHelpers
import NIOCore
import Signing
import Store
import TestKit

/// Queues, messages and claims in plain lists: the second conformer of the storage protocols, against which their checks are
/// run, and the shortest statement of what they promise.
///
/// Everything is one step under one lock, and what has expired is removed before each step.
final class ListStorage: Sendable {
    fileprivate struct Entry {
        let id: MessageID
        var position: Position
        let createdAt: Timestamp
        let delay: Int?
        let client: ClientID
        let checksum: [UInt8]?
        let isSealed: Bool
        let body: [UInt8]
        /// Which of the queue's messages it is, from 1.
        var number: Int64
        var ttl: Int
        var expires: Timestamp
        var visible: Timestamp
        var claimCount = 0
        var claim: ClaimID?
        var claimEnd = Timestamp(milliseconds: 0)

        func isClaimed(at now: Timestamp) -> Bool { self.claim != nil && now < self.claimEnd }
        func isFree(at now: Timestamp) -> Bool { !self.isClaimed(at: now) && self.visible <= now }

        func message(at now: Timestamp) -> StoredMessage {
            StoredMessage(
                id: self.id, ttl: self.ttl, age: now.wholeSeconds(since: self.createdAt), delay: self.delay,
                claim: self.isClaimed(at: now) ? self.claim : nil, claimCount: self.claimCount, checksum: self.checksum,
                isSealed: self.isSealed, body: self.body[...])
        }
    }

    fileprivate struct ClaimEntry {
        var start: Timestamp
        var ttl: Int
        var end: Timestamp { self.start.adding(seconds: self.ttl) }
    }

    fileprivate struct KeyEntry {
        let request: [UInt8]
        let ids: [MessageID]
        let ends: Timestamp
    }

    fileprivate struct Queue {
        var metadata = Array("{}".utf8)
        var attributes = QueueAttributes()
        var entries: [Entry] = []
        var claims: [ClaimID: ClaimEntry] = [:]
        /// What posts with keys were answered, by the digests of these.
        var keys: [[UInt8]: KeyEntry] = [:]
        /// Messages that were ever appended.
        var posted: Int64 = 0
        /// Of the first of them.
        var start = Position(1)

        mutating func append(_ entry: Entry) {
            var entry = entry
            if self.posted == 0 { self.start = entry.position }
            self.posted += 1
            entry.number = self.posted
            self.entries.append(entry)
        }

        /// What a post with a key was answered; nil: there was none.
        func outcome(of key: PostKey) -> PostOutcome? {
            self.keys[key.digest].map { $0.request == key.request ? .repeated($0.ids, .memory) : .keyTaken }
        }

        /// The most claims of a message, where one that had them moves.
        var claimCountMax: Int? { self.attributes.deadLetterQueue == nil ? nil : self.attributes.claimCountMax }

        mutating func prolong(_ index: Int, beyond end: Timestamp, to ttl: Int, at now: Timestamp) {
            guard self.entries[index].expires < end else { return }
            self.entries[index].expires = now.adding(seconds: ttl)
            self.entries[index].ttl = ttl
        }
    }

    fileprivate struct State {
        var queues: [QueueAddress: Queue] = [:]
        var lastPosition = Position(0)
    }

    private let time: MovableTime
    private let tagger = MessageTagger(key: Array(repeating: 7, count: MessageTagger.keyBytes))
    private let state = NIOLockedValueBox(State())

    init(time: MovableTime) {
        self.time = time
    }

    /// The queues that hold messages or claims which have not expired.
    var leftovers: [String] {
        self.step { state, _ in
            state.queues.filter { !$0.value.entries.isEmpty || !$0.value.claims.isEmpty }.map(\.key.key)
        }
    }

    private func step<Result>(_ body: (inout State, Timestamp) throws -> Result) rethrows -> Result {
        let now = self.time.now
        return try self.state.withLockedValue { state in
            for queue in state.queues.keys {
                state.queues[queue]?.entries.removeAll { $0.expires <= now }
                let keys = state.queues[queue]?.keys.filter { $0.value.ends > now }
                state.queues[queue]?.keys = keys ?? [:]
                for (id, claim) in state.queues[queue]?.claims ?? [:] where claim.end <= now {
                    state.queues[queue]?.claims[id] = nil
                }
            }
            return try body(&state, now)
        }
    }

    private func on<Result>(
        _ queue: QueueAddress, _ none: Result, _ body: (inout Queue, Timestamp) -> Result
    ) -> Result {
        self.step { state, now in
            guard var found = state.queues[queue] else { return none }
            defer { state.queues[queue] = found }
            return body(&found, now)
        }
    }
}

extension ListStorage: QueueStorage {
    func create(
        _ queue: QueueAddress, metadata: [UInt8], attributes: QueueAttributes
    ) async throws(StoreError) -> Bool {
        self.step { state, _ in
            guard state.queues[queue] == nil else { return false }
            state.queues[queue] = Queue(metadata: metadata, attributes: attributes)
            return true
        }
    }

    func metadata(of queue: QueueAddress) async throws(StoreError) -> [UInt8]? {
        self.on(queue, nil) { queue, _ in queue.metadata }
    }

    func metadata(of queues: [QueueAddress]) async throws(StoreError) -> [[UInt8]?] {
        self.step { state, _ in queues.map { state.queues[$0]?.metadata } }
    }

    func update(
        _ queue: QueueAddress, _ change: ([UInt8]) throws -> (metadata: [UInt8], attributes: QueueAttributes)?
    ) async throws -> [UInt8]? {
        try self.step { state, _ in
            guard let read = state.queues[queue]?.metadata, let (metadata, attributes) = try change(read) else {
                return nil
            }
            state.queues[queue]?.metadata = metadata
            state.queues[queue]?.attributes = attributes
            return metadata
        }
    }

    func delete(_ queue: QueueAddress) async throws(StoreError) {
        self.step { state, _ in state.queues[queue] = nil }
    }

    func deleteIfEmpty(_ queue: QueueAddress) async throws(StoreError) -> Bool {
        self.step { state, _ in
            guard state.queues[queue].map({ $0.entries.isEmpty && $0.keys.isEmpty }) ?? true else { return false }
            state.queues[queue] = nil
            return true
        }
    }

    func traits(of queue: QueueAddress) async throws(StoreError) -> QueueTraits {
        self.on(queue, QueueTraits(encryptsMessages: false)) { queue, _ in queue.attributes.traits }
    }

    func stats(of queue: QueueAddress) async throws(StoreError) -> QueueStats {
        self.on(queue, QueueStats(total: 0, claimed: 0, oldest: nil, newest: nil)) { queue, now in
            func edge(_ entry: Entry) -> QueueStats.Edge {
                QueueStats.Edge(
                    id: entry.id, createdAt: entry.createdAt, age: now.wholeSeconds(since: entry.createdAt))
            }
            return QueueStats(
                total: queue.entries.count, claimed: queue.entries.count { $0.isClaimed(at: now) },
                oldest: queue.entries.first.map(edge), newest: queue.entries.last.map(edge))
        }
    }
}

extension QueueAttributes {
    fileprivate var traits: QueueTraits {
        QueueTraits(encryptsMessages: self.encryptsMessages, durability: self.durability)
    }
}

extension ListStorage: MessageStorage {
    func post(
        _ messages: [MessageDraft], to queue: QueueAddress, by client: ClientID, requestBytes: Int,
        defaults: PostDefaults, key: PostKey?, expecting traits: QueueTraits?
    ) async throws -> PostOutcome {
        try self.step { state, now in
            var found = state.queues[queue] ?? Queue()
            let rules = found.attributes
            if let key, let outcome = found.outcome(of: key) { return outcome }
            if let bytesMax = rules.postBytesMax, requestBytes > bytesMax {
                throw Refusal.bodyInvalid("This queue takes requests of at most \(bytesMax) bytes.")
            }
            if let traits, traits.encryptsMessages != rules.encryptsMessages { return .traitsDiffer(rules.traits) }
            var ids: [MessageID] = []
            for draft in messages {
                let position = state.nextPosition(at: now)
                let id = self.id(at: position, in: queue)
                let ttl = draft.ttl ?? rules.messageTTLDefault ?? defaults.ttl
                let delay = draft.delay ?? (rules.messageDelayDefault == 0 ? nil : rules.messageDelayDefault)
                found.append(
                    Entry(
                        id: id, position: position, createdAt: position.createdAt, delay: delay, client: client,
                        checksum: draft.checksum, isSealed: draft.isSealed, body: Array(draft.body.readableBytesView),
                        number: 0, ttl: ttl, expires: position.createdAt.adding(seconds: ttl),
                        visible: position.createdAt.adding(seconds: delay ?? 0)))
                ids.append(id)
            }
            if let key {
                found.keys[key.digest] = KeyEntry(
                    request: key.request, ids: ids, ends: now.adding(seconds: key.window))
            }
            state.queues[queue] = found
            return .posted(ids, .memory)
        }
    }

    func repeated(_ key: PostKey, to queue: QueueAddress) async throws -> PostOutcome? {
        self.step { state, _ in state.queues[queue]?.outcome(of: key) }
    }

    func list(
        _ queue: QueueAddress, after: MessageID?, limit: Int, hiding: ClientID?, includeDelayed: Bool,
        includeClaimed: Bool
    ) async throws(StoreError) -> [StoredMessage] {
        self.on(queue, []) { queue, now in
            var behind = after?.position ?? Position(0)
            if let moved = queue.entries.first(where: { $0.id == after }) { behind = moved.position }
            return queue.entries.filter { entry in
                entry.position > behind && entry.client != hiding && (includeDelayed || entry.visible <= now)
                    && (includeClaimed || !entry.isClaimed(at: now))
            }
            .prefix(limit).map { $0.message(at: now) }
        }
    }

    func follow(_ queue: QueueAddress, from start: FollowStart, limit: Int) async throws(StoreError) -> Followed {
        self.step { state, now in
            let found = state.queues[queue]
            let (entries, posted) = (found?.entries ?? [], found?.posted ?? 0)
            var steps: [FollowStep] = []
            var (position, passed): (Position, Int64)
            func place() -> QueuePlace { QueuePlace(id: self.id(at: position, in: queue), sequence: passed) }
            switch start {
            case .end: (position, passed) = (entries.last?.position ?? found?.start ?? Position(1), posted)
            case .oldest: (position, passed) = (Position(1), (entries.first?.number ?? posted + 1) - 1)
            case .behind(let place):
                position = place.id.position
                if let sequence = place.sequence {
                    passed = sequence
                } else {
                    passed = entries.last { $0.position <= position }?.number ?? 0
                }
            }
            if case .behind(let before) = start, before.sequence != nil, let found, passed > 0,
                passed > posted || position < found.start
            {
                (position, passed) = (Position(1), 0)
                steps.append(FollowStep(event: .restart, place: place()))
            }
            func gap(through last: Int64) {
                guard last > passed else { return }
                let range = passed + 1...last
                passed = last
                steps.append(FollowStep(event: .gap(range), place: place()))
            }
            let read = entries.filter { $0.position > position }.prefix(limit)
            let isComplete = entries.filter { $0.position > position }.count < limit
            for entry in read {
                position = Position(entry.position.value - 1)
                gap(through: entry.number - 1)
                (position, passed) = (entry.position, entry.number)
                steps.append(
                    FollowStep(event: .message(entry.message(at: now), sequence: entry.number), place: place()))
            }
            if isComplete {
                position = max(position, found?.start ?? position)
                gap(through: posted)
            }
            return Followed(steps: steps, place: place())
        }
    }

    func get(_ queue: QueueAddress, id: MessageID) async throws(StoreError) -> StoredMessage? {
        try await self.get(queue, ids: [id]).first
    }

    func get(_ queue: QueueAddress, ids: [MessageID]) async throws(StoreError) -> [StoredMessage] {
        self.on(queue, []) { queue, now in
            var seen: Set<MessageID> = []
            return ids.filter { seen.insert($0).inserted }.compactMap { id in
                queue.entries.first { $0.id == id }?.message(at: now)
            }
        }
    }

    func id(at position: Position, in queue: QueueAddress) -> MessageID {
        MessageID(position: position, tag: self.tagger.tag(queue: queue, position: position))
    }

    func isIssued(_ id: MessageID, in queue: QueueAddress) -> Bool { self.id(at: id.position, in: queue) == id }

    func delete(_ queue: QueueAddress, id: MessageID, claim: String?) async throws(StoreError) -> MessageDeletion {
        self.on(queue, .deleted) { queue, now in
            guard let index = queue.entries.firstIndex(where: { $0.id == id }) else { return .deleted }
            let entry = queue.entries[index]
            if !entry.isClaimed(at: now) {
                guard claim == nil else { return .notClaimed }
            } else {
                guard let claim else { return .claimed }
                guard claim == entry.claim?.text else {
                    let isActive = ClaimID(claim).map { queue.claims[$0] != nil } ?? false
                    return isActive ? .claimedByAnother : .notClaimed
                }
            }
            queue.entries.remove(at: index)
            return .deleted
        }
    }

    func delete(_ queue: QueueAddress, ids: [MessageID]) async throws(StoreError) {
        self.on(queue, ()) { queue, _ in queue.entries.removeAll { ids.contains($0.id) } }
    }

    func delete(
        _ queue: QueueAddress, ids: [MessageID], claims: [String]
    ) async throws(StoreError) -> BulkDeletion {
        self.on(queue, .deleted) { queue, now in
            for id in ids {
                guard let entry = queue.entries.first(where: { $0.id == id }) else { continue }
                guard entry.isClaimed(at: now) else { return .notClaimed }
                guard claims.contains(entry.claim?.text ?? "") else { return .claimedByAnother }
            }
            queue.entries.removeAll { ids.contains($0.id) }
            return .deleted
        }
    }

    func pop(_ queue: QueueAddress, limit: Int) async throws(StoreError) -> [StoredMessage] {
        self.on(queue, []) { queue, now in
            let popped = Array(queue.entries.filter { $0.isFree(at: now) }.prefix(limit))
            queue.entries.removeAll { entry in popped.contains { $0.id == entry.id } }
            return popped.map { $0.message(at: now) }
        }
    }

    func purge(_ queue: QueueAddress) async throws(StoreError) {
        self.on(queue, ()) { queue, _ in
            queue.entries = []
            queue.claims = [:]
        }
    }
}

extension ListStorage: ClaimStorage {
    func create(
        _ queue: QueueAddress, limit: Int, ttl: Int, grace: Int
    ) async throws(StoreError) -> NewClaim? {
        self.step { state, now in
            guard var found = state.queues[queue] else { return nil }
            let id = ClaimID(random: SecureRandom.bytes(ClaimID.randomBytes))
            let claim = ClaimEntry(start: now, ttl: ttl)
            var (claimed, moved): ([Int], [Int]) = ([], [])
            for index in found.entries.indices where found.entries[index].isFree(at: now) {
                if claimed.count == limit { break }
                let isSpent = found.claimCountMax.map { found.entries[index].claimCount >= $0 } ?? false
                if isSpent { moved.append(index) } else { claimed.append(index) }
            }
            for index in claimed {
                found.entries[index].claim = id
                found.entries[index].claimEnd = claim.end
                if found.claimCountMax != nil { found.entries[index].claimCount += 1 }
                found.prolong(index, beyond: claim.end, to: ttl + grace, at: now)
            }
            let messages = claimed.map { found.entries[$0].message(at: now) }
            if !messages.isEmpty { found.claims[id] = claim }
            let leaving = moved.map { found.entries[$0] }
            for index in moved.reversed() { found.entries.remove(at: index) }
            state.queues[queue] = found
            if let target = found.attributes.deadLetterQueue {
                state.move(
                    leaving, to: QueueAddress(project: queue.project, name: target),
                    ttl: found.attributes.deadLetterTTL, at: now)
            }
            return messages.isEmpty ? nil : NewClaim(id: id, messages: messages)
        }
    }

    func get(_ queue: QueueAddress, id: ClaimID) async throws(StoreError) -> Claim? {
        self.on(queue, nil) { queue, now in
            queue.claims[id].map { claim in
                Claim(
                    id: id, ttl: claim.ttl, age: now.wholeSeconds(since: claim.start),
                    messages: queue.entries.filter { $0.claim == id }.map { $0.message(at: now) })
            }
        }
    }

    func update(_ queue: QueueAddress, id: ClaimID, ttl: Int, grace: Int) async throws(StoreError) -> Bool {
        self.on(queue, false) { queue, now in
            guard queue.claims[id] != nil else { return false }
            let claim = ClaimEntry(start: now, ttl: ttl)
            queue.claims[id] = claim
            for index in queue.entries.indices where queue.entries[index].claim == id {
                queue.entries[index].claimEnd = claim.end
                queue.prolong(index, beyond: claim.end, to: ttl + grace, at: now)
            }
            return true
        }
    }

    func release(_ queue: QueueAddress, id: ClaimID) async throws(StoreError) {
        self.on(queue, ()) { queue, _ in
            guard queue.claims.removeValue(forKey: id) != nil else { return }
            for index in queue.entries.indices where queue.entries[index].claim == id {
                queue.entries[index].claim = nil
            }
        }
    }
}

extension ListStorage.State {
    mutating func nextPosition(at now: Timestamp) -> Position {
        self.lastPosition = max(self.lastPosition.advanced(by: 1), Position(now.milliseconds * Position.perMillisecond))
        return self.lastPosition
    }

    mutating func move(_ entries: [ListStorage.Entry], to target: QueueAddress, ttl: Int?, at now: Timestamp) {
        for var entry in entries {
            if let ttl {
                entry.ttl = ttl
                entry.expires = now.adding(seconds: ttl)
            }
            entry.position = self.nextPosition(at: now)
            entry.visible = entry.createdAt
            (entry.claim, entry.claimCount) = (nil, 0)
            self.queues[target, default: ListStorage.Queue()].append(entry)
        }
    }
}
