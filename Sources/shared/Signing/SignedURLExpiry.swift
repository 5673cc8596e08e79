package import Domain

/// The moment a pre-signed URL ends, in the one spelling that is signed: `YYYY-MM-DDThh:mm:ss`, UTC.
package struct SignedURLExpiry: Sendable, Hashable {
    /// Whole seconds since the epoch; negative before 1970.
    package let seconds: Int64

    /// The latest moment four digits of a year can spell, 9999-12-31T23:59:59.
    private static let secondsMax: Int64 = 253_402_300_799
    /// 0001-01-01T00:00:00.
    private static let secondsMin: Int64 = -62_135_596_800

    /// nil when the moment has no four-digit year.
    package init?(seconds: Int64) {
        guard (Self.secondsMin...Self.secondsMax).contains(seconds) else { return nil }
        self.seconds = seconds
    }

    /// Reads an ISO 8601 date or date-time (docs/api.md, "Queues", `expires` of a share).
    ///
    /// `YYYY-MM`, `YYYY-MM-DD`, or a date followed by `T` or a blank and `hh:mm`, `hh:mm:ss` or `hh:mm:ss.fraction` (a comma
    /// will do), then nothing, `Z`, `±hh`, `±hhmm` or `±hh:mm`. Separators inside date and time may be left out when both
    /// are there. Without an offset it is UTC; fractions are cut.
    ///
    /// - Returns: nil for anything else; a text of digits only is not a date.
    package init?(_ text: String) {
        var reader = Reader(Array(text.utf8))
        guard let seconds = reader.read() else { return nil }
        self.init(seconds: seconds)
    }

    /// Whether the URL still holds.
    package func isAfter(_ now: Timestamp) -> Bool {
        self.seconds > now.seconds
    }

    package var text: String { CalendarTime(seconds: self.seconds).text }
}

/// Walks over the text of a date once, left to right.
private struct Reader {
    private let text: [UInt8]
    private var index = 0

    init(_ text: [UInt8]) {
        self.text = text
    }

    /// Seconds since the epoch; nil when the text is no date.
    mutating func read() -> Int64? {
        guard self.text.contains(where: { !Self.isDigit($0) }), let date = self.readDate() else { return nil }
        if self.isAtEnd { return date * 86400 }
        guard self.take("T") || self.take(" "), let time = self.readTime(), let offset = self.readOffset(), self.isAtEnd
        else { return nil }
        return date * 86400 + time - offset
    }

    /// Days since the epoch.
    ///
    /// A month alone is its first day, and must be the whole text.
    private mutating func readDate() -> Int64? {
        guard let year = self.number(digits: 4), year >= 1 else { return nil }
        let isDashed = self.take("-")
        guard let month = self.number(digits: 2), (1...12).contains(month) else { return nil }
        if self.isAtEnd { return isDashed ? CalendarTime.days(year: year, month: month, day: 1) : nil }
        guard self.take("-") == isDashed, let day = self.number(digits: 2) else { return nil }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days: Int64 = month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
        guard (1...days).contains(day) else { return nil }
        return CalendarTime.days(year: year, month: month, day: day)
    }

    /// Seconds since midnight.
    private mutating func readTime() -> Int64? {
        guard let hour = self.number(digits: 2), hour <= 23 else { return nil }
        _ = self.take(":")
        guard let minute = self.number(digits: 2), minute <= 59 else { return nil }
        let minutes = hour * 60 + minute
        guard self.take(":") || self.isAtDigit else { return minutes * 60 }
        guard let second = self.number(digits: 2), second <= 59 else { return nil }
        if self.take(".") || self.take(",") {
            guard self.isAtDigit else { return nil }
            while self.isAtDigit { self.index += 1 }
        }
        return minutes * 60 + second
    }

    /// Seconds east of Greenwich.
    private mutating func readOffset() -> Int64? {
        if self.isAtEnd || self.take("Z") { return 0 }
        let isWest = self.take("-")
        guard isWest || self.take("+"), let hours = self.number(digits: 2), hours <= 23 else { return nil }
        var seconds = hours * 3600
        if !self.isAtEnd {
            _ = self.take(":")
            guard let minutes = self.number(digits: 2), minutes <= 59 else { return nil }
            seconds += minutes * 60
        }
        return isWest ? -seconds : seconds
    }

    private var isAtEnd: Bool { self.index == self.text.count }
    private var isAtDigit: Bool { !self.isAtEnd && Self.isDigit(self.text[self.index]) }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard !self.isAtEnd, self.text[self.index] == UInt8(ascii: character) else { return false }
        self.index += 1
        return true
    }

    private mutating func number(digits: Int) -> Int64? {
        var number: Int64 = 0
        for _ in 0..<digits {
            guard self.isAtDigit else { return nil }
            number = number * 10 + Int64(self.text[self.index] - UInt8(ascii: "0"))
            self.index += 1
        }
        return number
    }
}
