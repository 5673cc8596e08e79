import Domain
import Foundation
import JSON
import Mail
import Testing

struct MailTests {
    private static func sender() throws -> Mailbox { try Mailbox("Herald <alerts@herald.example>") }

    private static func envelope(
        kind: NotificationKind = .notification, page: String? = nil, mail: String? = nil
    ) throws -> Mail.Envelope {
        Mail.Envelope(
            sender: try Self.sender(), delivery: DeliveryID(text: "0ujtsYcgvSTl8PAuAdqWYSMnLOv"), kind: kind,
            sentAt: Timestamp(milliseconds: 1_795_000_000_000), unsubscribePage: page.flatMap(MailLink.init),
            unsubscribeMail: mail.flatMap(MailLink.init))
    }

    private static func mail(
        _ body: String, to uri: String = "mailto:aaa@example.com", options: MailOptions = .none,
        queue: String = "fake_queue", page: String? = nil, mail: String? = nil
    ) throws -> [UInt8] {
        let document = #"{"body":\#(body),"ttl":300,"queue_name":"\#(queue)","Message_Type":"Notification"}"#
        return Mail(
            Array(document.utf8), to: try MailtoURI(uri), options: options, try Self.envelope(page: page, mail: mail)
        ).encoded()
    }

    private static func decoded(
        _ body: String, to uri: String = "mailto:aaa@example.com", options: MailOptions = .none, page: String? = nil
    ) async throws -> DecodedMail {
        try #require(try await DecodedMail.decode([Self.mail(body, to: uri, options: options, page: page)]).first)
    }

    @Test func `The form json is the text that receivers of the messaging API know`() throws {
        let options = MailOptions(
            from: try Mailbox("zaqar@example.com"), subject: "Hello", format: .json)
        let mail = String(decoding: try Self.mail(#"{"event": "BackupStarted"}"#, options: options), as: UTF8.self)
        let parts = mail.components(separatedBy: "\r\n\r\n")
        #expect(
            parts[0].hasPrefix(
                [
                    #"Content-Type: text/plain; charset="us-ascii""#, "MIME-Version: 1.0",
                    "Content-Transfer-Encoding: 7bit", "to: aaa@example.com", "from: zaqar@example.com",
                    "subject: Hello", "",
                ].joined(separator: "\r\n")))
        #expect(
            parts[1]
                == #"{"body":{"event": "BackupStarted"},"ttl":300,"queue_name":"fake_queue","Message_Type":"Notification"}"#
        )
        #expect(parts.count == 2)
    }

    @Test(arguments: [
        (#""caf\u00e9 plain""#, "7bit", "us-ascii"), ("\"caf\u{e9}\"", "quoted-printable", "utf-8"),
        (
            "\"\u{65e5}\u{672c}\u{8a9e}\u{65e5}\u{672c}\u{8a9e}\u{65e5}\u{672c}\u{8a9e}\u{65e5}\u{672c}\u{8a9e}\u{65e5}\u{672c}\u{8a9e}\u{65e5}\u{672c}\u{8a9e}\u{65e5}\u{672c}\u{8a9e}\"",
            "base64", "utf-8"
        ),
        ("\"\(String(repeating: "x", count: 2000))\"", "quoted-printable", "utf-8"),
        ("[1,\n2,\r\n3]", "7bit", "us-ascii"),
    ])
    func `The form json keeps every byte of the notification, in seven bits and short lines`(
        body: String, encoding: String, charset: String
    ) async throws {
        let mail = try await Self.decoded(body, options: MailOptions(format: .json))
        #expect(mail.parts.map(\.encoding) == [encoding] && mail.parts[0].charset == charset)
        let text = mail.parts[0].text.replacing("\r\n", with: "\n")
        #expect(
            text
                == #"{"body":\#(body.replacing("\r\n", with: "\n")),"ttl":300,"queue_name":"fake_queue","Message_Type":"Notification"}"#
        )
        #expect(mail.lineBytesMax < 998)
    }

    @Test func `A readable mail says the fields of the message, where it is from and how to leave`() async throws {
        let body =
            #"{"disk": "/dev/sda", "full": 0.97, "hosts": [{"name": "a"}, {"name": "b"}], "note": "<b>&\"x\"</b>\nline"}"#
        let mail = try await Self.decoded(body, page: "https://herald.example/unsubscribe?token=abc&x=1")
        #expect(mail.parts.map(\.type) == ["text/plain", "text/html"])
        let text = try mail.part("text/plain").text
        #expect(text.contains("disk: /dev/sda\r\n") && text.contains("full: 0.97\r\n"))
        #expect(text.contains("hosts:\r\n  [\r\n    {\r\n      \"name\": \"a\"\r\n    },\r\n"))
        #expect(text.contains("Queue: fake_queue\r\nSent: 2026-11-18 11:06:40 UTC"))
        #expect(text.contains("https://herald.example/unsubscribe?token=abc&x=1"))
        let html = try mail.part("text/html").text
        #expect(html.contains("&lt;b&gt;&amp;&quot;x&quot;&lt;/b&gt;") && !html.contains("<b>"))
        #expect(html.contains(#"<a href="https://herald.example/unsubscribe?token=abc&amp;x=1">"#))
        #expect(mail["Subject"] == "Message from fake_queue")
    }

