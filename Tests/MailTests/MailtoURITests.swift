import Mail
import TestKit
import Testing

struct MailtoURITests {
    @Test(
        arguments: [
            ("mailto:aaa@example.com", "aaa@example.com", nil),
            ("MAILTO:A.B@Example.COM", "A.B@example.com", nil),
            ("mailto:user+tag@example.com", "user+tag@example.com", nil),
            ("mailto:user%2Btag@example.com", "user+tag@example.com", nil),
            ("mailto:gorby%25kremvax@example.com", "gorby%kremvax@example.com", nil),
            ("mailto:unlikely%3Faddress@example.com", "unlikely?address@example.com", nil),
            ("mailto:Mike%26family@example.org", "Mike&family@example.org", nil),
            ("mailto:%22not%40me%22@example.org", "\"not@me\"@example.org", nil),
            ("mailto:%22oh%5C%5Cno%22@example.org", "\"oh\\\\no\"@example.org", nil),
            ("mailto:%22a%20b%2Cc%22@example.org", "\"a b,c\"@example.org", nil),
            ("mailto:a@b%2Eexample", "a@b.example", nil),
            ("mailto:a@xn--bcher-kva.example", "a@xn--bcher-kva.example", nil),
            ("mailto:a@b\u{fc}cher.example", "a@xn--bcher-kva.example", nil),
            ("mailto:a@b%C3%BCcher.example", "a@xn--bcher-kva.example", nil),
            ("mailto:a@BU\u{308}CHER.example", "a@xn--bcher-kva.example", nil),
            ("mailto:a@fa\u{df}.example", "a@xn--fa-hia.example", nil),
            ("mailto:a@\u{43f}\u{440}\u{438}\u{43c}\u{435}\u{440}.example", "a@xn--e1afmkfd.example", nil),
            ("mailto:a@\u{4f8b}\u{3048}.example", "a@xn--r8jz45g.example", nil),
            ("mailto:a@localhost", "a@localhost", nil),
            ("mailto:a@b.example#part", "a@b.example", nil),
            ("mailto:a@b.example?subject=Hello%20there", "a@b.example", "Hello there"),
            ("mailto:a@b.example?Subject=a+b", "a@b.example", "a+b"),
            ("mailto:a@b.example?cc=x@y.example&SUBJECT=first&subject=second", "a@b.example", "first"),
            ("mailto:a@b.example?to=c@d.example&bcc=e@f.example&body=%0D%0Ahi&in-reply-to=x", "a@b.example", nil),
            ("mailto:a@b.example?subject=caf%C3%A9", "a@b.example", "caf\u{e9}"),
            ("mailto:a@b.example?subject=", "a@b.example", ""),
            ("mailto:a@b.example?", "a@b.example", nil),
            ("mailto:a@b.example?subject", "a@b.example", ""),
        ] as [(String, String, String?)])
    func `An address is read as RFC 6068 writes it`(uri: String, address: String, subject: String?) throws {
        let read = try MailtoURI(uri)
        #expect(read.address.description == address && read.subject == subject)
    }

    @Test(
        arguments: [
            ("http://a.example", .scheme), ("mailto", .scheme),
            ("mailto:", .empty), ("mailto:?to=a@b.example", .empty), ("mailto:#x", .empty),
            ("mailto:a@b.example,c@d.example", .list), ("mailto:a@b.example,", .list),
            ("mailto: a@b.example", .blank), ("mailto:a@b.example\n", .blank), ("mailto:a@b.example\u{0}", .blank),
            ("mailto:a@b.example%", .percentEncoding), ("mailto:a%4@b.example", .percentEncoding),
            ("mailto:a%GG@b.example", .percentEncoding), ("mailto:a@b.example?x=%", .percentEncoding),
            ("mailto:%FF@b.example", .notUTF8), ("mailto:a@b.example?subject=%C3", .notUTF8),
            ("mailto:a%0D%0ARCPT%20TO:%3Cx@y%3E@b.example", .control), ("mailto:a%00@b.example", .control),
            ("mailto:a%0A@b.example", .control), ("mailto:a%E2%80%A8@b.example", .control),
            ("mailto:%22a%0D%22@b.example", .control), ("mailto:a@b.example%0D%0A", .control),
            ("mailto:%3Ca@b.example%3E", .angleBracket), ("mailto:a>@b.example", .angleBracket),
            ("mailto:%22a%3E%22@b.example", .angleBracket),
            ("mailto:@relay.example:a@b.example", .sourceRoute), ("mailto:@b.example", .localEmpty),
            ("mailto:a", .noDomain), ("mailto:a@", .noDomain), ("mailto:%22a%22", .noDomain),
            ("mailto:a@b@c.example", .severalAtSigns), ("mailto:%22a%22@b@c.example", .severalAtSigns),
            ("mailto:%22%22@b.example", .localEmpty),
            ("mailto:\u{e9}@b.example", .localNotASCII), ("mailto:%C3%A9@b.example", .localNotASCII),
            ("mailto:.a@b.example", .localCharacter), ("mailto:a..b@b.example", .localCharacter),
            ("mailto:a.@b.example", .localCharacter), ("mailto:a%20b@b.example", .localCharacter),
            ("mailto:a%2Cb@b.example", .localCharacter), ("mailto:a;b@b.example", .localCharacter),
            ("mailto:a(b)@b.example", .localCharacter), ("mailto:a%22b%22@b.example", .localCharacter),
            ("mailto:%22a@b.example", .localQuotes), ("mailto:%22a%22b@c.example", .localQuotes),
            ("mailto:%22a%5C", .localQuotes),
            ("mailto:a@[127.0.0.1]", .literal), ("mailto:a@[IPv6:::1]", .literal), ("mailto:a@127.0.0.1", .literal),
            ("mailto:a@b..example", .labelEmpty), ("mailto:a@.example", .labelEmpty),
            ("mailto:a@b.example.", .labelEmpty),
            ("mailto:a@-b.example", .labelHyphen), ("mailto:a@b-.example", .labelHyphen),
            ("mailto:a@b_c.example", .labelCharacter), ("mailto:a@b%20c.example", .labelCharacter),
            ("mailto:a@\u{ff41}.example", .labelCharacter), ("mailto:a@\u{2603}.example", .labelCharacter),
            ("mailto:a@\u{301}a.example", .labelCharacter), ("mailto:a@b.\u{301}a.example", .labelCharacter),
            ("mailto:a@-\u{301}b.example", .labelHyphen), ("mailto:a@b.\u{301}", .labelCharacter),
            ("mailto:a,\u{301}@b.example", .list), ("mailto:%22a%22\u{301}@b.example", .localQuotes),
            ("mailto:a@a\u{200d}b\u{e9}.example", .labelCharacter),
            ("mailto:a@b\u{3002}\u{e9}.example", .labelCharacter), ("mailto:a@ab--\u{e9}.example", .labelCharacter),
            ("mailto:a@b.example?subject=a%0D%0ABcc:%20x@y.example", .subjectControl),
            ("mailto:a@b.example?subject=a%00", .subjectControl), ("mailto:a@b.example?subject=a%0A", .subjectControl),
        ] as [(String, MailAddressInvalid)])
    func `A form that is not taken is refused for what is wrong with it`(uri: String, reason: MailAddressInvalid) {
        #expect(throws: reason) { try MailtoURI(uri) }
        #expect(!reason.reason.isEmpty)
    }

