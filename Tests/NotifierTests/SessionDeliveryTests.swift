import Domain
import NIOConcurrencyHelpers
import NIOPosix
import Notifier
import Redis
import ServiceLifecycle
import Store
import TestKit
import Testing

/// Deliveries to sessions: the real engine and relay, and an API node that this file plays over the same Redis.
struct SessionDeliveryTests {
    /// What a node does about one attempt; nil: it says nothing.
    private typealias Answer = @Sendable (_ number: Int) -> SessionInbox.Outcome?

    private static let node = "0123456789abcdef"
    private static let session = "6f1b7a52-9d53-4a0e-9a55-0d0f8f3d7c11"

    /// Runs a node that lives; `body` gets what it received so far.
    private func withNode(
        _ deployment: TestDeployment, answering answer: @escaping Answer,
        _ body: (NIOLockedValueBox<[SessionInbox.Entry]>) async throws -> Void
    ) async throws {
        _ = try await deployment.store.sessionNodes.beat(Self.node)
        let received = NIOLockedValueBox<[SessionInbox.Entry]>([])
        let connection = RedisBlockingConnection(
            url: RedisURL(deployment.redis.endpoint), eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: quietLogger())
        let inbox = deployment.store.sessionInbox
        let serving = Task {
            var count = 0
            while !Task.isCancelled {
                let arrived = try await inbox.read(on: connection, of: Self.node, limit: 10, for: .seconds(1))
                var outcomes: [String: [(attempt: UInt64, outcome: SessionInbox.Outcome)]] = [:]
                for entry in arrived.compactMap(\.entry) {
                    received.withLockedValue { $0.append(entry) }
                    for target in entry.targets {
                        count += 1
                        if let outcome = answer(count) {
                            outcomes[entry.notifier, default: []].append((target.attempt, outcome))
                        }
                    }
                }
                if !arrived.isEmpty { try await inbox.finish(arrived, of: Self.node, outcomes) }
            }
        }
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(received)) } catch { outcome = .failure(error) }
        serving.cancel()
        _ = await serving.result
        await connection.shutDown()
        try outcome.get()
    }

    /// Runs a notifier with a relay to sessions.
    private func withSessions(
        _ deployment: TestDeployment, attemptMax: Duration = .seconds(10), _ body: @Sendable () async throws -> Void
    ) async throws {
        let relay = SessionRelay(
            RegisteredProcess.newID(), control: deployment.store,
            connection: RedisBlockingConnection(
                url: RedisURL(deployment.redis.endpoint), eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                logger: quietLogger()),
            logger: quietLogger(), attemptMax: attemptMax)
        let group = ServiceGroup(
            services: [relay], gracefulShutdownSignals: [], cancellationSignals: [], logger: quietLogger())
        async let running: Void = group.run()
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(
                try await deployment.withEngine(beside: [SessionChannel(relay: relay)]) { _ in try await body() })
        } catch {
            outcome = .failure(error)
        }
        await group.triggerGracefulShutdown()
        try await running
        try outcome.get()
    }

    private func subscribe(_ deployment: TestDeployment, session: String = Self.session, options: String = "{}")
        async throws -> SubscriptionID
    {
        try await deployment.store.subscriptions.create(
            deployment.queue, subscriber: Subscriber(.session(SessionAddress(node: Self.node, session: session))),
            ttl: 3600,
            options: Array(options.utf8), pace: Pace()
        ).id
    }

    @Test func `A message reaches the node of the session once, as receivers of webhooks get it`() async throws {
        try await withTestDeployment { deployment in
            let id = try await self.subscribe(deployment)
            try await self.withNode(deployment, answering: { _ in .written }) { received in
                try await self.withSessions(deployment) {
                    try await deployment.post(#"{"status": "ready"}"#, ttl: 60)
                    _ = try await eventually { received.withLockedValue { $0.isEmpty } ? nil : true }
                    #expect(try await deployment.isSettled())
                }
                let entries = received.withLockedValue { $0 }
                #expect(entries.count == 1 && entries.first?.targets.map(\.session) == [Self.session])
                #expect(
                    entries.first.map { String(decoding: $0.notification, as: UTF8.self) }
                        == #"{"body":{"status": "ready"},"ttl":60,"queue_name":"orders","Message_Type":"Notification"}"#
                )
                #expect(entries.first?.queue == deployment.queue)
            }
            let log = try await deployment.store.deliveries.attempts(of: deployment.queue, subscription: id)
            #expect(log?.succeeded == 1 && log?.attempts.first?.report.end == .answered(code: 200))
        }
    }

    @Test(arguments: [true, false]) func `What finds its session or its node gone is over, and no dead letter`(
        nodeLives: Bool
    ) async throws {
        try await withTestDeployment { deployment in
            _ = try await self.subscribe(deployment)
            let isSettled: @Sendable () async throws -> Void = {
                try await deployment.post("1")
                #expect(try await deployment.isSettled())
            }
            if nodeLives {
                try await self.withNode(deployment, answering: { _ in .unknown }) { _ in
                    try await self.withSessions(deployment, isSettled)
                }
            } else {
                try await self.withSessions(deployment, isSettled)
            }
            #expect(try await deployment.deadLetters().isEmpty)
        }
    }

    @Test func `What a node does not answer, or has no space for, is sent again`() async throws {
        try await withTestDeployment { deployment in
            _ = try await self.subscribe(deployment, options: #"{"_retry_policy": {"retries_with_no_delay": 3}}"#)
            let answers: [Int: SessionInbox.Outcome] = [2: .full, 3: .written]
            try await self.withNode(deployment, answering: { answers[$0] }) { received in
                try await self.withSessions(deployment, attemptMax: .seconds(2)) {
                    try await deployment.post("1")
                    _ = try await eventually { received.withLockedValue { $0.count >= 3 } ? true : nil }
                    #expect(try await deployment.isSettled())
                }
                #expect(received.withLockedValue { $0.count } == 3)
            }
            #expect(try await deployment.deadLetters().isEmpty)
        }
    }

    @Test func `A thousand sessions of a node get a message in few entries`() async throws {
        try await withTestDeployment { deployment in
            let sessions = (1_000..<2_000).map { String(Self.session.dropLast(4)) + String($0) }
            for session in sessions { _ = try await self.subscribe(deployment, session: session) }
            try await self.withNode(deployment, answering: { _ in .written }) { received in
                try await self.withSessions(deployment) {
                    try await deployment.post("1")
                    _ = try await eventually {
                        received.withLockedValue { $0.reduce(0) { $0 + $1.targets.count } >= 1_000 } ? true : nil
                    }
                    #expect(try await deployment.isSettled())
                }
                let entries = received.withLockedValue { $0 }
                let isEachOnce = entries.flatMap { $0.targets.map(\.session) }.sorted() == sessions
                #expect(isEachOnce)
                #expect(entries.count < 250)
            }
        }
    }
}