    @Test func `Its header names sender, delivery, list and the ways out`() async throws {
        let bytes = try Self.mail("1", page: "https://herald.example/u", mail: "mailto:out@herald.example")
        let mail = try #require(try await DecodedMail.decode([bytes]).first)
        #expect(mail["From"] == "Herald <alerts@herald.example>" && mail["To"] == "aaa@example.com")
        #expect(mail["Date"] == "Wed, 18 Nov 2026 11:06:40 +0000")
        #expect(mail["Message-ID"] == "<0ujtsYcgvSTl8PAuAdqWYSMnLOv@herald.example>")
        #expect(mail["Auto-Submitted"] == "auto-generated" && mail["List-Id"] == "<fake_queue.herald.example>")
        #expect(mail["List-Unsubscribe"] == "<https://herald.example/u>, <mailto:out@herald.example>")
        #expect(mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click")
        #expect(mail["Sender"] == nil && mail["Feedback-ID"] == nil)
        let plain = try await Self.decoded("1")
        #expect(plain["List-Unsubscribe"] == nil && plain["List-Unsubscribe-Post"] == nil)
        let other = try await Self.decoded("1", options: MailOptions(from: try Mailbox("x@other.example")))
        #expect(other["From"] == "x@other.example" && other["Sender"] == "alerts@herald.example")
    }

    private static let texts = [
        "Plain words", "a", "caf\u{e9}", String(repeating: "\u{65e5}\u{672c}\u{8a9e} ", count: 30) + ".",
        String(repeating: "word ", count: 60) + "end", String(repeating: "x", count: 500), "=?utf-8?B?YQ==?=", " both ",
        "two  blanks",
        "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}\u{200D}\u{1F466}" + String(repeating: "\u{1F600}", count: 40),
        "e" + String(repeating: "\u{301}", count: 60), "\"quoted\" \\ (comment) <x>", "semi;colon, comma: colon",
        String(repeating: "\u{e9}", count: 33) + "ab", "tab\tin", "percent %0D%0A", ".", "ends with =",
    ]

    @Test(arguments: texts)
    func `A subject is decoded as it was given, in words of at most 75 columns`(subject: String) async throws {
        let mail = try await Self.decoded("1", options: MailOptions(subject: subject))
        #expect(mail["Subject"] == subject.replacing("\t", with: " "))
        #expect(mail.encodedWordMax <= 75 && mail.encodedLineMax <= 76 && mail.lineBytesMax < 998)
    }

    @Test(arguments: texts)
    func `A display name is decoded as it was given`(name: String) async throws {
        let from = Mailbox(name: name, address: try MailAddress("a@b.example"))
        let mail = try await Self.decoded("1", options: MailOptions(from: from))
        let read = try #require(mail["From"])
        #expect(read.hasSuffix("<a@b.example>") && mail.encodedWordMax <= 75 && mail.encodedLineMax <= 76)
        #expect(mail.names.filter { $0 == "From" }.count == 1 && mail.lineBytesMax < 998)
    }

