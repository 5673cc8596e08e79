import Domain
import NIOPosix
import Redis
import Store
import TestKit
import Testing

/// Notifications on their way to the sessions of a node, and the nodes themselves.
struct SessionInboxTests {
    private static let node = "0123456789abcdef"
    private static let session = "6f1b7a52-9d53-4a0e-9a55-0d0f8f3d7c11"

    private func entry(_ body: String, _ attempts: [UInt64] = [1], from notifier: String = "n1") throws
        -> SessionInbox.Entry
    {
        SessionInbox.Entry(
            from: notifier, of: try address("p 1", "q"),
            to: attempts.map { SessionInbox.Target(attempt: $0, session: Self.session) }, Array(body.utf8))
    }

    private func withReader(_ test: TestStore, _ body: (RedisBlockingConnection) async throws -> Void) async throws {
        let connection = RedisBlockingConnection(
            url: RedisURL(test.redis.endpoint), eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: quietLogger())
        do {
            try await body(connection)
        } catch {
            await connection.shutDown()
            throw error
        }
        await connection.shutDown()
    }

    @Test func `What is to be acknowledged is named, and every outcome arrives as it was`() async throws {
        try await withTestStore { test in
            let inbox = test.store.sessionInbox
            _ = try await test.store.sessionNodes.beat(Self.node)
            let message = MessageID(position: Position(1 << 40), tag: Array("0123456789abcdef".utf8))
            let delivery = SessionInbox.Delivery(id: DeliveryID(text: "abc"), message: message, number: 12)
            let entry = SessionInbox.Entry(
                from: "n1", of: try address("p", "q"),
                to: [
                    SessionInbox.Target(attempt: 1, session: Self.session, delivery: delivery),
                    SessionInbox.Target(attempt: .max, session: Self.session),
                ], Array("{}".utf8))
            #expect(try await inbox.append([entry], to: Self.node) == [.appended])
            let outcomes: [SessionInbox.Outcome] = [
                .written, .unknown, .full, .unreadable, .unacknowledged(seconds: 30), .rejected(seconds: nil),
                .rejected(seconds: 0), .rejected(seconds: 86_400), .returned,
            ]
            try await self.withReader(test) { connection in
                let arrived = try await inbox.read(on: connection, of: Self.node, limit: 10, for: .seconds(5))
                #expect(arrived.compactMap(\.entry) == [entry])
                try await inbox.finish(arrived, of: Self.node, ["n1": [(UInt64.max, outcomes[0])]])
                // Later ones come without entries.
                try await inbox.finish([], of: Self.node, ["n1": outcomes.dropFirst().map { (1, $0) }])
                let read = try await inbox.outcomes(on: connection, of: "n1", for: .seconds(5))
                #expect(read.all.map(\.outcome) == outcomes && read.all.first?.attempt == .max)
            }
        }
    }

