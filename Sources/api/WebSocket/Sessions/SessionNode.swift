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
    /// Entries of the inbox handled in one step, at most, and bytes wanted of it.
    private static let readMax = 256
    private static let readBytes = 1 << 20
    private static let readTime = Duration.seconds(5)
    /// Subscriptions renewed or ended in one step: the store has other work too.
    static let stepMax = 100

    struct State {
        var sessions: [String: SubscribedSession] = [:]
        /// What could not be ended yet.
        var ending: [SessionNodes.Entry] = []
        /// Since when the node has said that it lives without a gap; nil while it cannot.
        var steadySince: ContinuousClock.Instant?
        var isStopping = false
        /// Before then no subscription is to be renewed, and sessions are not looked at; nil: there is none.
        var renewsAt: ContinuousClock.Instant?
    }

    let node: String
    let operations: Operations
    private let nodes: SessionNodes
    let names: SessionNames
    let inbox: SessionInbox
    let registry: SessionRegistry
    private let connection: RedisBlockingConnection
    let logger: Logger
    let state = NIOLockedValueBox(State())

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
        self.names = control.sessionNames
        self.inbox = control.sessionInbox
        self.registry = registry
        self.connection = connection
        self.logger = logger
    }

    // MARK: - Subscriptions

    package func subscribe(
        _ session: SessionID, to queue: QueueAddress, _ body: SessionSubscriptionBody, format: FrameFormat,
        now: Timestamp
    ) async throws -> SessionSubscribed {
        if let from = body.session.from { return try await self.follow(session, queue, from: from, format) }
        let key = session.description
        let address = SessionAddress(node: self.node, session: key)
        // Known before it is created: its first notification may arrive before the answer of the store.
        let earlier = try self.state.withLockedValue { state throws(Refusal) in
            try state.sessions[key, default: SubscribedSession(session)].begin(queue, body.session, format)
        }
        if let id = earlier?.id, try await self.operations.hasSubscription(id, of: queue) {
            throw Refusal.subscriptionExists(id: id.text)
        }
        var made: SessionNodes.Entry?
        do {
            let name = body.session.name
            let (id, ttl, isNew) = try await self.operations.createSessionSubscription(
                to: queue, of: name.map { .named($0) } ?? .session(address), body)
            // One that is there and not known is of a request whose outcome the store did not say: no other session has this address.
            let entry = SessionNodes.Entry(id, of: queue)
            if let name {
                try await self.take(SessionNames.Entry(name, of: queue), id, for: address)
            } else {
                made = entry
                try await self.nodes.register(entry, of: self.node)
            }
            try await self.operations.confirmSessionSubscription(id, of: queue)
            self.state.withLockedValue { state in
                state.sessions[key]?.subscribed(id, body.session, format, to: queue, ttl: ttl, at: .now)
                state.renewsAt = [state.renewsAt, state.sessions[key]?.renewsAt].compactMap(\.self).min()
                // The one before it was ended from elsewhere.
                if let earlier = earlier?.entry(of: queue), earlier != entry { state.ending.append(earlier) }
            }
            if name != nil { await self.wake(id, of: queue) }
            return SessionSubscribed(id, isResumed: !isNew && name != nil)
        } catch {
            // One that it has not taken is not given up.
            if let name = body.session.name { await self.giveUp([(SessionNames.Entry(name, of: queue), address)]) }
            self.state.withLockedValue { state in
                state.sessions[key]?.restore(queue, earlier)
                if let made { state.ending.append(made) }
            }
            throw error
        }
    }

    package func ended(_ session: SessionID) async {
        guard let ended = self.state.withLockedValue({ $0.sessions.removeValue(forKey: session.description) }) else {
            return
        }
        await self.giveUp(ended)
        await self.end(ended.entries)
    }

    /// Ends subscriptions, some at a time; what the store does not take is tried again later.
    private func end(_ entries: [SessionNodes.Entry]) async {
        for start in stride(from: 0, to: entries.count, by: Self.stepMax) {
            let step = entries[start..<min(start + Self.stepMax, entries.count)]
            var (ended, failure) = await self.operations.endSessionSubscriptions(step)
            do throws(StoreError) { try await self.nodes.unregister(ended, of: self.node) } catch {
                ended = []
                failure = failure ?? error
            }
            guard let failure else { continue }
            self.logger.debug("Subscriptions of a session cannot be ended yet", metadata: [LogKey.error: "\(failure)"])
            let gone = Set(ended)
            self.state.withLockedValue { $0.ending += step.filter { !gone.contains($0) } }
        }
    }

    // MARK: - Service

    /// Runs until it is asked to stop, which is after all connections have ended.
    package func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.writeAll() }
            group.addTask { await self.beat() }
            group.addTask { await self.keepUp() }
            group.addTask { await self.keepNames() }
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
        var backoff = Backoff()
        var limit = 16
        while self.mayGoOn {
            do throws(StoreError) {
                let arrived = try await self.inbox.read(
                    on: self.connection, of: self.node, limit: limit, for: Self.readTime)
                guard !arrived.isEmpty else { continue }
                // How large they are is known once they are read.
                let bytes = arrived.reduce(0) { $0 + $1.bytes } / arrived.count
                limit = min(Self.readMax, max(1, Self.readBytes / max(1, bytes)))
                try await self.finish(arrived, self.write(arrived))
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
    private func write(_ arrived: [SessionInbox.Arrived]) -> Outcomes {
        var outcomes: Outcomes = [:]
        for entry in arrived.lazy.compactMap(\.entry) {
            var plain: [Known] = []
            var ended: [(attempt: UInt64, outcome: SessionInbox.Outcome)] = []
            for (target, known) in self.known(entry) {
                guard let known else {
                    ended.append((target.attempt, .unknown))
                    continue
                }
                if let delivery = target.delivery {
                    ended.append((target.attempt, self.send(delivery, entry, to: known)))
                } else {
                    plain.append(known)
                }
            }
            let results = self.registry.send(
                ByteBuffer(bytes: entry.notification),
                to: plain.map { (session: $0.session, format: $0.subscribed.format) })
            ended += zip(plain, results).map { ($0.target.attempt, SessionInbox.Outcome($1)) }
            outcomes[entry.notifier, default: []] += ended
        }
        return outcomes
    }

    /// The targets of an entry, each with its connection; nil where there is none.
    private func known(_ entry: SessionInbox.Entry) -> [(target: SessionInbox.Target, known: Known?)] {
        self.state.withLockedValue { state in
            entry.targets.map { target in
                guard let session = state.sessions[target.session], let subscribed = session[entry.queue] else {
                    return (target, nil)
                }
                return (target, Known(target: target, session: session.id, subscribed: subscribed))
            }
        }
    }
    /// Repeats until the store has it: what stays in the inbox would be written a second time.
    private func finish(
        _ arrived: [SessionInbox.Arrived], _ outcomes: Outcomes
    ) async throws(StoreError) {
        var backoff = Backoff()
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

    /// Says that the node lives, and nothing else: what takes time is done beside it.
    private func beat() async {
        var lastBeat: ContinuousClock.Instant?
        while self.mayGoOn {
            let sent = ContinuousClock.now
            do throws(StoreError) {
                let isKnown = try await self.nodes.beat(self.node)
                let isSteady = lastBeat.map { sent - $0 < SessionNodes.life } ?? false
                if lastBeat != nil, try await self.wasEnded(isKnown: isKnown, isSteady: isSteady) {
                    self.endSubscribedSessions()
                }
                self.state.withLockedValue { state in
                    if !isSteady || !isKnown { state.steadySince = sent }
                }
                lastBeat = sent
            } catch {
                self.state.withLockedValue { $0.steadySince = nil }
                self.logger.debug("The node cannot say that it lives", metadata: [LogKey.error: "\(error)"])
            }
            await self.pause()
        }
    }

    /// Whether another node has taken this one for ended, and so ended what its sessions had subscribed.
    ///
    /// The answer to the beat that would have said so may be lost; then less is written down of the node than it has.
    private func wasEnded(isKnown: Bool, isSteady: Bool) async throws(StoreError) -> Bool {
        if !isKnown { return true }
        if isSteady { return false }
        let own = self.state.withLockedValue { state in
            state.sessions.values.reduce(0) { $0 + $1.entries.count }
        }
        return try await self.nodes.count(of: self.node) < own
    }

    private func pause() async {
        // Cancelled: the loop's condition will see it.
        try? await cancelWhenGracefulShutdown { try await Task.sleep(for: SessionNodes.interval) }
    }

    private func endSubscribedSessions() {
        // Of what only follows queues nothing has ended.
        let sessions = self.state.withLockedValue { $0.sessions.values.filter(\.isStored).map(\.id) }
        guard !sessions.isEmpty else { return }
        self.logger.warning(
            "The process was silent for too long, its sessions with subscriptions end",
            metadata: ["count": "\(sessions.count)"])
        self.registry.restart(sessions)
    }

    /// Renews what the sessions have subscribed, and ends what has no session any more.
    private func keepUp() async {
        while self.mayGoOn {
            await self.end(self.state.withLockedValue { $0.takeEnding() })
            await self.renew()
            // A node that was silent itself cannot tell who else was.
            let isSteady = self.state.withLockedValue { state in
                state.steadySince.map { .now - $0 >= SessionNodes.life } ?? false
            }
            if isSteady { await self.endForOthers() }
            await self.pause()
        }
    }

    private func keepNames() async {
        while self.mayGoOn {
            await self.holdNames()
            self.state.withLockedValue { $0.timePassed(at: .now) }
            await self.pause()
        }
    }

    private func renew() async {
        let due = self.state.withLockedValue { $0.takeRenewals(at: .now) }
        for start in stride(from: 0, to: due.count, by: Self.stepMax) where self.mayGoOn {
            await withTaskGroup(of: Void.self) { group in
                for (name, renewal) in due[start..<min(start + Self.stepMax, due.count)] {
                    group.addTask { await self.renew(renewal, of: name) }
                }
            }
        }
    }

    private func renew(_ renewal: SubscribedSession.Renewal, of name: String) async {
        do throws(StoreError) {
            let isThere = try await self.operations.renewSessionSubscription(
                renewal.id, of: renewal.queue, ttl: renewal.ttl)
            let (session, found) = self.state.withLockedValue { state in
                (state.sessions[name]?.id, state.sessions[name]?.renewed(renewal, isThere: isThere, at: .now))
            }
            switch found {
            case .renewed, nil: break
            case .ended(let entry, let pending):
                await self.giveBack(pending)
                try await self.nodes.unregister([entry], of: self.node)
            case .lapsed: if let session { self.registry.restart([session]) }
            }
        } catch {
            self.logger.debug("A subscription of a session cannot be renewed yet", metadata: [LogKey.error: "\(error)"])
        }
    }

    /// Ends what the sessions of silent nodes have subscribed; one that cannot be ended holds up no other.
    private func endForOthers() async {
        do throws(StoreError) {
            for node in try await self.nodes.endSilent(limit: 10) where node != self.node {
                var isComplete = true
                while isComplete, self.mayGoOn {
                    let entries = try await self.nodes.entries(of: node, limit: Self.stepMax)
                    if entries.isEmpty { break }
                    let (ended, failure) = await self.operations.endSessionSubscriptions(entries)
                    try await self.nodes.unregister(ended, of: node)
                    isComplete = failure == nil
                }
                if try await self.nodes.end(node, itself: false) {
                    self.logger.notice(
                        "The subscriptions of a node that has ended are gone", metadata: ["node": "\(node)"])
                }
            }
        } catch {
            self.logger.debug(
                "Subscriptions of a dead node cannot be ended yet", metadata: [LogKey.error: "\(error)"])
        }
    }
}

extension SessionNode.State {
    fileprivate mutating func takeEnding() -> [SessionNodes.Entry] {
        defer { self.ending = [] }
        return self.ending
    }

    /// Removes what no client can acknowledge any more.
    fileprivate mutating func timePassed(at now: ContinuousClock.Instant) {
        for key in self.sessions.filter({ !$0.value.pending.isEmpty }).keys {
            self.sessions[key]?.pending.timePassed(at: now)
        }
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