    @Test(arguments: ["\r\n", "\n", "\r", "\0", "\u{85}", "\u{2028}", "\u{b}", "\r\n\r\n<script>", "\r\n ", "\n\t"])
    func `No value of a field begins another field, wherever it comes from`(breaks: String) async throws {
        let injected = "x\(breaks)Bcc: victim@evil.example\(breaks)X-Injected: yes"
        let quoted = JSONWriter.string(injected)
        let template = try MailTemplate("{{ body.text }}")
        let name = Mailbox(name: injected, address: try MailAddress("a@b.example"))
        let mails = try [
            Self.mail("1", options: MailOptions(subject: injected)),
            Self.mail("1", options: MailOptions(subject: injected, format: .json)),
            Self.mail("1", options: MailOptions(from: name)),
            Self.mail(#"{"text": \#(quoted)}"#, options: MailOptions(subjectTemplate: template)),
            Self.mail(#"{"text": \#(quoted)}"#, options: MailOptions(format: .json, subjectTemplate: template)),
            Self.mail(#"{"text": \#(quoted)}"#, options: MailOptions(bodyTemplate: template)),
            Self.mail(#"{\#(quoted): \#(quoted)}"#), Self.mail(quoted),
        ]
        for mail in try await DecodedMail.decode(mails) {
            #expect(mail["Bcc"] == nil && mail["X-Injected"] == nil)
            let names = Set(mail.names.map { $0.lowercased() })
            #expect(
                names.isSubset(of: [
                    "from", "sender", "to", "subject", "date", "message-id", "auto-submitted", "list-id",
                    "mime-version",
                    "content-type", "content-transfer-encoding",
                ]))
        }
    }

    @Test func `A body that looks like a boundary or the end of a mail stays a body`() async throws {
        let body = #""--=_0ujtsYcgvSTl8PAuAdqWYSMnLOv--\n.\n..\n--=_0ujtsYcgvSTl8PAuAdqWYSMnLOv\nFrom x\n""#
        let mail = try await Self.decoded(body)
        #expect(mail.parts.count == 2)
        let text = try mail.part("text/plain").text
        #expect(text.hasPrefix("--=_0ujtsYcgvSTl8PAuAdqWYSMnLOv--\r\n.\r\n..\r\n--=_0ujt"))
    }

    @Test func `The subject of the address counts first, then the template, then the option`() async throws {
        let template = try MailTemplate("Template {{ body }}")
        var options = MailOptions(subject: "Option", subjectTemplate: template)
        #expect(try await Self.decoded("7", to: "mailto:a@b.example?subject=URI", options: options)["Subject"] == "URI")
        #expect(try await Self.decoded("7", options: options)["Subject"] == "Template 7")
        options.subjectTemplate = nil
        #expect(try await Self.decoded("7", options: options)["Subject"] == "Option")
    }

    private static func digest(
        _ bodies: [String], to uri: String = "mailto:aaa@example.com", options: MailOptions = .none
    ) throws -> [UInt8] {
        let documents = bodies.map {
            #"{"body":\#($0),"ttl":300,"queue_name":"fake_queue","Message_Type":"Notification"}"#
        }
        return Mail(
            Array("[\(documents.joined(separator: ","))]".utf8), to: try MailtoURI(uri), options: options,
            try Self.envelope(page: "https://herald.example/u"), isDigest: true
        ).encoded()
    }

    @Test func `A digest shows each message as a mail of its own does, in order, under its number`() async throws {
        var options = MailOptions()
        let plain = try Self.digest([#"{"disk": "<sda>"}"#, #""a text""#, "[1,2]"])
        options.subjectTemplate = try MailTemplate("Disk {{ body.disk }}")
        options.bodyTemplate = try MailTemplate("{{ body.disk }} is full & more")
        let templated = try Self.digest([#"{"disk": "a"}"#, #"{"disk": "b\r\nX: y"}"#], options: options)
        let mails = try await DecodedMail.decode([plain, templated])
        #expect(mails.map { $0["Subject"] } == ["3 messages from fake_queue", "2 messages from fake_queue"])
        let text = try mails[0].part("text/plain").text
        #expect(
            text.hasPrefix(
                "1 of 3\r\n\r\ndisk: <sda>\r\n\r\n2 of 3\r\n\r\na text\r\n\r\n3 of 3\r\n\r\n[\r\n  1,\r\n  2\r\n]\r\n"),
            "\(text)")
        #expect(text.contains("https://herald.example/u") && mails[0]["List-Unsubscribe"] != nil)
        let html = try mails[0].part("text/html").text
        #expect(html.contains("&lt;sda&gt;") && html.contains(">2 of 3</h2>"))
        #expect(html.components(separatedBy: "<table").count == html.components(separatedBy: "</table>").count)
        let own = try mails[1].part("text/plain").text
        #expect(own.hasPrefix("1 of 2: Disk a\r\n\r\na is full & more\r\n\r\n2 of 2: Disk b X: y\r\n\r\n"), "\(own)")
    }

    @Test
    func `A digest of the form json is an array of the notifications; its subject keeps what the subscriber chose`()
        async throws
    {
        let mail = try Self.digest(
            ["1", #""x""#], to: "mailto:a@b.example?subject=Alerts", options: MailOptions(subject: "no", format: .json))
        let text = String(decoding: mail, as: UTF8.self)
        #expect(text.contains("subject: Alerts: 2 messages from fake_queue\r\n"))
        let array =
            #"[{"body":1,"ttl":300,"queue_name":"fake_queue","Message_Type":"Notification"},{"body":"x","ttl":300,"#
        #expect(text.contains("\r\n\r\n\(array)"))
        #expect(text.hasPrefix("Content-Type: text/plain; charset=\"us-ascii\"\r\n"))
    }

    @Test func `A digest beyond the bound of a part is cut, says so, and stays a whole page`() async throws {
        let bodies = (0..<100).map { #"{"number": \#($0), "pad": "\#(String(repeating: "<", count: 5_000))"}"# }
        let bytes = try Self.digest(bodies)
        #expect(bytes.count < 6 << 20)
        let html = try #require(try await DecodedMail.decode([bytes]).first).part("text/html").text
        #expect(html.contains("1 of 100") && html.contains("The message is longer"))
        #expect(html.components(separatedBy: "<table").count == html.components(separatedBy: "</table>").count)
    }

    @Test func `A very large message becomes a mail of bounded size that says it was cut`() async throws {
        let fields = (0..<900).map { #""k\#($0)": "\#(String(repeating: "<", count: 1000))""# }.joined(separator: ",")
        let bytes = try Self.mail("{\(fields)}")
        #expect(bytes.count < 4 << 20)
        let mail = try #require(try await DecodedMail.decode([bytes]).first)
        #expect(try mail.part("text/html").text.contains("The message is longer"))
    }
}
