package import Logging
import NIOConcurrencyHelpers
package import Redis
import Runtime
import ServiceLifecycle
package import Store

/// Brings notifications to the API nodes that have the connections of their sessions, and learns how each attempt ended.
///
/// ```
/// engines ──► what waits ──► inbox of each node (Redis) ──► node ──► outcomes of this notifier (Redis) ──► engines
/// ```
///
/// A node that does not answer costs its own attempts their time, and nothing else.
package final class SessionRelay: Service {
    /// How long a node may take for an attempt.
    package static let attemptMax = Duration.seconds(10)
    /// Attempts sent in one step.
    private static let batchMax = 1_024
    /// Names looked up in one step.
    private static let locatedMax = 512
    /// Bytes of notifications in one step, and one more: a script that takes them holds up the control store.
    private static let batchBytesMax = 1 << 20
    /// How long a read for outcomes waits, and how often overdue attempts are looked for.
    private static let readMax = Duration.seconds(5)
    private static let tick = Duration.milliseconds(500)
    /// How long nothing of a subscription is tried when the store does not answer, about.
    private static let pause = Duration.seconds(2)

    private let notifier: String
    private let inbox: SessionInbox
    private let names: SessionNames
    private let nodes: SessionNodes
    private let connection: RedisBlockingConnection
    private let logger: Logger
    private let signal = AsyncSignal()
    private let attempts: NIOLockedValueBox<SessionAttempts>
    private let users = NIOLockedValueBox(0)
    private let isEnding = NIOLockedValueBox(false)

    /// - Parameters:
    ///   - notifier: Names this process in the deployment.
    ///   - control: The control store.
    ///   - connection: To its Redis; the relay alone reads on it, and ends it.
    package init(
        _ notifier: String, control: Store, connection: RedisBlockingConnection, logger: Logger,
        attemptMax: Duration = SessionRelay.attemptMax
    ) {
        self.notifier = notifier
        self.inbox = control.sessionInbox
        self.names = control.sessionNames
        self.nodes = control.sessionNodes
        self.connection = connection
        self.logger = logger
        self.attempts = NIOLockedValueBox(SessionAttempts(timeMax: attemptMax))
    }

    // MARK: For channels

    func register() -> Int {
        self.users.withLockedValue { users in
            users += 1
            return users
        }
    }

    func send(_ attempts: [Attempt], of user: Int) {
        self.change { $0.add(attempts, of: user, at: .now) }
        self.signal.signal()
    }

    func drain(for user: Int) { self.change { $0.drain(of: user, at: .now) } }

    func abortAll(of user: Int) { self.change { $0.abortAll(of: user, closing: false, at: .now) } }

    func close(for user: Int) { self.change { $0.abortAll(of: user, closing: true, at: .now) } }

    /// Completes what a step ended, outside of the lock: a completion may call back.
    private func change(_ body: (inout SessionAttempts) -> [SessionAttempts.Ended]) {
        for (attempt, result) in self.attempts.withLockedValue(body) { attempt.completion(result) }
    }

    // MARK: Service

    /// Runs until it is asked to stop, which is after the engines have ended.
    package func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.sendAll() }
            group.addTask { await self.receiveAll() }
            group.addTask { await self.watchTime() }
            group.addTask {
                // Cancelled or asked to stop: it ends either way.
                try? await gracefulShutdown()
                self.isEnding.withLockedValue { $0 = true }
                self.signal.finish()
                await self.connection.shutDown()
            }
        }
        self.change { $0.abortAll(at: .now) }
    }

    private var mayGoOn: Bool { !Task.isCancelled && !self.isEnding.withLockedValue { $0 } }

    private func sendAll() async {
        while await self.signal.wait() {
            while let unlocated = self.attempts.withLockedValue({ $0.nextUnlocated(upTo: Self.locatedMax) }) {
                await self.locate(unlocated)
            }
            while self.attempts.withLockedValue({ $0.hasWaiting }) {
                let batches = self.attempts.withLockedValue {
                    $0.nextBatches(upTo: Self.batchMax, bytes: Self.batchBytesMax, from: self.notifier)
                }
                await withTaskGroup(of: Void.self) { group in
                    for batch in batches { group.addTask { await self.send(batch) } }
                }
            }
        }
    }

    private func locate(_ unlocated: SessionAttempts.Unlocated) async {
        do throws(StoreError) {
            let sessions = try await self.names.sessions(of: unlocated.names)
            self.change { $0.located(unlocated, at: sessions, at: .now) }
        } catch {
            self.logger.warn("Sessions cannot be found by their names for now", error)
            self.change { $0.failed(unlocated, pause: Self.pause, at: .now) }
        }
    }

    private func send(_ batch: SessionAttempts.Batch) async {
        do throws(StoreError) {
            let results = try await self.inbox.append(batch.entries, to: batch.node)
            self.change { $0.appended(batch, results, at: .now) }
        } catch {
            self.logger.warn("Notifications cannot be sent to a node for now", error)
            self.change { $0.failed(batch, pause: Self.pause, at: .now) }
        }
    }

    private func receiveAll() async {
        var backoff = Backoff.ofStore
        while self.mayGoOn {
            do throws(StoreError) {
                let outcomes = try await self.inbox.outcomes(on: self.connection, of: self.notifier, for: Self.readMax)
                let now = ContinuousClock.now
                let answers = self.attempts.withLockedValue { attempts in
                    outcomes.all.compactMap { attempts.answered($0.attempt, $0.outcome, at: now) }
                }
                for answer in answers {
                    switch answer {
                    case .ended(let ended): ended.attempt.completion(ended.result)
                    case .waits(let attempt): attempt.waits()
                    }
                }
                try await self.inbox.remove(outcomes, of: self.notifier)
                backoff.reset()
            } catch {
                guard self.mayGoOn else { return }
                self.logger.warn("What nodes answer cannot be received", error)
                // Cancelled: the loop's condition will see it.
                try? await Task.sleep(for: backoff.next(random: .random(in: 0..<1)))
            }
        }
    }

    private func watchTime() async {
        var looksAt = ContinuousClock.now
        while self.mayGoOn {
            // Cancelled: the loop's condition will see it.
            try? await Task.sleep(for: Self.tick)
            self.change { $0.timePassed(at: .now) }
            guard .now >= looksAt else { continue }
            looksAt = .now + SessionNodes.interval
            await self.lookForNodes()
        }
    }

    /// Ends what clients were to acknowledge at nodes that have ended: nothing more is heard of it.
    private func lookForNodes() async {
        let nodes = self.attempts.withLockedValue { $0.unacknowledgedNodes }
        do throws(StoreError) {
            let gone = try await self.nodes.ended(among: nodes)
            self.change { $0.ended(gone, at: .now) }
        } catch {
            self.logger.debug("Nodes cannot be looked for", metadata: [LogKey.error: "\(error)"])
        }
    }
}
