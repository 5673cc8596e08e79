import Domain
import NIOCore
import Store
import TestKit
import Testing

/// Readers that follow a queue of each backend, while messages come, are taken, expire, and the queue is made anew.
struct FollowModelTests {
    private struct Reader {
        var place: QueuePlace
        /// The number it comes to next.
        var next: Int64
        /// Which of the queues that had the name it reads.
        var life: Int
    }

    private struct Model {
        var life = 0
        /// Bodies of all messages that were posted to the queue, in order.
        var posted: [String] = []
        var readers: [Reader] = []
    }

    @Test(arguments: [UInt64](1...6), StorageBackend.allCases)
    func `Whatever happens to a queue, a reader gets each message or is informed of its absence, once and in order`(
        seed: UInt64, backend: StorageBackend
    ) async throws {
        try await backend.with(shards: 4) { test in
            var random = SeededGenerator(seed: seed)
            var model = Model()
            let queue = try address("p\(seed)", "q")
            for step in 0..<400 {
                let at: Comment = "seed \(seed), step \(step)"
                test.time.pass(milliseconds: random.pick([0, 0, 1, 50, 1000, 70_000]))
                switch Int.random(in: 0..<100, using: &random) {
                case 0..<30:
                    let count = Int.random(in: 1...4, using: &random)
                    let drafts = (0..<count).map { number in
                        MessageDraft(
                            ttl: random.pick([60, 60, 3600]), delay: random.pick([nil, nil, 100]),
                            body: ByteBuffer(string: "\(model.posted.count + number)"))
                    }
                    _ = try await test.messages.post(
                        drafts, to: queue, by: client(), requestBytes: 10, defaults: PostDefaults(ttl: 3600),
                        expecting: nil)
                    model.posted += (0..<count).map { "\(model.posted.count + $0)" }
                case 30..<38: _ = try await test.messages.pop(queue, limit: random.pick([1, 3]))
                case 38..<44: _ = try await test.claims.create(queue, limit: random.pick([1, 3]), ttl: 60, grace: 60)
                case 44..<48: try await test.sweep(limit: random.pick([1, 500]))
                case 48: try await test.messages.purge(queue)
                case 49:
                    try await test.queues.delete(queue)
                    model.life += 1
                    model.posted = []
                case 50..<56: try await self.begin(test, queue, &model, &random, at)
                default:
                    guard !model.readers.isEmpty else { continue }
                    let index = Int.random(in: 0..<model.readers.count, using: &random)
                    try await self.follow(test, queue, &model, index, limit: random.pick([1, 2, 10]), at)
                }
            }
            // In the end all have come past everything.
            for index in model.readers.indices {
                var before: QueuePlace?
                while model.readers[index].place != before {
                    before = model.readers[index].place
                    try await self.follow(test, queue, &model, index, limit: 10, "seed \(seed), end")
                }
                let reader = model.readers[index]
                let isBehind = reader.life != model.life && model.posted.isEmpty
                #expect(isBehind || reader.next == Int64(model.posted.count) + 1, "seed \(seed), reader \(index)")
            }
        }
    }

