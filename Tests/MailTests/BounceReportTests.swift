import Domain
import Mail
import TestKit
import Testing

struct BounceReportTests {
    private static let mark = "0123456789abcdefghjkmnpqrst0123456789abcdef"
    private static let other = "0123456789abcdefghjkmnpqrst0123456789abcdeg"

    private static func status(
        to: String = "bounces+\(Self.mark)@b.test", action: String = "failed", status: String = "5.1.1",
        diagnostic: String = "smtp; 550 5.1.1 no such user", messageID: String = "d.\(Self.other)@h.test",
        recipient: String = "Final-Recipient: rfc822; jo@example.com", end: String = "\r\n"
    ) -> String {
        [
            "Return-Path: <>", "To: \(to)", "Auto-Submitted: auto-replied", "MIME-Version: 1.0",
            "Content-Type: multipart/report; report-type=delivery-status;", "\tboundary=\"=_x; y\"", "",
            "This is a MIME-encapsulated message.", "", "--=_x; y", "Content-Type: text/plain", "",
            "I am sorry.", "--=_x; y", "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; relay.test",
            "", recipient, "Action: \(action)", "Status: \(status)",
            "Diagnostic-Code: \(diagnostic)", "", "--=_x; y", "Content-Type: message/rfc822", "",
            "Message-ID: <\(messageID)>", "Subject: x", "", "body", "--=_x; y--", "",
        ].joined(separator: end)
    }

    @Test(arguments: [
        ("Final-Recipient: rfc822; Jo@Example.com", true), ("Final-Recipient: rfc822;<jo@example.com>", true),
        ("Final-Recipient: rfc822; ann@else.test\r\nOriginal-Recipient: rfc822; jo@example.com", true),
        ("X-Recipient: none", true), ("Final-Recipient: unknown", true),
        ("Final-Recipient: rfc822; ann@else.test", false), ("Final-Recipient: rfc822; xjo@example.com", false),
        (
            "Final-Recipient: rfc822; jo@example.com\r\nAction: failed\r\nStatus: 4.4.7\r\n\r\nFinal-Recipient: rfc822; ann@else.test",
            false
        ),
    ])
    func `A report is about the address that was mailed where it names it, or none`(recipient: String, isAbout: Bool)
        throws
    {
        guard case .report(let report) = try Self.read(Self.status(recipient: recipient)) else {
            Issue.record("no report")
            return
        }
        #expect(report.cause == .permanent && report.isAbout("jo@example.com") == isAbout)
    }

    private static func complaint(type: String = "abuse", sender: String = "<bounces+\(Self.mark)@b.test>") -> String {
        """
        From: <abuse@provider.test>
        To: bounces@b.test
        Content-Type: multipart/report; boundary=b; report-type="feedback-report"

        --b
        Content-Type: message/feedback-report

        Feedback-Type: \(type)
        Version: 1
        Original-Mail-From: \(sender)

        --b
        Content-Type: text/rfc822-headers

        Message-ID: <d.\(Self.other)@h.test>
        --b--
        """
    }

    private static func read(_ mail: String, to: [String] = []) throws -> BounceReport.Reading {
        try BounceReport.read(Array(mail.utf8), deliveredTo: to, address: BounceAddress("Bounces@B.test"))
    }

    private static func marks(_ reading: BounceReport.Reading) -> [String] {
        if case .report(let report) = reading { report.marks.map(\.text) } else { [] }
    }

