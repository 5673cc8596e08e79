package import Domain
import Logging
import Runtime
package import Store

/// What a reader that follows a queue comes past, as it is shown.
package enum FollowedEvent: Sendable {
    /// - Parameter sequence: See ``FollowStep/Event/message(_:sequence:)``.
    case message(MessageView, sequence: Int64?)
    /// Messages of these numbers are not there any more, or do not open.
    case gap(ClosedRange<Int64>)
    /// The queue was deleted and made anew; numbers begin with 1.
    case restart
}

/// Some of it, and where the reader goes on.
package struct FollowedEvents: Sendable {
    /// Each with the place behind it.
    package let events: [(event: FollowedEvent, place: QueuePlace)]
    package let place: QueuePlace

    package init(events: [(event: FollowedEvent, place: QueuePlace)], place: QueuePlace) {
        self.events = events
        self.place = place
    }
}

extension FollowStart {
    /// As callers name it.
    package var text: String {
        switch self {
        case .end: "now"
        case .oldest: "oldest"
        case .behind(let place): place.text
        }
    }
}

extension Operations {
    /// Messages that are read at once.
    package static let followedMax = 20

    /// Where a reader begins.
    ///
    /// - Parameter text: `now`, `oldest`, the id of a message of the queue, or a place as ``FollowedEvents`` has them.
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    package func followStart(_ text: String, of queue: QueueAddress) async throws -> FollowStart {
        switch text {
        case FollowStart.end.text: return .end
        case FollowStart.oldest.text: return .oldest
        default:
            guard let place = QueuePlace(text), try await self.store(of: queue).messages.isIssued(place.id, in: queue)
            else {
                throw Refusal.requestInvalid("A reader begins at now, at oldest, or behind a message of this queue.")
            }
            return .behind(place)
        }
    }

    /// Fixes where a reader begins: what is posted from now on is behind it, whenever it begins to read.
    package func followFixed(_ start: FollowStart, of queue: QueueAddress) async throws -> FollowStart {
        guard start == .end else { return start }
        return .behind(try await self.store(of: queue).messages.follow(queue, from: .end, limit: 1).place)
    }

    /// The place of a reader among what waits, for as long as it follows.
    ///
    /// - Throws: `StoreError.overloaded` when the project has too many.
    package func placeToFollow(_ queue: QueueAddress) async throws -> QueueWait {
        try self.waits.begin(for: queue, in: try await self.store(of: queue), to: .read)
    }

    /// Reads on with a turn of the project of its own, which it gives up while it waits for messages.
    ///
    /// - Parameters:
    ///   - place: See ``placeToFollow(_:)``.
    ///   - limit: Messages at once.
    ///   - seconds: For how long to wait where there is nothing.
    ///   - hold: See ``MessageWait``.
    /// - Returns: nil when nothing came in that time.
    /// - Throws: ``TurnRefused``, among others.
    package func followOn(
        _ queue: QueueAddress, from start: FollowStart, at place: QueueWait, limit: Int = Operations.followedMax,
        within seconds: Int = MessageWait.secondsMax, hold: @escaping MessageWait.Hold = {}
    ) async throws -> FollowedEvents? {
        let turn = try await self.admission.enter(queue.project)
        defer { turn.leave() }
        return try await self.followMessages(
            of: queue, from: start, limit: limit, wait: MessageWait(seconds: seconds, turn, at: place, hold: hold))
    }

    /// Reads on: every message that is kept, whatever claims or delays it, and every gap.
    ///
    /// - Parameter wait: For how long to wait where there is nothing.
    /// - Returns: nil when nothing came in that time; without `wait` it may be empty.
    package func followMessages(
        of queue: QueueAddress, from start: FollowStart, limit: Int = Operations.followedMax, wait: MessageWait? = nil
    ) async throws -> FollowedEvents? {
        let store = try await self.store(of: queue)
        let followed = try await self.found(in: queue, of: store, to: .read, wait) {
            let followed = try await store.messages.follow(queue, from: start, limit: limit)
            return followed.steps.isEmpty && wait != nil ? nil : followed
        }
        return followed.map { followed in
            FollowedEvents(
                events: followed.steps.compactMap { step in
                    self.shown(step.event, of: queue, by: store).map { ($0, step.place) }
                }, place: followed.place)
        }
    }

    private func shown(_ event: FollowStep.Event, of queue: QueueAddress, by store: Store) -> FollowedEvent? {
        switch event {
        case .gap(let range): return .gap(range)
        case .restart: return .restart
        case .message(let message, let sequence):
            do {
                guard let view = try self.opened([message], of: queue, by: store).first else { return nil }
                return .message(view, sequence: sequence)
            } catch {
                self.logger.error(
                    "A message body does not open",
                    metadata: [LogKey.messageID: "\(message.id)", LogKey.error: "\(error)"])
                return sequence.map { .gap($0...$0) }
            }
        }
    }
}
