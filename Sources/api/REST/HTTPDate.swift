import Domain
import Foundation
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
        var time = time_t(second)
        var parts = tm()
        gmtime_r(&time, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(Self.days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(Self.months[Int(parts.tm_mon)]) "
            + "\(parts.tm_year + 1900) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
    }
}

extension Timestamp {
    /// This machine's clock: for expiries of pre-signed URLs and for `Date`. Messages live by Redis' clock.
    static func ofThisMachine() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
