import API
import Documents
import Domain
import NIOConcurrencyHelpers
import Testing

/// Notes which connections ask to be subscribed; who writes to them is another part.
final class SubscriptionRecorder: SessionSubscriptions {
    struct Asked: Sendable, Equatable {
        let session: SessionID
        let queue: String
        let ttl: Int?
        let options: String
        let format: FrameFormat
    }

    private struct State {
        var asked: [Asked] = []
        var ended: [SessionID] = []
    }

    private let state = NIOLockedValueBox(State())

    var asked: [Asked] { self.state.withLockedValue { $0.asked } }
    var sessions: [SessionID] { self.asked.map(\.session) }
    var ended: [SessionID] { self.state.withLockedValue { $0.ended } }

    func subscribe(
        _ session: SessionID, to queue: QueueAddress, _ body: SessionSubscriptionBody, format: FrameFormat,
        now: Timestamp
    ) async throws -> SessionSubscribed {
        let asked = Asked(
            session: session, queue: queue.name.text, ttl: body.ttl,
            options: String(decoding: body.options, as: UTF8.self),
            format: format)
        let isFirst = self.state.withLockedValue { state in
            defer { state.asked.append(asked) }
            return !state.asked.contains { $0.session == session && $0.queue == asked.queue }
        }
        let id = try #require(SubscriptionID(String(repeating: "0", count: 27)))
        guard isFirst else { throw Refusal.subscriptionExists(id: id.text) }
        return SessionSubscribed(id)
    }

    func unfollow(_ session: SessionID, _ id: SubscriptionID, of queue: QueueAddress) -> Bool { false }

    func answer(
        _ session: SessionID, _ deliveries: [DeliveryID], of queue: QueueAddress, _ answer: DeliveryAnswer
    ) async throws -> [DeliveryID] { deliveries }

    func removed(_ session: SessionID, _ id: SubscriptionID, of queue: QueueAddress) async {}

    func ended(_ session: SessionID) async { self.state.withLockedValue { $0.ended.append(session) } }
}
