import Domain
import Glibc
import NIOConcurrencyHelpers

/// The value of `Date` in answers (RFC 9110, 5.6.7), made once a second.
final class HTTPDate: Sendable {
    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private let made = NIOLockedValueBox<(second: Int64, text: String)>((.min, ""))

    func text(at now: Timestamp) -> String {
        self.made.withLockedValue { made in
            if made.second != now.seconds { made = (now.seconds, Self.format(now.seconds)) }
            return made.text
        }
    }

    private static func format(_ second: Int64) -> String {
        let time = CalendarTime(seconds: second)
        let clock = [time.hour, time.minute, time.second].map { CalendarTime.digits($0) }.joined(separator: ":")
        return "\(Self.days[Int(time.weekday)]), \(CalendarTime.digits(time.day)) \(Self.months[Int(time.month) - 1]) "
            + "\(time.year) \(clock) GMT"
    }
}

extension Timestamp {
    /// This machine's clock: for expiries of pre-signed URLs and for `Date`.
    ///
    /// Messages live by Redis' clock.
    static func ofThisMachine() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
