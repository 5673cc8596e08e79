/// The one unit of time in the house: milliseconds since the Unix epoch, UTC, read from Redis' clock.
package struct Timestamp: Hashable, Comparable, Sendable {
    package let milliseconds: Int64

    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// Whole seconds since the epoch, rounded down.
    package var seconds: Int64 { self.milliseconds / 1000 }

    package func adding(seconds: Int) -> Timestamp {
        Timestamp(milliseconds: self.milliseconds + Int64(seconds) * 1000)
    }

    package func adding(milliseconds: Int64) -> Timestamp {
        Timestamp(milliseconds: self.milliseconds + milliseconds)
    }

    /// Whole seconds from `earlier` to this moment, never negative (Messaging API v2, "age").
    package func wholeSeconds(since earlier: Timestamp) -> Int {
        Int(max(0, self.milliseconds - earlier.milliseconds) / 1000)
    }

    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.milliseconds < right.milliseconds
    }
}
