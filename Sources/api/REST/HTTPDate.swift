import Domain
import Foundation
import NIOConcurrencyHelpers

/// Moments as texts: the value of `Date` in answers (RFC 9110, 5.6.7), made once a second, and what bodies hold.
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

    /// `YYYY-MM-DDThh:mm:ssZ`.
    static func iso8601(_ second: Int64) -> String {
        let parts = Self.parts(of: second)
        return "\(parts.tm_year + 1900)-\(Self.two(parts.tm_mon + 1))-\(Self.two(parts.tm_mday))T"
            + "\(Self.two(parts.tm_hour)):\(Self.two(parts.tm_min)):\(Self.two(parts.tm_sec))Z"
    }

    /// `YYYY-MM-DDThh:mm:ss.sssZ`.
    static func iso8601(_ time: Timestamp) -> String {
        let milliseconds = String(1000 + time.milliseconds % 1000).dropFirst()
        return "\(Self.iso8601(time.seconds).dropLast()).\(milliseconds)Z"
    }

    private static func parts(of second: Int64) -> tm {
        var time = time_t(second)
        var parts = tm()
        gmtime_r(&time, &parts)
        return parts
    }

    private static func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static func format(_ second: Int64) -> String {
        let parts = Self.parts(of: second)
        return "\(Self.days[Int(parts.tm_wday)]), \(Self.two(parts.tm_mday)) \(Self.months[Int(parts.tm_mon)]) "
            + "\(parts.tm_year + 1900) \(Self.two(parts.tm_hour)):\(Self.two(parts.tm_min)):\(Self.two(parts.tm_sec)) GMT"
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
