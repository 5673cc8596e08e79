package import Domain

/// Header fields in the form they travel in.
///
/// Whatever a value holds, no line of it can become a field: values are brought to one line, encoded, and folded with a
/// blank in front of every further line.
struct HeaderFields {
    private(set) var bytes: [UInt8] = []

    /// Bytes that the fields of most mails take.
    private static let bytesMost = 1024

    init() {
        self.bytes.reserveCapacity(Self.bytesMost)
    }

    /// A value that is spelled by this module: ASCII, and short enough for one line.
    mutating func token(_ name: String, _ value: String) {
        precondition(
            value.utf8.allSatisfy { (0x20...0x7E).contains($0) } && name.utf8.count + value.utf8.count < 990,
            "the value of \(name) has to be encoded")
        self.append(name, value)
    }

    mutating func unstructured(_ name: String, _ value: String) {
        self.append(name, HeaderText.unstructured(value, column: name.utf8.count + 2))
    }

    mutating func mailbox(_ name: String, _ mailbox: Mailbox) {
        guard !mailbox.name.isEmpty else { return self.token(name, mailbox.address.description) }
        let phrase = HeaderText.phrase(mailbox.name, column: name.utf8.count + 2)
        // On a line of its own: an address may take more than 300 bytes.
        self.append(name, "\(phrase)\r\n <\(mailbox.address)>")
    }

    /// URIs in angle brackets, each on a line of its own (RFC 2369, 2).
    mutating func uris(_ name: String, _ uris: [MailLink]) {
        self.append(name, uris.map { "<\($0.text)>" }.joined(separator: ",\r\n "))
    }

    /// - Parameter value: In the form it travels in.
    private mutating func append(_ name: String, _ value: String) {
        self.bytes += name.utf8
        self.bytes += ": ".utf8
        self.bytes += value.utf8
        self.bytes += "\r\n".utf8
    }
}

/// A URI that a mail names: printable ASCII without blanks and angle brackets, at most 900 bytes.
package struct MailLink: Hashable, Sendable {
    package let text: String

    package static let bytesMax = 900

    /// nil when it cannot stand in a header field.
    package init?(_ text: String) {
        let isPrintable = text.utf8.allSatisfy {
            (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: ">") && $0 != UInt8(ascii: ",")
        }
        guard !text.isEmpty, text.utf8.count <= Self.bytesMax, isPrintable else { return nil }
        self.text = text
    }
}

extension Timestamp {
    /// As in `Date` (RFC 5322, 3.3): `Sun, 29 Nov 2026 10:18:48 +0000`.
    package var mailDate: String {
        let time = CalendarTime(seconds: self.seconds)
        return "\(Self.weekdays[Int(time.weekday)]), \(time.day) \(Self.months[Int(time.month) - 1]) "
            + "\(CalendarTime.digits(time.year, 4)) \(time.clock) +0000"
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
}
