import Domain
import HTTPClient
import NIOConcurrencyHelpers
import Notifier
import Store
import Testing

/// What becomes of attempts at sessions, decided without a node.
struct SessionAttemptsTests {
    private static let node = "0123456789abcdef"
    private let start = ContinuousClock.now
    private let queue: QueueAddress

    init() throws {
        self.queue = QueueAddress(project: try ProjectID("p"), name: try QueueName("q"))
    }

    private func attempt(
        at node: String = Self.node, session: Int = 1, body: PinnedBytes = PinnedBytes(Array("{}".utf8))
    ) throws -> Attempt {
        let address = SessionAddress(node: node, session: "6f1b7a52-9d53-4a0e-9a55-0d0f8f3d7c\(10 + session)")
        return Attempt(
            destination: .session, target: SessionTarget(address.text, of: self.queue), delivery: DeliveryID(text: "d"),
            message: nil, kind: .notification, number: 1, startedAt: Timestamp(milliseconds: 0),
            project: self.queue.project,
            body: body, completion: { _ in })
    }

    private func started(_ count: Int) throws -> (SessionAttempts, SessionAttempts.Batch) {
        var attempts = SessionAttempts(timeMax: .seconds(10))
        let ended = attempts.add(try (1...count).map { try self.attempt(session: $0) }, of: 1, at: self.start)
        #expect(ended.isEmpty)
        let batches = attempts.nextBatches(upTo: 100, bytes: 1 << 20, from: "n")
        return (attempts, try #require(batches.first))
    }

    @Test func `A notification for many sessions of a node is one entry, and each node has its own`() throws {
        var attempts = SessionAttempts(timeMax: .seconds(10))
        let (body, other) = (PinnedBytes(Array("1".utf8)), PinnedBytes(Array("2".utf8)))
        let all = [
            try self.attempt(session: 1, body: body), try self.attempt(session: 2, body: body),
            try self.attempt(at: "fedcba9876543210", session: 3, body: body), try self.attempt(session: 4, body: other),
        ]
        _ = attempts.add(all, of: 1, at: self.start)
        let batches = attempts.nextBatches(upTo: 100, bytes: 1 << 20, from: "n")
        #expect(batches.map(\.node) == [Self.node, "fedcba9876543210"])
        #expect(batches[0].entries.map { $0.targets.map(\.attempt) } == [[1, 2], [4]])
        #expect(batches[0].entries.map(\.notification) == [[UInt8(ascii: "1")], [UInt8(ascii: "2")]])
        let rest = attempts.nextBatches(upTo: 100, bytes: 1 << 20, from: "n")
        #expect(rest.isEmpty)
    }

    @Test func `Large notifications are sent in several steps`() throws {
        var attempts = SessionAttempts(timeMax: .seconds(10))
        let bodies = (0..<3).map { _ in PinnedBytes([UInt8](repeating: 120, count: 600)) }
        _ = attempts.add(try bodies.map { try self.attempt(body: $0) }, of: 1, at: self.start)
        let first = attempts.nextBatches(upTo: 100, bytes: 1_000, from: "n")
        #expect(first.map { $0.entries.count } == [2] && attempts.hasWaiting)
        let second = attempts.nextBatches(upTo: 100, bytes: 1_000, from: "n")
        #expect(second.map { $0.entries.count } == [1] && !attempts.hasWaiting)
    }

    @Test func `What a node answers is the outcome, once`() throws {
        var (attempts, batch) = try self.started(4)
        let ended = attempts.appended(batch, [.appended, .appended, .appended, .appended], at: self.start)
        #expect(ended.isEmpty)
        let results = [SessionInbox.Outcome.written, .unknown, .full, .unreadable].enumerated().map { index, outcome in
            attempts.answered(UInt64(index + 1), outcome, at: self.start)?.result
        }
        #expect(
            results == [
                .finished(.accepted(code: 200), Exchange()), .finished(.gone(code: 410), Exchange()),
                .finished(.deferred(code: 503, notBefore: .delay(seconds: 1)), Exchange()),
                .finished(.refused(code: 422), Exchange()),
            ])
        let again = attempts.answered(1, .unknown, at: self.start)
        #expect(again == nil && attempts.isEmpty)
    }

