import Domain
import NIOConcurrencyHelpers
import NIOCore
import Store
import TestKit
import Testing

/// Sixty-four clients at one queue, by the clock of Redis, and a checker over the history of their replies.
struct ConcurrencyTests {
    /// What was known at one end of a call.
    fileprivate typealias Instant = ContinuousClock.Instant

    fileprivate struct Holding {
        let id: MessageID
        let asked: Instant
        let answered: Instant
        /// Until when it holds for sure: ttl counted from before the claim was asked for.
        let surelyUntil: Instant
        /// From when on another client may have it, because it was given up.
        var givenUp: Instant?
    }

    fileprivate struct History {
        var posted: [(ids: [MessageID], asked: Instant, answered: Instant, ttl: Int)] = []
        var holdings: [Holding] = []
        /// When the removal was requested, and when it was answered.
        var removed: [MessageID: (asked: Instant, answered: Instant)] = [:]
        var seen: [(id: MessageID, asked: Instant)] = []
        var popped: Set<MessageID> = []
        var poppedTwice = 0
        var outOfOrder = 0

        mutating func see(_ messages: [StoredMessage], asked: Instant) {
            self.seen += messages.map { ($0.id, asked) }
            if zip(messages, messages.dropFirst()).contains(where: { $0.id.position >= $1.id.position }) {
                self.outOfOrder += 1
            }
        }
    }

    @Test func `Of sixty-four clients none loses a message, shares one, or sees one again`() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed of the sixty-four clients: \(seed)")
        try await withTestStore(redisTime: true) { test in
            let queue = try address("p", "q")
            let history = NIOLockedValueBox(History())
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<64 {
                    var random = SeededGenerator(seed: seed &+ UInt64(number))
                    group.addTask { try await self.work(test, queue, history, &random, number % 10) }
                }
                try await group.waitForAll()
            }
            let end = ContinuousClock.now
            var left: Set<MessageID> = []
            var marker: MessageID?
            while true {
                let page = try await test.store.messages.list(
                    queue, after: marker, limit: 20, hiding: nil, includeDelayed: true, includeClaimed: true)
                history.withLockedValue { $0.see(page, asked: end) }
                left.formUnion(page.map(\.id))
                guard let last = page.last else { break }
                marker = last.id
            }
            self.check(history.withLockedValue { $0 }, left: left, end: end, "seed \(seed)")
        }
    }

    private func work(
        _ test: TestStore, _ queue: QueueAddress, _ history: NIOLockedValueBox<History>,
        _ random: inout SeededGenerator, _ digit: Int
    ) async throws {
        var mine: [(claim: ClaimID, messages: [MessageID])] = []
        for _ in 0..<40 {
            let asked = ContinuousClock.now
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<35:
                let ttl = random.pick([1, 2, 600])
                let ids = try await test.post(
                    (0..<random.pick([1, 2, 5])).map { "\($0)" }, to: queue, ttl: ttl, by: digit)
                history.withLockedValue { $0.posted.append((ids, asked, .now, ttl)) }
            case 35..<65:
                let ttl = random.pick([1, 2])
                guard
                    let claim = try await test.store.claims.create(
                        queue, limit: random.pick([1, 5]), ttl: ttl, grace: 1)
                else { continue }
                let answered = ContinuousClock.now
                mine.append((claim.id, claim.messages.map(\.id)))
                history.withLockedValue { history in
                    history.see(claim.messages, asked: asked)
                    for message in claim.messages {
                        history.holdings.append(
                            Holding(
                                id: message.id, asked: asked, answered: answered,
                                surelyUntil: asked.advanced(by: .seconds(ttl))))
                    }
                }
            case 65..<85:
                guard !mine.isEmpty else { continue }
                let (claim, ids) = mine.removeFirst()
                guard let id = ids.first else { continue }
                let deletion = try await test.store.messages.delete(queue, id: id, claim: claim.text)
                if deletion == .deleted { history.withLockedValue { $0.remove(id, asked, .now) } }
                mine.append((claim, Array(ids.dropFirst())))
            case 85..<92:
                guard let (claim, ids) = mine.popLast() else { continue }
                history.withLockedValue { $0.giveUp(ids, at: asked) }
                try await test.store.claims.release(queue, id: claim)
            case 92..<96:
                let popped = try await test.store.messages.pop(queue, limit: 3)
                history.withLockedValue { history in
                    history.see(popped, asked: asked)
                    for message in popped {
                        if !history.popped.insert(message.id).inserted { history.poppedTwice += 1 }
                        history.remove(message.id, asked, .now)
                    }
                }
            default:
                let page = try await test.store.messages.list(
                    queue, after: nil, limit: 20, hiding: nil, includeDelayed: true,
                    includeClaimed: random.chance(0.5))
                history.withLockedValue { $0.see(page, asked: asked) }
            }
        }
    }

    private func check(_ history: History, left: Set<MessageID>, end: Instant, _ seed: Comment) {
        #expect(history.holdings.count > 100 && history.removed.count > 50, "\(seed): little happened")
        #expect(history.outOfOrder == 0, seed)
        #expect(history.poppedTwice == 0, seed)

        let reappeared = history.seen.filter { id, asked in (history.removed[id]?.answered).map { $0 < asked } ?? false
        }
        #expect(reappeared.isEmpty, "\(seed): seen after it was deleted")

        for (id, holdings) in Dictionary(grouping: history.holdings, by: \.id) {
            for first in holdings {
                let until = min(first.surelyUntil, first.givenUp ?? first.surelyUntil)
                // The second certainly began after the first was answered, and was answered while the first still held.
                let second = holdings.first { first.answered < $0.asked && $0.answered < until }
                #expect(second == nil, "\(seed): \(id) claimed twice at once")
            }
        }

        for post in history.posted {
            for id in post.ids where history.removed[id] == nil {
                // One that was to live long enough is there; a claim only ever prolongs it.
                let livesUntil = post.asked.advanced(by: .seconds(post.ttl))
                if end.advanced(by: .seconds(5)) < livesUntil { #expect(left.contains(id), "\(seed): \(id) is lost") }
            }
        }

        for first in history.posted {
            for second in history.posted where first.answered < second.asked {
                if let before = first.ids.last, let after = second.ids.first, before.position > after.position {
                    Issue.record("\(seed): posts out of order")
                }
            }
        }
    }
}

extension ConcurrencyTests.History {
    fileprivate mutating func remove(
        _ id: MessageID, _ asked: ContinuousClock.Instant, _ answered: ContinuousClock.Instant
    ) {
        if self.removed[id] == nil { self.removed[id] = (asked, answered) }
    }

    fileprivate mutating func giveUp(_ ids: [MessageID], at instant: ContinuousClock.Instant) {
        for index in self.holdings.indices
        where self.holdings[index].givenUp == nil && ids.contains(self.holdings[index].id) {
            self.holdings[index].givenUp = instant
        }
    }
}