    @Test(arguments: ["\r\n", "\n"])
    func `A status notification says what failed, and which mails it may be about`(end: String) throws {
        guard case .report(let report) = try Self.read(Self.status(end: end)) else {
            Issue.record("no report")
            return
        }
        #expect(
            report.cause == .permanent && report.detail == "5.1.1 smtp; 550 5.1.1 no such user rfc822; jo@example.com")
        #expect(report.marks.map(\.text) == [Self.mark])
    }

    @Test(
        arguments: [
            ("failed", "5.1.1", "", .permanent), ("Failed", "5.0.0 (text)", "", .permanent),
            ("failed", "4.4.1", "smtp; 550 x", .transient), ("failed", "", "smtp; 552 full", .permanent),
            ("failed", "5.2.2", "smtp; 552 full", .transient), ("failed", "5.3.4", "", .transient),
            ("failed", "5.6.1", "", .transient), ("failed", "5.2.1", "", .permanent),
            ("failed", "", "smtp; 450 later", .transient), ("failed", "x", "X-Unix; 5", .transient),
            ("delayed", "4.4.1", "", nil), ("delivered", "2.0.0", "", nil), ("relayed", "5.1.1", "", nil),
            ("", "5.1.1", "", nil),
        ] as [(String, String, String, BounceReport.Cause?)])
    func `Action and status decide`(action: String, status: String, diagnostic: String, cause: BounceReport.Cause?)
        throws
    {
        let reading = try Self.read(Self.status(action: action, status: status, diagnostic: diagnostic))
        switch (reading, cause) {
        case (.report(let report), let cause?): #expect(report.cause == cause)
        case (.ignored(let reason), nil): #expect(reason == .nothingFailed)
        default: Issue.record("\(reading)")
        }
    }

    @Test func `Of several recipients the worst failure counts`() throws {
        let second =
            "\r\n\r\nFinal-Recipient: rfc822; a@b.c\r\nAction: failed\r\nStatus: 5.2.1\r\n\r\n--=_x; y\r\nContent-Type: message/rfc822"
        let mail = Self.status(status: "4.4.1", diagnostic: "x").replacing(
            "\r\n\r\n--=_x; y\r\nContent-Type: message/rfc822", with: second)
        guard case .report(let report) = try Self.read(mail) else {
            Issue.record("no report")
            return
        }
        #expect(report.cause == .permanent && report.detail == "5.2.1 rfc822; a@b.c")
    }

    @Test(arguments: [
        ("abuse", true), ("Fraud", true), ("opt-out", true), ("other", true), ("not-spam", false),
        ("auth-failure", false),
        ("", false),
    ])
    func `A complaint is read by its type`(type: String, counts: Bool) throws {
        let reading = try Self.read(Self.complaint(type: type))
        #expect(Self.marks(reading) == (counts ? [Self.mark] : []))
        if case .report(let report) = reading { #expect(report.cause == .complaint) }
    }

    @Test(arguments: [
        ("bounces+\(mark)@b.test", true), ("BOUNCES+\(mark.uppercased())@B.TEST", true),
        ("<bounces+\(mark)@b.test>", true), ("\"x <y>\" <bounces+\(mark)@b.test>", true),
        ("bounces+\(mark)x@b.test", false), ("bounces+\(mark.dropLast())@b.test", false),
        ("bounces\(mark)@b.test", false), ("bounces+\(mark)@b.test.evil", false),
        ("xbounces+\(mark)@b.test", false), ("bounces+\(mark.dropLast())u@b.test", false),
        ("bounces+\(mark.dropLast())\u{301}@b.test", false), ("bounces@b.test", false), ("", false),
    ])
    func `Only the whole address has a mark`(address: String, has: Bool) throws {
        let mail = Self.status(to: "x@y.z", messageID: "none@h.test")
        #expect(Self.marks(try Self.read(mail, to: [address])) == (has ? [Self.mark] : []))
        #expect(
            Self.marks(try Self.read(Self.status(to: address, messageID: "none@h.test"))) == (has ? [Self.mark] : []))
    }

    @Test func `Without an address for bounces the Message-ID of what is returned counts`() throws {
        let reading = try BounceReport.read(Array(Self.status().utf8), address: nil)
        #expect(Self.marks(reading) == [Self.other])
        let none = try BounceReport.read(Array(Self.status(messageID: "a.b@h.test").utf8), address: nil)
        #expect(none == .ignored(.noMark))
    }

    @Test(
        arguments: [
            ("Subject: hello\n\nhi", .noReport), ("Auto-Submitted: auto-replied\n\nI am away", .automatic),
            ("Precedence: bulk\n\n", .automatic), ("Auto-Submitted: no\n\n", .noReport),
            ("Content-Type: multipart/mixed; boundary=b\n\n--b\n", .noReport),
            ("Content-Type: multipart/report; boundary=b; report-type=disposition-notification\n\n--b\n", .noReport),
        ] as [(String, BounceReport.Ignored)])
    func `What is no report is ignored`(mail: String, reason: BounceReport.Ignored) throws {
        #expect(try Self.read(mail, to: ["bounces+\(Self.mark)@b.test"]) == .ignored(reason))
    }

    @Test(
        arguments: [
            ("", .noFields), ("\n\nbody", .noFields), ("no fields", .noFields),
            ("Content-Type: multipart/report; report-type=delivery-status\n\n", .noBoundary),
            ("Content-Type: multipart/report; report-type=delivery-status; boundary=\"\"\n\n", .noBoundary),
            (
                "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\ntext\n--b--",
                .noStatus
            ),
            ("Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n", .noStatus),
        ] as [(String, BounceUnreadable)])
    func `A report that is broken cannot be read`(mail: String, reason: BounceUnreadable) {
        #expect(throws: reason) { try Self.read(mail) }
    }

    @Test func `A mailbox file's first line, a returned mail without end and folded fields do no harm`() throws {
        var mail = "From MAILER-DAEMON Sun Nov 29 10:00:00 2026\n" + Self.status(end: "\n")
        mail = mail.replacing("--=_x; y--", with: String(repeating: "x\n", count: 600_000))
        mail = mail.replacing("Status: 5.1.1", with: "Status:\n\t5.1.1")
        #expect(Self.marks(try Self.read(mail)) == [Self.mark])
    }

    @Test(arguments: [
        ("bounces@b.test", true), (String(repeating: "a", count: 20) + "@b.test", true),
        (String(repeating: "a", count: 21) + "@b.test", false), ("\"a b\"@b.test", false), ("bounces", false),
        ("a@b.test\r\nx", false),
    ])
    func `An address for bounces leaves space for a mark`(text: String, isTaken: Bool) throws {
        guard isTaken else {
            #expect(throws: BounceAddressInvalid.self) { try BounceAddress(text) }
            return
        }
        let mark = try #require(BounceMark(Self.mark))
        let sender = try BounceAddress(text).sender(mark)
        #expect(sender.local.utf8.count <= MailAddress.localBytesMax)
        #expect(try MailAddress(sender.description) == sender)
    }
}

