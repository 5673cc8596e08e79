package import Domain

/// A place in the order of the messages of a queue.
package struct QueuePlace: Sendable, Equatable {
    /// Names the position, whether or not a message is there.
    package let id: MessageID
    /// How many messages had been posted to the queue up to here; nil: unknown.
    package let sequence: Int64?

    package init(id: MessageID, sequence: Int64?) {
        self.id = id
        self.sequence = sequence
    }

    /// `<id>.<sequence>`, or the id alone.
    package var text: String { self.id.text + (self.sequence.map { ".\($0)" } ?? "") }

    package init?(_ text: String) {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let id = MessageID(String(parts[0])) else { return nil }
        var sequence: Int64?
        if parts.count > 1 {
            guard let number = Int64(parts[1]), (0...Self.sequenceMax).contains(number) else { return nil }
            sequence = number
        }
        self.init(id: id, sequence: sequence)
    }

    /// Scripts count in doubles.
    private static let sequenceMax: Int64 = 1 << 53 - 1
}

/// Where a reader that follows a queue begins.
package enum FollowStart: Sendable, Equatable {
    /// With what is posted from now on.
    case end
    /// With the oldest message that is there.
    case oldest
    case behind(QueuePlace)
}

/// What a reader that follows a queue comes past.
package struct FollowStep: Sendable {
    package enum Event: Sendable {
        /// - Parameter sequence: Counts the messages of the queue from 1; nil: it is older than these numbers.
        case message(StoredMessage, sequence: Int64?)
        /// Messages of these numbers are not there any more: others took them, or their life has ended.
        case gap(ClosedRange<Int64>)
        /// The queue was deleted and made anew: what was behind the place before is gone, and numbers begin with 1.
        case restart
    }

    package let event: Event
    /// Behind it.
    package let place: QueuePlace

    package init(event: Event, place: QueuePlace) {
        self.event = event
        self.place = place
    }
}

/// Some steps of a reader, and where it goes on.
package struct Followed: Sendable {
    package let steps: [FollowStep]
    package let place: QueuePlace

    package init(steps: [FollowStep], place: QueuePlace) {
        self.steps = steps
        self.place = place
    }
}
