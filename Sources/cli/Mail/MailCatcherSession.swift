/// One session of the mail catcher as a value: lines in, replies and whole mails out (RFC 5321, without extensions of security).
///
/// It takes mail from every sender to every address and forwards none, so it is for a loopback address only.
package struct MailCatcherSession: Sendable {
    /// What one line leads to.
    package struct Answer: Sendable, Equatable {
        /// Lines to be sent, with their line ends; empty inside a mail.
        package var reply = ""
        /// A mail that is complete with this line.
        package var mail: CaughtMail?
        package var closes = false
    }

    /// Bytes of a line, its end included; RFC 5321 (4.5.3.1) asks for 512 in commands and 1,000 in mails.
    package static let lineBytesMax = 4096
    package static let mailBytesMax = 8 << 20
    package static let recipientsMax = 100

    private enum State {
        case idle
        case envelope(from: String, recipients: [String])
        case data(from: String, recipients: [String])
    }

    private var state = State.idle
    private var isGreeted = false
    private var mail: [UInt8] = []
    private var isTooLarge = false

    package static let greeting = "220 localhost Herald's mail catcher\r\n"

    package init() {}

    /// - Parameter line: Without its line end.
    package mutating func receive(_ line: some Collection<UInt8>) -> Answer {
        if case .data(let from, let recipients) = self.state { return self.receiveData(line, from, recipients) }
        let text = String(decoding: line, as: UTF8.self)
        let verb = text.prefix { $0 != " " }.uppercased()
        let argument = text.dropFirst(verb.count).drop { $0 == " " }
        switch verb {
        case "EHLO", "HELO":
            self.isGreeted = true
            self.state = .idle
            let extensions = ["localhost", "8BITMIME", "PIPELINING", "SIZE \(Self.mailBytesMax)"]
            guard verb == "EHLO" else { return Answer(reply: "250 localhost\r\n") }
            return Answer(
                reply: extensions.enumerated().map { index, name in
                    "250\(index == extensions.count - 1 ? " " : "-")\(name)\r\n"
                }.joined())
        case "MAIL": return self.begin(argument)
        case "RCPT": return self.add(argument)
        case "DATA":
            guard case .envelope(let from, let recipients) = self.state, !recipients.isEmpty else {
                return Answer(reply: "503 5.5.1 MAIL and RCPT come first\r\n")
            }
            self.state = .data(from: from, recipients: recipients)
            return Answer(reply: "354 End it with a full stop on a line of its own\r\n")
        case "RSET":
            self.state = .idle
            return Answer(reply: "250 2.0.0 OK\r\n")
        case "NOOP": return Answer(reply: "250 2.0.0 OK\r\n")
        case "VRFY": return Answer(reply: "252 2.5.0 Send it and see\r\n")
        case "QUIT": return Answer(reply: "221 2.0.0 Bye\r\n", closes: true)
        default: return Answer(reply: "500 5.5.2 Unknown command\r\n")
        }
    }

    private mutating func begin(_ argument: Substring) -> Answer {
        guard self.isGreeted, case .idle = self.state else {
            return Answer(reply: "503 5.5.1 EHLO comes first, and one mail after the other\r\n")
        }
        guard let path = Self.path(argument, after: "FROM:") else {
            return Answer(reply: "501 5.5.4 MAIL FROM:<address>\r\n")
        }
        self.state = .envelope(from: path, recipients: [])
        return Answer(reply: "250 2.1.0 OK\r\n")
    }

    private mutating func add(_ argument: Substring) -> Answer {
        guard case .envelope(let from, let recipients) = self.state else {
            return Answer(reply: "503 5.5.1 MAIL comes first\r\n")
        }
        guard let path = Self.path(argument, after: "TO:"), !path.isEmpty else {
            return Answer(reply: "501 5.5.4 RCPT TO:<address>\r\n")
        }
        guard recipients.count < Self.recipientsMax else {
            return Answer(reply: "452 4.5.3 At most \(Self.recipientsMax) recipients\r\n")
        }
        self.state = .envelope(from: from, recipients: recipients + [path])
        return Answer(reply: "250 2.1.5 OK\r\n")
    }

    private mutating func receiveData(
        _ line: some Collection<UInt8>, _ from: String, _ recipients: [String]
    ) -> Answer {
        let stop = UInt8(ascii: ".")
        if line.count == 1, line.first == stop {
            let mail = CaughtMail(from: from, recipients: recipients, bytes: self.mail)
            let wasTooLarge = self.isTooLarge
            self.mail = []
            self.isTooLarge = false
            self.state = .idle
            guard !wasTooLarge else { return Answer(reply: "552 5.3.4 The mail is too large\r\n") }
            return Answer(reply: "250 2.0.0 Caught\r\n", mail: mail)
        }
        guard self.mail.count + line.count + 2 <= Self.mailBytesMax else {
            self.isTooLarge = true
            self.mail = []
            return Answer()
        }
        if !self.isTooLarge {
            // A full stop at the start of a line was doubled (RFC 5321, 4.5.2).
            self.mail += line.first == stop ? Array(line.dropFirst()) : Array(line)
            self.mail += [0x0D, 0x0A]
        }
        return Answer()
    }

    /// The address between `<` and `>`; parameters behind it are ignored.
    private static func path(_ argument: Substring, after keyword: String) -> String? {
        guard argument.prefix(keyword.count).uppercased() == keyword else { return nil }
        let rest = argument.dropFirst(keyword.count).drop { $0 == " " }
        guard rest.first == "<", let end = rest.firstIndex(of: ">") else { return nil }
        return String(rest[rest.index(after: rest.startIndex)..<end])
    }
}
