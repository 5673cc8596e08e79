/// A moment as the Gregorian calendar names it, UTC.
package struct CalendarTime: Sendable, Equatable {
    package let year: Int64
    /// 1 to 12.
    package let month: Int64
    /// 1 to 31.
    package let day: Int64
    package let hour: Int64
    package let minute: Int64
    package let second: Int64
    /// 0 for Sunday.
    package let weekday: Int64

    /// - Parameter seconds: Since the Unix epoch; negative before it.
    package init(seconds: Int64) {
        let second = (seconds % 86400 + 86400) % 86400
        let number = (seconds - second) / 86400
        // Days and dates of the calendar without its exceptions: years begin in March, so the leap day is the last of its
        // year, and 400 years are always 146,097 days (H. Hinnant, "chrono-compatible low-level date algorithms").
        let shifted = number + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        self.month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        self.year = yearOfEra + era * 400 + (self.month <= 2 ? 1 : 0)
        self.day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        self.hour = second / 3600
        self.minute = second / 60 % 60
        self.second = second % 60
        self.weekday = ((number + 4) % 7 + 7) % 7
    }

    /// Days from the Unix epoch to a date.
    package static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// `YYYY-MM-DDThh:mm:ss`.
    package var text: String { "\(self.date)T\(self.clock)" }

    /// `YYYY-MM-DD`.
    package var date: String {
        Self.digits(self.year, 4) + "-" + Self.digits(self.month) + "-" + Self.digits(self.day)
    }

    /// `hh:mm:ss`.
    package var clock: String {
        Self.digits(self.hour) + ":" + Self.digits(self.minute) + ":" + Self.digits(self.second)
    }

    /// A number with zeros in front of it.
    package static func digits(_ number: Int64, _ width: Int = 2) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}

extension Timestamp {
    /// `YYYY-MM-DDThh:mm:ss.sssZ` (ISO 8601).
    package var iso8601: String {
        "\(CalendarTime(seconds: self.seconds).text).\(CalendarTime.digits(self.milliseconds % 1000, 3))Z"
    }

    /// `YYYY-MM-DDThh:mm:ssZ`: the same, cut to the second.
    package var iso8601Seconds: String { CalendarTime(seconds: self.seconds).text + "Z" }
}
