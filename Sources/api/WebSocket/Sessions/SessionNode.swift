package import Documents
package import Domain
package import Logging
import NIOConcurrencyHelpers
import NIOCore
package import Operations
package import Redis
import Runtime
import ServiceLifecycle
package import Store

/// The subscriptions of this process' sessions: it makes them, renews them while their connections are open, ends them, and writes to
/// the connections what notifiers put into its inbox.
///
/// What a node that has died leaves behind is ended by the others, each of which looks every few seconds.
package final class SessionNode: SessionSubscriptions, Service {
    /// Entries of the inbox handled in one step.
    private static let readMax = 256
    private static let readTime = Duration.seconds(5)
    /// Subscriptions renewed, or ended for a dead node, in one step.
    private static let stepMax = 100
    /// Steps of ending for dead nodes between two heartbeats.
    private static let stepsMax = 50

    fileprivate struct State {
        var sessions: [String: SubscribedSession] = [:]
        /// What could not be ended yet.
        var ending: [SessionNodes.Entry] = []
        var isStopping = false
        /// Before then no subscription is to be renewed, and sessions are not looked at; nil: there is none.
        var renewsAt: ContinuousClock.Instant?
    }

    private let node: String
    private let operations: Operations
    private let nodes: SessionNodes
    private let inbox: SessionInbox
    private let registry: SessionRegistry
    private let connection: RedisBlockingConnection
    private let logger: Logger
    private let state = NIOLockedValueBox(State())

    /// - Parameters:
    ///   - node: Names this process in the deployment.
    ///   - control: The control store.
    ///   - connection: To its Redis; the node alone reads on it, and ends it.
    package init(
        _ node: String, operations: Operations, control: Store, registry: SessionRegistry,
        connection: RedisBlockingConnection, logger: Logger
    ) {
        self.node = node
        self.operations = operations
        self.nodes = control.sessionNodes
        self.inbox = control.sessionInbox
        self.registry = registry
        self.connection = connection
        self.logger = logger
    }

    // MARK: - Subscriptions

    package func subscribe(
        _ session: SessionID, to queue: QueueAddress, _ body: SessionSubscriptionBody, format: FrameFormat,
        now: Timestamp
    ) async throws -> SubscriptionID {
        let name = session.description
        // Known before it is created: its first notification may arrive before the answer of the store.
        let earlier = self.state.withLockedValue {
            $0.sessions[name, default: SubscribedSession(session)].begin(queue, format)
        }
        var made: SubscriptionID?
        do {
            let (id, ttl) = try await self.operations.createSessionSubscription(
                to: queue, of: SessionAddress(node: self.node, session: name), body)
            made = id
            try await self.nodes.register(SessionNodes.Entry(id, of: queue), of: self.node)
            self.state.withLockedValue { state in
                state.sessions[name]?.subscribed(id, format: format, to: queue, ttl: ttl, at: .now)
                state.renewsAt = [state.renewsAt, state.sessions[name]?.renewsAt].compactMap(\.self).min()
            }
            return id
        } catch {
            self.state.withLockedValue { state in
                state.sessions[name]?.restore(queue, earlier)
                // What no node would end must not stay.
                if let made { state.ending.append(SessionNodes.Entry(made, of: queue)) }
            }
            throw error
        }
    }

    package func ended(_ session: SessionID) async {
        let entries = self.state.withLockedValue { $0.sessions.removeValue(forKey: session.description)?.entries ?? [] }
        await self.end(entries)
    }

    /// Ends subscriptions; what the store does not take is tried again later.
    private func end(_ entries: [SessionNodes.Entry]) async {
        guard !entries.isEmpty else { return }
        do {
            try await self.operations.endSessionSubscriptions(entries)
            try await self.nodes.unregister(entries, of: self.node)
        } catch {
            self.logger.debug("Subscriptions of a session cannot be ended yet", metadata: [LogKey.error: "\(error)"])
            self.state.withLockedValue { $0.ending += entries }
        }
    }

    // MARK: - Service

    /// Runs until it is asked to stop, which is after all connections have ended.
    package func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.writeAll() }
            group.addTask { await self.keepAlive() }
            group.addTask {
                // Cancelled or asked to stop: it ends either way.
                try? await gracefulShutdown()
                self.state.withLockedValue { $0.isStopping = true }
                await self.connection.shutDown()
            }
        }
        await self.end(self.state.withLockedValue { $0.takeEnding() })
        do throws(StoreError) {
            // What is left, or could not be removed, the others end.
            _ = try await self.nodes.end(self.node, itself: true)
        } catch {
            self.logger.debug("The node stays known", metadata: [LogKey.error: "\(error)"])
        }
    }

    private var mayGoOn: Bool { !Task.isCancelled && !self.state.withLockedValue { $0.isStopping } }

    // MARK: - Notifications

    private func writeAll() async {
        var backoff = Backoff.ofSessions
        while self.mayGoOn {
            do throws(StoreError) {
                let arrived = try await self.inbox.read(
                    on: self.connection, of: self.node, limit: Self.readMax, for: Self.readTime)
                guard !arrived.isEmpty else { continue }
                let outcomes = self.write(arrived)
                try await self.finish(arrived, outcomes)
                backoff.reset()
            } catch {
                guard self.mayGoOn else { return }
                self.logger.warning(
                    "Notifications for sessions cannot be received",
                    metadata: [LogKey.error: "\(error)", LogKey.storeTrouble: "\(error.trouble.rawValue)"])
                // Cancelled: the loop's condition will see it.
                try? await Task.sleep(for: backoff.next(random: .random(in: 0..<1)))
            }
        }
    }

    /// - Returns: By notifier.
    private func write(_ arrived: [SessionInbox.Arrived]) -> [String: [(
        attempt: UInt64, outcome: SessionInbox.Outcome
    )]] {
        var outcomes: [String: [(attempt: UInt64, outcome: SessionInbox.Outcome)]] = [:]
        for entry in arrived.lazy.map(\.entry) {
            var known: [(attempt: UInt64, session: SessionID, format: FrameFormat)] = []
            self.state.withLockedValue { state in
                for target in entry.targets {
                    guard let session = state.sessions[target.session], let format = session.format(of: entry.queue)
                    else {
                        outcomes[entry.notifier, default: []].append((target.attempt, .unknown))
                        continue
                    }
                    known.append((target.attempt, session.id, format))
                }
            }
            let results = self.registry.send(
                ByteBuffer(bytes: entry.notification), to: known.map { (session: $0.session, format: $0.format) })
            for (target, result) in zip(known, results) {
                let outcome: SessionInbox.Outcome
                switch result {
                case .written: outcome = .written
                case .unknown: outcome = .unknown
                case .full: outcome = .full
                case .unreadable: outcome = .unreadable
                }
                outcomes[entry.notifier, default: []].append((target.attempt, outcome))
            }
        }
        return outcomes
    }

    /// Repeats until the store has it: what stays in the inbox would be written a second time.
    private func finish(
        _ arrived: [SessionInbox.Arrived], _ outcomes: [String: [(attempt: UInt64, outcome: SessionInbox.Outcome)]]
    ) async throws(StoreError) {
        var backoff = Backoff.ofSessions
        while true {
            do throws(StoreError) {
                return try await self.inbox.finish(arrived, of: self.node, outcomes)
            } catch {
                guard self.mayGoOn else { throw error }
                // Cancelled: the condition above sees it.
                try? await Task.sleep(for: backoff.next(random: .random(in: 0..<1)))
            }
        }
    }

    // MARK: - Liveness

    private func keepAlive() async {
        var wasAlive = false
        while self.mayGoOn {
            do throws(StoreError) {
                let lived = try await self.nodes.beat(self.node)
                // Stopped for so long that others have ended its subscriptions: clients subscribe again on a new connection.
                if wasAlive, !lived { self.endSubscribedSessions() }
                wasAlive = true
                await self.end(self.state.withLockedValue { $0.takeEnding() })
                await self.renew()
                try await self.endForOthers()
            } catch {
                self.logger.debug("The node cannot say that it lives", metadata: [LogKey.error: "\(error)"])
            }
            // Cancelled: the loop's condition will see it.
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: SessionNodes.interval) }
        }
    }

    private func endSubscribedSessions() {
        let sessions = self.state.withLockedValue { $0.sessions.values.map(\.id) }
        self.logger.warning(
            "The process stood still for too long, its sessions with subscriptions end",
            metadata: ["count": "\(sessions.count)"])
        self.registry.restart(sessions)
    }

    private func renew() async {
        let due = self.state.withLockedValue { $0.takeRenewals(at: .now) }
        for start in stride(from: 0, to: due.count, by: Self.stepMax) {
            await withTaskGroup(of: Void.self) { group in
                for (name, renewal) in due[start..<min(start + Self.stepMax, due.count)] {
                    group.addTask { await self.renew(renewal, of: name) }
                }
            }
        }
    }

    private func renew(_ renewal: SubscribedSession.Renewal, of name: String) async {
        do {
            let isThere = try await self.operations.renewSessionSubscription(
                renewal.id, of: renewal.queue, ttl: renewal.ttl)
            self.state.withLockedValue { $0.sessions[name]?.renewed(renewal, isThere: isThere, at: .now) }
        } catch {
            self.logger.debug("A subscription of a session cannot be renewed yet", metadata: [LogKey.error: "\(error)"])
        }
    }

    /// Ends what the sessions of dead nodes have subscribed.
    private func endForOthers() async throws(StoreError) {
        for node in try await self.nodes.ended(limit: 10) where node != self.node {
            for _ in 0..<Self.stepsMax {
                let entries = try await self.nodes.entries(of: node, limit: Self.stepMax)
                if entries.isEmpty { break }
                do {
                    try await self.operations.endSessionSubscriptions(entries)
                } catch {
                    self.logger.debug(
                        "Subscriptions of a dead node cannot be ended yet", metadata: [LogKey.error: "\(error)"])
                    return
                }
                try await self.nodes.unregister(entries, of: node)
            }
            if try await self.nodes.end(node, itself: false) {
                self.logger.notice("The subscriptions of a node that has ended are gone", metadata: ["node": "\(node)"])
            }
        }
    }
}

extension SessionNode.State {
    fileprivate mutating func takeEnding() -> [SessionNodes.Entry] {
        defer { self.ending = [] }
        return self.ending
    }

    /// What is to be renewed now, each with the name of its session.
    fileprivate mutating func takeRenewals(
        at now: ContinuousClock.Instant
    ) -> [(name: String, renewal: SubscribedSession.Renewal)] {
        guard let renewsAt = self.renewsAt, renewsAt <= now else { return [] }
        // With those of now, which count until they have been renewed.
        self.renewsAt = self.sessions.values.compactMap(\.renewsAt).min()
        return self.sessions.flatMap { name, session in session.renewals(at: now).map { (name, $0) } }
    }
}

extension Backoff {
    fileprivate static let ofSessions = Backoff(from: .milliseconds(50), to: .seconds(1))
}
