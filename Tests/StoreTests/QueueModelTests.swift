import Domain
import NIOCore
import Store
import TestKit
import Testing

/// Random operations on a queue of each backend, each compared with what a plain list says.
struct QueueModelTests {
    private struct Entry {
        let id: MessageID
        let expires: Int64
        let visible: Int64
        let ttl: Int
        let delay: Int?
        let client: Int
        let body: String
    }

    private struct Model {
        var exists = false
        var ttlDefault: Int?
        var delayDefault: Int?
        var entries: [Entry] = []
        var keys: [[UInt8]: (request: [UInt8], ids: [MessageID], ends: Timestamp)] = [:]
    }

    @Test(arguments: [UInt64](1...4), StorageBackend.allCases)
    func `A queue behaves as a list would, whatever is done to it in whatever order`(
        seed: UInt64, backend: StorageBackend
    ) async throws {
        try await backend.with(shards: 16) { test in
            var random = SeededGenerator(seed: seed)
            var model = Model()
            let queue = try address("pr:\(seed)", "q.\(seed)")
            for step in 0..<300 {
                let place: Comment = "seed \(seed), step \(step)"
                test.time.pass(
                    milliseconds: random.pick(
                        random.chance(0.5) ? [0, 1, 50, 1000, 20_000, 70_000] : [0, 1, 5]))
                let now = test.time.now.milliseconds
                model.entries.removeAll { $0.expires <= now }
                switch Int.random(in: 0..<100, using: &random) {
                case 0..<35: try await self.post(test, queue, &model, &random)
                case 35..<40: try await self.create(test, queue, &model, &random, place)
                case 40..<42:
                    try await test.queues.delete(queue)
                    model = Model()
                case 42..<50:
                    try await test.sweep(limit: random.pick([1, 3, 500]))
                case 50..<60: try await self.get(test, queue, model, &random, place)
                default: try await self.list(test, queue, model, &random, place)
                }
                #expect((try await test.queues.metadata(of: queue) != nil) == model.exists, place)
            }
            test.time.pass(seconds: 2_000_000)
            try await test.sweepAll()
            #expect(try await test.leftovers().isEmpty, "seed \(seed): an expired queue leaves nothing but itself")
        }
    }

    private func post(
        _ test: any StorageSubject, _ queue: QueueAddress, _ model: inout Model, _ random: inout SeededGenerator
    ) async throws {
        let count = random.pick([1, 1, 2, 5, random.chance(0.1) ? 130 : 3])
        let poster = random.pick([1, 2])
        let drafts = (0..<count).map { _ in
            let ttl = random.pick([nil, 60, 60, 60, 120, 3600])
            return MessageDraft(
                ttl: ttl, delay: random.pick([nil, nil, nil, 0, 5, ttl == 60 ? 30 : 90]),
                body: ByteBuffer(string: "{\"n\": \(UInt32.random(in: 0...UInt32.max, using: &random))}"))
        }
        let now = test.time.now
        var key: PostKey?
        if random.chance(0.3) {
            key = PostKey(
                digest: Array(repeating: random.pick([1, 2, 3]), count: PostKey.digestBytes),
                request: Array(repeating: random.pick([7, 7, 7, 8]), count: PostKey.digestBytes),
                window: random.pick([60, 3600]))
        }
        let known = key.flatMap { model.keys[$0.digest] }.flatMap { $0.ends > now ? $0 : nil }
        let outcome = try await test.messages.post(
            drafts, to: queue, by: try client(poster), requestBytes: 100, defaults: PostDefaults(ttl: 3600), key: key,
            expecting: nil)
        if let key, let known {
            let expected: PostOutcome = known.request == key.request ? .repeated(known.ids, .memory) : .keyTaken
            #expect(outcome == expected)
            #expect(try await test.messages.repeated(key, to: queue) == expected)
            return
        }
        guard case .posted(let ids, _) = outcome else {
            Issue.record("a post was answered \(outcome)")
            return
        }
        if !model.exists { model = Model(exists: true) }
        if let key {
            model.keys[key.digest] = (key.request, ids, now.adding(seconds: key.window))
        }
        for (id, draft) in zip(ids, drafts) {
            let created = id.position.createdAt.milliseconds
            let ttl = draft.ttl ?? model.ttlDefault ?? 3600
            let delay = draft.delay ?? (model.delayDefault == 0 ? nil : model.delayDefault)
            model.entries.append(
                Entry(
                    id: id, expires: created + Int64(ttl) * 1000, visible: created + Int64(delay ?? 0) * 1000, ttl: ttl,
                    delay: delay, client: poster, body: String(buffer: draft.body)))
        }
    }

    private func create(
        _ test: any StorageSubject, _ queue: QueueAddress, _ model: inout Model, _ random: inout SeededGenerator,
        _ place: Comment
    ) async throws {
        let attributes = random.pick([
            QueueAttributes(), QueueAttributes(messageTTLDefault: 60),
            QueueAttributes(messageTTLDefault: 100, messageDelayDefault: 10),
            QueueAttributes(messageDelayDefault: 0),
        ])
        let created = try await test.queues.create(queue, metadata: Array("{}".utf8), attributes: attributes)
        #expect(created == !model.exists, place)
        if created {
            model = Model(
                exists: true, ttlDefault: attributes.messageTTLDefault, delayDefault: attributes.messageDelayDefault)
        }
    }

    private func get(
        _ test: any StorageSubject, _ queue: QueueAddress, _ model: Model, _ random: inout SeededGenerator,
        _ place: Comment
    ) async throws {
        guard !model.entries.isEmpty else { return }
        let entry = random.pick(model.entries)
        let message = try await test.messages.get(queue, id: entry.id)
        #expect(message.map { String(decoding: $0.body, as: UTF8.self) } == entry.body, place)
        #expect(message?.ttl == entry.ttl, place)
        #expect(message?.delay == entry.delay, place)
        #expect(message?.age == test.time.now.wholeSeconds(since: entry.id.position.createdAt), place)
    }

    private func list(
        _ test: any StorageSubject, _ queue: QueueAddress, _ model: Model, _ random: inout SeededGenerator,
        _ place: Comment
    ) async throws {
        let delayed = random.chance(0.5)
        let hiding = random.chance(0.5) ? 1 : nil
        let marker = random.chance(0.5) ? model.entries.randomElement(using: &random)?.id : nil
        let limit = random.pick([1, 10, 20])
        let messages = try await test.messages.list(
            queue, after: marker, limit: limit, hiding: try hiding.map { try client($0) }, includeDelayed: delayed,
            includeClaimed: false)
        let now = test.time.now.milliseconds
        let wanted = model.entries.filter { entry in
            (marker.map { entry.id.position > $0.position } ?? true) && (delayed || entry.visible <= now)
                && entry.client != hiding
        }
        #expect(messages.map(\.id) == wanted.prefix(limit).map(\.id), place)
        #expect(
            messages.map { String(decoding: $0.body, as: UTF8.self) } == wanted.prefix(limit).map(\.body), place)
    }
}