    @Test func `A name belongs to the session that took it last, until it is given up or not held in time`()
        async throws
    {
        try await withTestStore { test in
            let names = test.store.sessionNames
            let name = try #require(SessionName("a"))
            let entry = SessionNames.Entry(name, of: try address("p", "q"))
            let first = SessionAddress(node: Self.node, session: Self.session)
            let second = SessionAddress(node: "fedcba9876543210", session: Self.session)
            #expect(try await names.sessions(of: [entry]) == [nil])
            #expect(try await names.take(entry, for: first) == nil)
            #expect(try await names.take(entry, for: second) == first)
            // Names of other queues are others.
            let others = [
                SessionNames.Entry(name, of: try address("p", "q2")),
                SessionNames.Entry(name, of: try address("p2", "q")),
                SessionNames.Entry(try #require(SessionName("b")), of: try address("p", "q")),
            ]
            #expect(try await names.sessions(of: [entry] + others) == [second, nil, nil, nil])
            #expect(try await names.hold([(entry, first), (entry, second)]) == [.lost, .held])
            try await names.release([(entry, first)])
            #expect(try await names.sessions(of: [entry]) == [second])
            let left = try await test.redis.command("PTTL", "herald:{control}:session-name:1:p:q:a").int ?? 0
            #expect((1...60_000).contains(left))
            try await names.release([(entry, second)])
            #expect(try await names.sessions(of: [entry]) == [nil])
            // One that was lost with its time comes back to the session that holds it.
            #expect(try await names.hold([(entry, first)]) == [.takenAnew])
            #expect(try await names.sessions(of: [entry]) == [first])
        }
    }

    @Test func `Which nodes have ended is known of each, and one that is silent has not`() async throws {
        try await withTestStore { test in
            let (nodes, other) = (test.store.sessionNodes, "fedcba9876543210")
            _ = try await nodes.beat(Self.node)
            #expect(try await nodes.ended(among: [Self.node, other]) == [other])
            test.time.pass(seconds: 16)
            #expect(try await nodes.ended(among: [Self.node]).isEmpty)
            _ = try await nodes.endSilent(limit: 10)
            #expect(try await nodes.ended(among: [Self.node]) == [Self.node])
            #expect(try await nodes.ended(among: []).isEmpty)
        }
    }

    @Test func `What is appended is read as it was, in its order, and stays until it is finished`() async throws {
        try await withTestStore { test in
            let inbox = test.store.sessionInbox
            _ = try await test.store.sessionNodes.beat(Self.node)
            let entries = [try self.entry(#"{"n":1}"#, [1, 2]), try self.entry("{}", [3], from: "n2")]
            #expect(try await inbox.append(entries, to: Self.node) == [.appended, .appended])
            try await self.withReader(test) { connection in
                for _ in 0..<2 {
                    let arrived = try await inbox.read(on: connection, of: Self.node, limit: 10, for: .seconds(5))
                    #expect(arrived.compactMap(\.entry) == entries)
                }
                let arrived = try await inbox.read(on: connection, of: Self.node, limit: 1, for: .seconds(5))
                try await inbox.finish(
                    arrived, of: Self.node, ["n1": [(1, .written), (2, .unknown)]])
                let rest = try await inbox.read(on: connection, of: Self.node, limit: 10, for: .seconds(5))
                #expect(rest.compactMap(\.entry) == [entries[1]])
                let outcomes = try await inbox.outcomes(on: connection, of: "n1", for: .seconds(5))
                #expect(outcomes.all.map(\.attempt) == [1, 2] && outcomes.all.map(\.outcome) == [.written, .unknown])
                let again = try await inbox.outcomes(on: connection, of: "n1", for: .seconds(5))
                #expect(again.all.map(\.attempt) == [1, 2])
                try await inbox.remove(again, of: "n1")
                #expect(try await inbox.outcomes(on: connection, of: "n1", for: .milliseconds(10)).isEmpty)
                try await inbox.finish(rest, of: Self.node, ["n2": [(3, .full)]])
                // Nothing of the node is left but that it lives.
                #expect(try await test.keys().filter { $0.contains("session-inbox") }.isEmpty)
                #expect(try await inbox.read(on: connection, of: Self.node, limit: 1, for: .milliseconds(10)).isEmpty)
            }
        }
    }

    @Test func `An inbox is bounded in entries and bytes, and one entry always fits`() async throws {
        try await withTestStore { test in
            let inbox = test.store.sessionInbox
            _ = try await test.store.sessionNodes.beat(Self.node)
            let large = try self.entry(String(repeating: "x", count: 1_000))
            let results = try await inbox.append([large, large], to: Self.node, entriesMax: 10, bytesMax: 100)
            #expect(results == [.appended, .full])
            let small = try self.entry("{}")
            #expect(
                try await inbox.append([small, small, small], to: Self.node, entriesMax: 3, bytesMax: 100_000)
                    == [.appended, .appended, .full])
            try await self.withReader(test) { connection in
                let arrived = try await inbox.read(on: connection, of: Self.node, limit: 1, for: .seconds(5))
                try await inbox.finish(arrived, of: Self.node, [:])
            }
            #expect(try await inbox.append([small], to: Self.node, entriesMax: 10, bytesMax: 200) == [.appended])
        }
    }

    @Test
    func `Nothing is appended for a node that has ended, and outcomes of a notifier that has ended go by themselves`()
        async throws
    {
        try await withTestStore { test in
            let (inbox, nodes) = (test.store.sessionInbox, test.store.sessionNodes)
            #expect(try await inbox.append([try self.entry("{}")], to: Self.node) == [.gone])
            #expect(try await !nodes.beat(Self.node))
            #expect(try await nodes.beat(Self.node))
            #expect(try await inbox.append([try self.entry("{}")], to: Self.node) == [.appended])
            try await self.withReader(test) { connection in
                let arrived = try await inbox.read(on: connection, of: Self.node, limit: 1, for: .seconds(5))
                try await inbox.finish(arrived, of: Self.node, ["n1": [(1, .written)]])
            }
            let life = try await test.redis.command("PTTL", "herald:{control}:session-outcomes:n1").int ?? 0
            #expect((1...60_000).contains(life))
            // It is silent: that may be Redis' doing, and it is not gone for that.
            test.time.pass(seconds: 15)
            #expect(try await inbox.append([try self.entry("{}")], to: Self.node) == [.full])
            #expect(try await nodes.beat(Self.node))
            test.time.pass(seconds: 15)
            #expect(try await nodes.endSilent(limit: 10) == [Self.node])
            #expect(try await inbox.append([try self.entry("{}")], to: Self.node) == [.gone])
            #expect(try await !nodes.beat(Self.node), "another one has taken it for ended")
            #expect(try await nodes.beat(Self.node))
        }
    }

    @Test func `A node that has ended is found, with what its sessions subscribed, until that has ended too`()
        async throws
    {
        try await withTestStore { test in
            let nodes = test.store.sessionNodes
            _ = try await nodes.beat(Self.node)
            let queue = try address("p 1", "q")
            let id = try await test.subscribe(to: queue)
            let entry = SessionNodes.Entry(id, of: queue)
            try await nodes.register(entry, of: Self.node)
            #expect(try await nodes.endSilent(limit: 10).isEmpty)
            test.time.pass(seconds: 15)
            for _ in 0..<2 { #expect(try await nodes.endSilent(limit: 10) == [Self.node]) }
            #expect(try await nodes.entries(of: Self.node, limit: 10) == [entry])
            #expect(try await !nodes.end(Self.node, itself: false))
            // While it lives again what it has is its own.
            #expect(try await !nodes.beat(Self.node))
            #expect(try await nodes.entries(of: Self.node, limit: 10).isEmpty)
            test.time.pass(seconds: 15)
            #expect(try await nodes.endSilent(limit: 10) == [Self.node])
            try await nodes.unregister([entry], of: Self.node)
            #expect(try await nodes.end(Self.node, itself: false))
            #expect(try await nodes.endSilent(limit: 10).isEmpty)
            // One that lives again is kept, unless it ends itself.
            _ = try await nodes.beat(Self.node)
            #expect(try await !nodes.end(Self.node, itself: false))
            // One that ends itself with something left leaves it to the others at once.
            try await nodes.register(entry, of: Self.node)
            #expect(try await !nodes.end(Self.node, itself: true))
            #expect(try await nodes.endSilent(limit: 10) == [Self.node])
            try await nodes.unregister([entry], of: Self.node)
            #expect(try await nodes.end(Self.node, itself: true))
            #expect(try await test.keys().filter { $0.contains("session") }.isEmpty)
        }
    }
}