    /// What the queue has now, by number.
    private func kept(_ test: any StorageSubject, _ queue: QueueAddress) async throws -> Set<Int64> {
        var kept: Set<Int64> = []
        var after: MessageID?
        while true {
            let page = try await test.messages.list(
                queue, after: after, limit: 20, hiding: nil, includeDelayed: true, includeClaimed: true)
            guard let last = page.last else { return kept }
            after = last.id
            for message in page { kept.insert(try #require(Int64(String(decoding: message.body, as: UTF8.self))) + 1) }
        }
    }

    private func begin(
        _ test: any StorageSubject, _ queue: QueueAddress, _ model: inout Model, _ random: inout SeededGenerator,
        _ at: Comment
    ) async throws {
        let isAtEnd = random.chance(0.5)
        // Nothing is read yet.
        let followed = try await test.messages.follow(queue, from: isAtEnd ? .end : .oldest, limit: 1)
        let kept = try await self.kept(test, queue)
        let posted = Int64(model.posted.count)
        var reader = Reader(place: followed.place, next: posted + 1, life: model.life)
        switch followed.steps.first?.event {
        case nil: #expect(isAtEnd || kept.isEmpty, at)
        // One that has expired may be there still, and is none.
        case .gap(let range): reader.next = range.lowerBound
        case .message(_, let sequence): reader.next = try #require(sequence)
        case .restart: Issue.record(at)
        }
        #expect(isAtEnd || reader.next <= kept.min() ?? posted + 1, at)
        if isAtEnd { #expect(followed.steps.isEmpty, at) }
        try self.check(followed, &reader, model, kept, at)
        model.readers.append(reader)
    }

    private func follow(
        _ test: any StorageSubject, _ queue: QueueAddress, _ model: inout Model, _ index: Int, limit: Int, _ at: Comment
    ) async throws {
        var reader = model.readers[index]
        let followed = try await test.messages.follow(queue, from: .behind(reader.place), limit: limit)
        // Behind it: a list removes what has expired.
        let kept = try await self.kept(test, queue)
        try self.check(followed, &reader, model, kept, at)
        model.readers[index] = reader
    }

    private func check(
        _ followed: Followed, _ reader: inout Reader, _ model: Model, _ kept: Set<Int64>, _ at: Comment
    ) throws {
        for step in followed.steps {
            switch step.event {
            case .restart:
                #expect(reader.life != model.life, at)
                (reader.life, reader.next) = (model.life, 1)
            case .gap(let range):
                #expect(range.lowerBound == reader.next && kept.isDisjoint(with: range), at)
                reader.next = range.upperBound + 1
            case .message(let message, let sequence):
                #expect(sequence == reader.next, at)
                #expect(String(decoding: message.body, as: UTF8.self) == "\(reader.next - 1)", at)
                reader.next += 1
            }
            #expect(step.place.sequence == reader.next - 1, at)
            // One that has passed nothing of the queue that was deleted takes the new one for the same.
            if reader.next == 1 { reader.life = model.life }
        }
        if reader.next == 1 { reader.life = model.life }
        reader.place = followed.place
    }

    @Test(arguments: StorageBackend.allCases)
    func `A place without a number begins behind its message, or where it was`(backend: StorageBackend) async throws {
        try await backend.with(shards: 4) { test in
            let queue = try address("p", "q")
            func post(_ count: Int) async throws -> [MessageID] {
                let outcome = try await test.messages.post(
                    (0..<count).map { MessageDraft(ttl: 60, delay: nil, body: ByteBuffer(string: "\($0)")) }, to: queue,
                    by: client(), requestBytes: 10, defaults: PostDefaults(ttl: 60), expecting: nil)
                guard case .posted(let ids, _) = outcome else { return [] }
                return ids
            }
            let ids = try await post(5)
            func numbers(behind id: MessageID) async throws -> [String] {
                let place = QueuePlace(id: id, sequence: nil)
                return try await test.messages.follow(queue, from: .behind(place), limit: 10).steps.map { step in
                    switch step.event {
                    case .message(_, let sequence): "\(sequence ?? 0)"
                    case .gap(let range): "\(range)"
                    case .restart: "restart"
                    }
                }
            }
            #expect(try await numbers(behind: ids[1]) == ["3", "4", "5"])
            try await test.messages.delete(queue, ids: [ids[3]])
            #expect(try await numbers(behind: ids[1]) == ["3", "4...4", "5"])
            // The place itself is gone: more may be reported as missing than is, and never less.
            try await test.messages.delete(queue, ids: [ids[1]])
            #expect(try await numbers(behind: ids[1]) == ["2...2", "3", "4...4", "5"])
        }
    }
}