    @Test func `Every part has a length that is taken and one that is not`() throws {
        func text(_ count: Int) -> String { String(repeating: "a", count: count) }
        _ = try MailtoURI("mailto:\(text(64))@b.example")
        #expect(throws: MailAddressInvalid.localTooLong) { try MailtoURI("mailto:\(text(65))@b.example") }
        _ = try MailtoURI("mailto:a@\(text(63)).example")
        #expect(throws: MailAddressInvalid.labelTooLong) { try MailtoURI("mailto:a@\(text(64)).example") }
        let labels = Array(repeating: text(49), count: 5).joined(separator: ".")
        _ = try MailtoURI("mailto:a@\(labels).ex")
        #expect(throws: MailAddressInvalid.domainTooLong) { try MailtoURI("mailto:a@\(labels).exam") }
        let umlauts = String(repeating: "\u{fc}", count: 60)
        #expect(throws: MailAddressInvalid.labelTooLong) { try MailtoURI("mailto:a@\(umlauts)\(text(4)).example") }
        _ = try MailtoURI("mailto:a@b.example?subject=\(text(512))")
        #expect(throws: MailAddressInvalid.subjectTooLong) { try MailtoURI("mailto:a@b.example?subject=\(text(513))") }
        #expect(throws: MailAddressInvalid.tooLong) { try MailtoURI("mailto:a@b.example?x=\(text(2048))") }
    }

    @Test func `A label is encoded as Python's codec encodes it`() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array(
            "abcz09\u{e4}\u{f6}\u{103}\u{3b1}\u{3c9}\u{430}\u{44f}\u{5d0}\u{4e2d}\u{6587}\u{ac00}\u{20000}")
        let labels = (0..<300).map { _ in
            "\u{fc}"
                + String(
                    (0..<Int.random(in: 0..<8, using: &generator)).map { _ in
                        alphabet.randomElement(using: &generator) ?? "a"
                    })
        }
        let program = "import sys\nfor label in sys.argv[1:]: print('xn--' + label.encode('punycode').decode())"
        let run = try await Python.run { _ in ["-c", program] + labels }
        let theirs = run.output.split(separator: "\n").map(String.init)
        try #require(run.exit == .status(0) && theirs.count == labels.count, "\(run.output)")
        for (label, their) in zip(labels, theirs) {
            #expect(try MailtoURI("mailto:a@\(label).example").address.domain == "\(their).example", "seed \(seed)")
        }
    }

    @Test(arguments: [
        ("alerts@example.com", "", "alerts@example.com"), ("<alerts@example.com>", "", "alerts@example.com"),
        ("Alerts <alerts@example.com>", "Alerts", "alerts@example.com"),
        ("\"Alerts, \\\"all\\\"\" <alerts@example.com>", "Alerts, \"all\"", "alerts@example.com"),
        ("  B\u{fc}ro  <b@example.com> ", "B\u{fc}ro", "b@example.com"),
    ])
    func `A sender is an address with or without a name`(text: String, name: String, address: String) throws {
        let mailbox = try Mailbox(text)
        #expect(mailbox.name == name && mailbox.address.description == address)
    }

    @Test(arguments: [
        "", "alerts", "a@b.example, c@d.example", "A <a@b.example>, C <c@d.example>", "A <a@b.example",
        "A a@b.example>",
        "A\r\nBcc: x <a@b.example>", "\"A <a@b.example>", "A <<a@b.example>>", "A <a@b.example\u{0}>",
    ])
    func `Anything else is no sender`(text: String) {
        #expect(throws: MailAddressInvalid.self) { try Mailbox(text) }
    }
}
