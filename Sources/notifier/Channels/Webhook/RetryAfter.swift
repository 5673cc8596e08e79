package import Domain

extension NotBefore {
    /// Reads the `Retry-After` of an answer (RFC 9110, 10.2.3).
    ///
    /// A date is understood against the answer's own `Date`, so that the clock of neither side has to be right.
    ///
    /// - Parameters:
    ///   - text: The field's value, blanks around it cut off.
    ///   - sentAt: The value of the answer's `Date`; nil when it has none.
    /// - Returns: nil for anything that is neither a number nor a date.
    package init?(retryAfter text: String, sentAt date: String?) {
        guard !text.isEmpty, text.utf8.count <= Self.bytesMax else { return nil }
        if Self.isNumber(text[...]) {
            self = .delay(seconds: min(Int(text) ?? Self.secondsMax, Self.secondsMax))
        } else if let moment = Self.moment(text) {
            let sentAt = date.flatMap { $0.utf8.count <= Self.bytesMax ? Self.moment($0) : nil }
            self =
                sentAt.map { .delay(seconds: min(max(moment - $0, 0), Self.secondsMax)) }
                ?? .time(Timestamp(milliseconds: Int64(moment) * 1000))
        } else {
            return nil
        }
    }

    /// Bytes of the longest value that is read.
    private static let bytesMax = 40

    /// Seconds since the epoch of an HTTP date, in any of its three spellings (RFC 9110, 5.6.7):
    /// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`.
    private static func moment(_ text: String) -> Int? {
        let words = text.split { $0 == " " || $0 == "," || $0 == "-" }
        switch words.count {
        case 6 where words[5] == "GMT": return Self.moment(day: words[1], month: words[2], year: words[3], words[4])
        case 5: return Self.moment(day: words[2], month: words[1], year: words[4], words[3])
        default: return nil
        }
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private static func moment(day: Substring, month: Substring, year: Substring, _ clock: Substring) -> Int? {
        let parts = clock.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, ([day, year] + parts).allSatisfy(Self.isNumber), year.count == 4 || year.count == 2,
            let month = Self.months.firstIndex(of: String(month)), let day = Int(day), (1...31).contains(day),
            var year = Int(year), let hour = Int(parts[0]), let minute = Int(parts[1]), let second = Int(parts[2]),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        if year < 100 { year += year < 70 ? 2000 : 1900 }
        return Self.days(year: year, month: month + 1, day: day) * 86_400 + hour * 3600 + minute * 60 + second
    }

    /// Days since 1970-01-01 in the Gregorian calendar, counted in years that begin in March, so that the leap day is
    /// the last of its year.
    private static func days(year: Int, month: Int, day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let monthFromMarch = (month + 9) % 12
        return year * 365 + year / 4 - year / 100 + year / 400 + (monthFromMarch * 153 + 2) / 5 + day - 1 - 719_468
    }

    private static func isNumber(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