    @Test func `A node that has ended, an inbox that is full, and a store that does not answer`() throws {
        var (attempts, batch) = try self.started(2)
        let ended = attempts.appended(batch, [.gone, .full], at: self.start).map(\.result)
        #expect(
            ended == [
                .finished(.gone(code: 410), Exchange()),
                .finished(.deferred(code: 503, notBefore: .delay(seconds: 1)), Exchange()),
            ])
        (attempts, batch) = try self.started(1)
        let held = attempts.failed(batch, pause: .seconds(2), at: self.start).map(\.result)
        #expect(held == [.held(nil, Exchange(), for: .seconds(2))])
    }

    @Test func `An attempt that no node answers ends in its time, and an engine's end with the engine`() throws {
        var (attempts, _) = try self.started(1)
        let early = attempts.timePassed(at: self.start + .seconds(9))
        #expect(early.isEmpty)
        let late = attempts.timePassed(at: self.start + .seconds(10)).map(\.result)
        var exchange = Exchange()
        exchange.total = 10_000
        #expect(late == [.finished(.unreachable(.timeout), exchange)])

        (attempts, _) = try self.started(1)
        let others = attempts.abortAll(of: 2, closing: true, at: self.start)
        let aborted = attempts.abortAll(of: 1, closing: false, at: self.start).map(\.result)
        #expect(others.isEmpty && aborted == [.aborted])
        let refused = attempts.add([try self.attempt()], of: 2, at: self.start).map(\.result)
        #expect(refused == [.aborted])
    }

    // MARK: Messages that are acknowledged

    private func acknowledged(
        _ subscriber: SessionSubscriber, of project: ProjectID? = nil, waits: @escaping @Sendable () -> Void = {}
    ) throws -> Attempt {
        let message = MessageID(position: Position(1 << 40), tag: Array("0123456789abcdef".utf8))
        return Attempt(
            destination: .session, target: SessionTarget(subscriber.text, of: self.queue, isAcknowledged: true),
            delivery: DeliveryID(text: "d"), message: message, kind: .notification, number: 3,
            startedAt: Timestamp(milliseconds: 0), project: project ?? self.queue.project,
            body: PinnedBytes(Array("{}".utf8)), waits: waits, completion: { _ in })
    }

    private let address = SessionAddress(node: Self.node, session: "6f1b7a52-9d53-4a0e-9a55-0d0f8f3d7c11")
    private static let soon = AttemptResult.postponed(.seconds(1))

    /// An attempt, number 1, in the inbox of its node.
    private func sent(to subscriber: SessionSubscriber) throws -> SessionAttempts {
        var attempts = SessionAttempts(timeMax: .seconds(10))
        _ = attempts.add([try self.acknowledged(subscriber)], of: 1, at: self.start)
        if let unlocated = attempts.nextUnlocated(upTo: 10) {
            let ended = attempts.located(unlocated, at: [self.address], at: self.start)
            #expect(ended.isEmpty)
        }
        let batches = attempts.nextBatches(upTo: 100, bytes: 1 << 20, from: "n")
        #expect(batches.map(\.node) == [Self.node])
        let delivery = batches.first?.entries.first?.targets.first?.delivery
        #expect(delivery?.id == DeliveryID(text: "d") && delivery?.number == 3)
        return attempts
    }

    @Test func `A message that is to be acknowledged waits for it as long as its node says`() throws {
        let subscriber = SessionSubscriber.session(self.address)
        var attempts = try self.sent(to: subscriber)
        var result = attempts.answered(1, .unacknowledged(seconds: 30), at: self.start)?.result
        #expect(result == nil && attempts.unacknowledgedNodes == [Self.node])
        let early = attempts.timePassed(at: self.start + .seconds(34))
        #expect(early.isEmpty)
        result = attempts.answered(1, .written, at: self.start)?.result
        #expect(result == .finished(.accepted(code: 200), Exchange()))

        attempts = try self.sent(to: subscriber)
        _ = attempts.answered(1, .unacknowledged(seconds: 5), at: self.start)
        // The node ends it after five; what its client said until then is on its way.
        let late = attempts.timePassed(at: self.start + .seconds(10)).map(\.result)
        var exchange = Exchange()
        exchange.total = 10_000
        #expect(late == [.finished(.unreachable(.timeout), exchange)])

        attempts = try self.sent(to: subscriber)
        result = attempts.answered(1, .rejected(seconds: 7), at: self.start)?.result
        #expect(result == .finished(.deferred(code: 503, notBefore: .delay(seconds: 7)), Exchange()))
        attempts = try self.sent(to: subscriber)
        result = attempts.answered(1, .returned, at: self.start)?.result
        #expect(result == .aborted)
    }

    @Test func `A node says no time that is too long`() throws {
        var attempts = try self.sent(to: .session(self.address))
        _ = attempts.answered(1, .unacknowledged(seconds: .max), at: self.start)
        let ended = attempts.timePassed(at: self.start + .seconds(65))
        #expect(ended.count == 1)
    }

    @Test func `What waits for clients is handed back when its engine is about to stop, and when its node has ended`()
        throws
    {
        var attempts = try self.sent(to: .session(self.address))
        var ended = attempts.drain(of: 1, at: self.start).map(\.result)
        #expect(ended.isEmpty)
        let result = attempts.answered(1, .unacknowledged(seconds: 30), at: self.start)?.result
        #expect(result == .aborted && attempts.isEmpty)
        attempts = try self.sent(to: .session(self.address))
        _ = attempts.answered(1, .unacknowledged(seconds: 30), at: self.start)
        ended = attempts.drain(of: 2, at: self.start).map(\.result)
        #expect(ended.isEmpty)
        ended = attempts.drain(of: 1, at: self.start).map(\.result)
        #expect(ended == [.aborted])

        attempts = try self.sent(to: .session(self.address))
        _ = attempts.answered(1, .unacknowledged(seconds: 30), at: self.start)
        ended = attempts.ended(["another"], at: self.start).map(\.result)
        #expect(ended.isEmpty)
        ended = attempts.ended([Self.node], at: self.start).map(\.result)
        #expect(ended == [.aborted])
    }

    @Test func `What waits for a client needs no body, says so once, and again is no longer time`() throws {
        var attempts = SessionAttempts(timeMax: .seconds(10))
        let waits = NIOLockedValueBox(0)
        let attempt = try self.acknowledged(.session(self.address)) { waits.withLockedValue { $0 += 1 } }
        _ = attempts.add([attempt], of: 1, at: self.start)
        _ = attempts.nextBatches(upTo: 10, bytes: 100, from: "n")
        var answer = attempts.answered(1, .unacknowledged(seconds: 5), at: self.start)
        guard case .waits(let one) = answer else { throw CancellationError() }
        one.waits()
        #expect(waits.withLockedValue { $0 } == 1)
        answer = attempts.answered(1, .unacknowledged(seconds: 5), at: self.start + .seconds(4))
        #expect(answer == nil)
        let ended = attempts.timePassed(at: self.start + .seconds(10))
        #expect(ended.first?.attempt.body.count == 0)
    }

    @Test func `Clients of one project keep so many attempts waiting, and others are not concerned`() throws {
        var attempts = SessionAttempts(timeMax: .seconds(10))
        let many = try (0..<SessionAttempts.acknowledgedMax).map { _ in try self.acknowledged(.session(self.address)) }
        var ended = attempts.add(many, of: 1, at: self.start).map(\.result)
        #expect(ended.isEmpty)
        ended = attempts.add([try self.acknowledged(.session(self.address))], of: 1, at: self.start).map(\.result)
        #expect(ended == [Self.soon])
        let project = try ProjectID("other")
        ended = attempts.add(
            [try self.acknowledged(.session(self.address), of: project)], of: 1, at: self.start
        ).map(\.result)
        #expect(ended.isEmpty)
        _ = attempts.nextBatches(upTo: 10, bytes: 100, from: "n")
        _ = attempts.answered(1, .written, at: self.start)
        ended = attempts.add([try self.acknowledged(.session(self.address))], of: 1, at: self.start).map(\.result)
        #expect(ended.isEmpty)
    }

    @Test func `What belongs to a name ends with no session, and waits for the next one`() throws {
        let named = SessionSubscriber.named(try #require(SessionName("worker")))
        var attempts = SessionAttempts(timeMax: .seconds(10))
        _ = attempts.add([try self.acknowledged(named)], of: 1, at: self.start)
        #expect(!attempts.hasWaiting)
        var found = attempts.nextUnlocated(upTo: 10)
        var unlocated = try #require(found)
        #expect(unlocated.names.map(\.name.text) == ["worker"] && unlocated.names.map(\.queue) == [self.queue])
        var ended = attempts.located(unlocated, at: [nil], at: self.start).map(\.result)
        #expect(ended == [.held(nil, Exchange(), for: .seconds(45))] && attempts.isEmpty)

        _ = attempts.add([try self.acknowledged(named)], of: 1, at: self.start)
        found = attempts.nextUnlocated(upTo: 10)
        unlocated = try #require(found)
        ended = attempts.failed(unlocated, pause: .seconds(2), at: self.start).map(\.result)
        #expect(ended == [.held(nil, Exchange(), for: .seconds(2))])

        for outcome in [SessionInbox.Outcome.unknown, .full] {
            attempts = try self.sent(to: named)
            let result = attempts.answered(1, outcome, at: self.start)?.result
            #expect(result == Self.soon, "\(outcome)")
        }
        let results: [(SessionInbox.Append, AttemptResult)] = [
            (.gone, .held(nil, Exchange(), for: .seconds(45))), (.full, Self.soon),
        ]
        for (result, expected) in results {
            _ = attempts.add([try self.acknowledged(named)], of: 1, at: self.start)
            found = attempts.nextUnlocated(upTo: 10)
            unlocated = try #require(found)
            _ = attempts.located(unlocated, at: [self.address], at: self.start)
            let batches = attempts.nextBatches(upTo: 10, bytes: 100, from: "n")
            let batch = try #require(batches.first)
            ended = attempts.appended(batch, [result], at: self.start).map(\.result)
            #expect(ended == [expected], "\(result)")
        }
        attempts = try self.sent(to: named)
        _ = attempts.answered(1, .unacknowledged(seconds: 30), at: self.start)
        ended = attempts.ended([Self.node], at: self.start).map(\.result)
        #expect(ended == [.aborted])
    }

    @Test func `An address that Herald has not written leads to no session`() throws {
        for text in [
            "websocket://0123456789abcdef", "websocket://0123456789abcdeF/6f1b7a52-9d53-4a0e-9a55-0d0f8f3d7c11",
            "websocket://0123456789abcdef/6f1b7a52-9d53-4a0e-9a55-0d0f8f3d7c11/", "http://a",
        ] { #expect(SessionAddress(text) == nil, "\(text)") }
        let address = SessionAddress(node: Self.node, session: "6f1b7a52-9d53-4a0e-9a55-0d0f8f3d7c11")
        #expect(SessionAddress(address.text) == address)
        for text in ["websocket://name/", "websocket://name/a/b", "websocket://name/..", "http://name/a"] {
            #expect(SessionSubscriber(text) == nil, "\(text)")
        }
        let named = SessionSubscriber.named(try #require(SessionName("a-b.c_1")))
        #expect(SessionSubscriber(named.text) == named)
        #expect(SessionSubscriber(address.text) == .session(address))
    }
}

extension SessionAttempts.Answer {
    /// How the attempt ended; nil: it waits.
    fileprivate var result: AttemptResult? {
        if case .ended(let ended) = self { ended.result } else { nil }
    }
}