/// Mails to the address for bounces, which takes mail from every sender.
struct BounceReportFuzzTests {
    @Test(.timeLimit(.minutes(60))) func `A mail is read, ignored or refused, and its marks have their form`() throws {
        var fuzzer = Fuzzer(
            "bounces", corpus: BounceReportTests.corpus,
            tokens: [
                "--b", "--b--", "--=_x", "\r\n", "\n", "\n\n", ":", ";", "=", "\"", "\\", "<", ">", "@", "+",
                "boundary=",
                "Content-Type: ", "message/delivery-status", "multipart/report", "Action: failed", "Status: 5", "\0",
                "é", "\t",
            ], rounds: 20_000)
        let origin = fuzzer.origin
        let address = try BounceAddress("bounces@b.test")
        try fuzzer.run { (bytes: [UInt8]) in
            guard case .report(let report)? = try? BounceReport.read(bytes, address: address) else { return }
            #expect((1...BounceReport.marksMax).contains(report.marks.count), "\(origin)")
            #expect(report.marks.allSatisfy { BounceMark($0.text) == $0 }, "\(origin)")
            #expect(!report.detail.utf8.contains { $0 < 0x20 || $0 == 0x7F }, "\(origin)")
        }
    }
}

extension BounceReportTests {
    /// One mail of each kind.
    fileprivate static var corpus: [String] { [Self.status(), Self.status(end: "\n"), Self.complaint()] }
}
