/// The one unit of time: milliseconds since the Unix epoch, UTC, read from Redis' clock.
package struct Timestamp: Hashable, Comparable, Sendable {
    package let milliseconds: Int64

    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// Whole seconds since the epoch, rounded down.
    package var seconds: Int64 { self.milliseconds / 1000 }

    /// A sum beyond the range is the last moment of the range, or the first.
    package func adding(seconds: Int) -> Timestamp {
        let (milliseconds, isTooMuch) = Int64(seconds).multipliedReportingOverflow(by: 1000)
        return self.adding(milliseconds: isTooMuch ? (seconds < 0 ? .min : .max) : milliseconds)
    }

    /// A sum beyond the range is the last moment of the range, or the first.
    package func adding(milliseconds: Int64) -> Timestamp {
        let (sum, isTooMuch) = self.milliseconds.addingReportingOverflow(milliseconds)
        return Timestamp(milliseconds: isTooMuch ? (milliseconds < 0 ? .min : .max) : sum)
    }

    /// Milliseconds from `earlier` to this moment, negative when it is later; bounded by what 64 bits hold.
    package func milliseconds(since earlier: Timestamp) -> Int64 {
        let (difference, isTooMuch) = self.milliseconds.subtractingReportingOverflow(earlier.milliseconds)
        return isTooMuch ? (self < earlier ? .min : .max) : difference
    }

    /// Whole seconds from `earlier` to this moment, never negative (Messaging API v2, "age").
    package func wholeSeconds(since earlier: Timestamp) -> Int {
        Int(max(0, self.milliseconds(since: earlier)) / 1000)
    }

    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.milliseconds < right.milliseconds
    }
}
