import Documents
import Domain
import Logging
import NIOConcurrencyHelpers
import Operations
import Runtime
import Store

/// Subscriptions with a name, which belong to whichever connection said it last.
///
/// ```
/// subscribed ──▶ has the name ──▶ the connection ends: the name is given up, and what it had not acknowledged is sent again
///                     └─────────▶ another connection takes it: this one is detached
/// ```
/// A message for a name that no connection has waits, and is looked at again after a while; a connection that takes the
/// name wakes it.
extension SessionNode {
    /// How long what waits is woken again after a connection took a name: a notifier may have looked just before.
    private static let wakingTime = Duration.seconds(15)

    func take(
        _ entry: SessionNames.Entry, _ id: SubscriptionID, for address: SessionAddress
    ) async throws(StoreError) {
        let before = try await self.names.take(entry, for: address)
        // One on another node is detached by that.
        if let before, before.node == self.node, before != address { await self.detach(before.session, entry, id) }
    }

    /// Another connection has the name of one's subscription.
    private func detach(_ session: String, _ entry: SessionNames.Entry, _ id: SubscriptionID) async {
        let (found, connection) = self.state.withLockedValue { state in
            (state.sessions[session]?.remove(entry.queue, id), state.sessions[session]?.id)
        }
        guard let found, let connection else { return }
        let frame = AcknowledgedNotification.detached(id, of: entry.queue.name)
        _ = self.registry.send(frame, to: [(session: connection, format: found.subscribed.format)])
        await self.giveBack(found.pending)
    }

    /// Gives up the names that a connection had, and what it had not acknowledged: the next one gets that.
    func giveUp(_ ended: SubscribedSession) async {
        let address = SessionAddress(node: self.node, session: ended.id.description)
        let names = ended.names
        await self.giveUp(names.map { ($0.entry, address) })
        var pending = ended.pending
        await self.giveBack(pending.endAll())
        // The ttl of what stays begins now.
        await withTaskGroup(of: Void.self) { group in
            for name in names where name.isRenewed {
                group.addTask {
                    do throws(StoreError) {
                        _ = try await self.operations.renewSessionSubscription(
                            name.subscription, of: name.entry.queue, ttl: name.ttl)
                    } catch {
                        self.logger.debug(
                            "A named subscription keeps the end it has", metadata: [LogKey.error: "\(error)"])
                    }
                }
            }
        }
    }

    func giveUp(_ names: [(entry: SessionNames.Entry, session: SessionAddress)]) async {
        guard !names.isEmpty else { return }
        do throws(StoreError) { try await self.names.release(names) } catch {
            self.logger.debug("Names of a session go by themselves", metadata: [LogKey.error: "\(error)"])
        }
    }

    func giveBack(_ pending: [PendingDeliveries.Pending]) async {
        do throws(StoreError) { try await self.finish(pending, .returned) } catch {
            self.logger.debug(
                "Messages of a session are sent again after their time", metadata: [LogKey.error: "\(error)"])
        }
    }

    /// Keeps the names of the connections, and notices those that were taken from elsewhere.
    func holdNames() async {
        let held = self.state.withLockedValue { state in
            state.sessions.flatMap { key, session in
                session.names.map { (name: $0, session: SessionAddress(node: self.node, session: key)) }
            }
        }
        guard !held.isEmpty else { return }
        let answers: [SessionNames.Held]
        do throws(StoreError) { answers = try await self.names.hold(held.map { ($0.name.entry, $0.session) }) } catch {
            self.logger.debug("Names of sessions cannot be held yet", metadata: [LogKey.error: "\(error)"])
            return
        }
        let now = ContinuousClock.now
        for (one, _) in zip(held, answers).filter({ $0.1 == .lost }) {
            await self.detach(one.session.session, one.name.entry, one.name.subscription)
        }
        // Of sessions that have ended meanwhile.
        let gone = self.state.withLockedValue { state in
            held.filter { state.sessions[$0.session.session] == nil }
        }
        await self.giveUp(gone.map { ($0.name.entry, $0.session) })
        await self.wake(
            zip(held, answers).filter { one, answer in
                answer == .takenAnew || (answer == .held && now - one.name.since < Self.wakingTime)
            }.map(\.0.name))
    }

    /// Wakes what waits for names; one whose store does not answer holds up no other.
    private func wake(_ names: [SubscribedSession.Named]) async {
        for start in stride(from: 0, to: names.count, by: Self.stepMax) {
            await withTaskGroup(of: Void.self) { group in
                for name in names[start..<min(start + Self.stepMax, names.count)] {
                    group.addTask { await self.wake(name.subscription, of: name.entry.queue) }
                }
            }
        }
    }

    func wake(_ id: SubscriptionID, of queue: QueueAddress) async {
        do throws(StoreError) { try await self.operations.wakeSessionSubscription(id, of: queue) } catch {
            self.logger.debug(
                "Messages for a named subscription wait for their time", metadata: [LogKey.error: "\(error)"])
        }
    }
}
