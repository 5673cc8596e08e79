/// Where something stands in the one order of its shard: messages, events and subscriptions draw from it.
///
/// ```
/// position = max(last position + 1, now in ms * 2048)      < 2^53 until the year 2109
/// ```
///
/// It only grows, also across the deletion of a queue, so ids and markers made of it are never reused.
package struct Position: Hashable, Comparable, Sendable {
    package static let perMillisecond: Int64 = 2048

    /// Positive, below 2^53.
    package let value: Int64

    package init(_ value: Int64) {
        self.value = value
    }

    /// When the thing at this position was created, unless positions were ahead of the clock: then it was earlier, and
    /// the record of a message says when.
    package var createdAt: Timestamp { Timestamp(milliseconds: self.value / Self.perMillisecond) }

    package func advanced(by count: Int) -> Position { Position(self.value + Int64(count)) }

    package static func < (left: Position, right: Position) -> Bool { left.value < right.value }
}
