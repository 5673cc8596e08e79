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
            (state.sessions[session]?.lost(entry, id), state.sessions[session]?.id)
        }
        guard let found, let connection else { return }
        let frame = AcknowledgedNotification.detached(id, of: entry.queue.name)
        _ = self.registry.send(frame, to: [(session: connection, format: found.subscribed.format)])
        await self.giveBack(found.pending)
    }

    /// Gives up the names that a connection had, and what it had not acknowledged: the next one gets that.
    func giveUpNames(of ended: SubscribedSession) async {
        let address = SessionAddress(node: self.node, session: ended.id.description)
        let names = ended.names
        guard !names.isEmpty else { return }
        do throws(StoreError) { try await self.names.release(names.map { ($0.entry, address) }) } catch {
            self.logger.debug("Names of a session go by themselves", metadata: [LogKey.error: "\(error)"])
        }
        var pending = ended.pending
        await self.giveBack(names.flatMap { pending.endAll(of: $0.entry.queue) })
    }

    private func giveBack(_ pending: [PendingDeliveries.Pending]) async {
        do throws(StoreError) { try await self.finish(pending, .returned) } catch {
            self.logger.debug(
                "Messages of a session are sent again after their time", metadata: [LogKey.error: "\(error)"])
        }
    }

    /// Keeps the names of the connections, and notices those that were taken from elsewhere.
    func holdNames() async {
        let now = ContinuousClock.now
        let held = self.state.withLockedValue { state in
            state.sessions.flatMap { key, session in
                session.names.map { (name: $0, session: SessionAddress(node: self.node, session: key)) }
            }
        }
        do throws(StoreError) {
            let answers = try await self.names.hold(held.map { ($0.name.entry, $0.session) })
            for (one, isHeld) in zip(held, answers) {
                if !isHeld {
                    await self.detach(one.session.session, one.name.entry, one.name.subscription)
                } else if now - one.name.since < Self.wakingTime {
                    try await self.operations.wakeSessionSubscription(one.name.subscription, of: one.name.entry.queue)
                }
            }
        } catch {
            self.logger.debug("Names of sessions cannot be held yet", metadata: [LogKey.error: "\(error)"])
        }
    }
}
