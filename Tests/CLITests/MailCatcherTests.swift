import CLI
import TestKit
import Testing

struct MailCatcherTests {
    /// The lines of a client, without their ends, and the replies to each.
    private static func replies(_ lines: [String]) -> [String] {
        var session = MailCatcherSession()
        return lines.map { String(session.receive($0.utf8).reply.prefix(3)) }
    }

    @Test func `Commands in the order of RFC 5321 are taken, others are refused and change nothing`() {
        #expect(
            Self.replies(["MAIL FROM:<a@x>", "EHLO me", "RCPT TO:<b@x>", "DATA", "MAIL FROM:<a@x>", "DATA"])
                == ["503", "250", "503", "503", "250", "503"])
        #expect(
            Self.replies([
                "HELO me", "mail from: <>", "MAIL FROM:<a@x>", "RCPT TO:<>", "rcpt to:<b@x> NOTIFY=NEVER", "RSET",
                "DATA",
            ])
                == ["250", "250", "503", "501", "250", "250", "503"])
        #expect(Self.replies(["NOOP", "VRFY x", "STARTTLS", "", "QUIT"]) == ["250", "252", "500", "500", "221"])
    }

    @Test func `A mail ends with its full stop, and doubled ones are undone`() {
        var session = MailCatcherSession()
        for line in ["EHLO me", "MAIL FROM:<a@x> SIZE=9", "RCPT TO:<b@x>", "RCPT TO:<c@x>", "DATA", "Subject: one", ""]
        {
            #expect(session.receive(line.utf8).mail == nil)
        }
        for line in ["..", "...x", "text."] { #expect(session.receive(line.utf8).reply == "") }
        let mail = session.receive(".".utf8).mail
        #expect(
            mail
                == CaughtMail(
                    from: "a@x", recipients: ["b@x", "c@x"],
                    bytes: Array("Subject: one\r\n\r\n.\r\n..x\r\ntext.\r\n".utf8)))
        #expect(mail?.text == ".\r\n..x\r\ntext.\r\n")
    }

    @Test func `Mails and recipients are bounded, and the session goes on`() {
        var session = MailCatcherSession()
        for line in ["EHLO me", "MAIL FROM:<a@x>"] { _ = session.receive(line.utf8) }
        for number in 0..<MailCatcherSession.recipientsMax {
            #expect(session.receive("RCPT TO:<\(number)@x>".utf8).reply.hasPrefix("250"))
        }
        #expect(session.receive("RCPT TO:<more@x>".utf8).reply.hasPrefix("452"))
        #expect(session.receive("DATA".utf8).reply.hasPrefix("354"))
        let line = String(repeating: "x", count: MailCatcherSession.lineBytesMax - 2)
        for _ in 0...(MailCatcherSession.mailBytesMax / line.utf8.count) { _ = session.receive(line.utf8) }
        let answer = session.receive(".".utf8)
        #expect(answer.reply.hasPrefix("552"))
        #expect(answer.mail == nil)
        #expect(session.receive("MAIL FROM:<a@x>".utf8).reply.hasPrefix("250"))
    }

    /// What Python's library writes: folded and encoded fields, alternatives in two encodings.
    private static let program = """
        import smtplib, sys, email.message
        mail = email.message.EmailMessage()
        mail["From"] = "Alerts <alerts@example.org>"
        mail["To"] = "you@example.org"
        mail["Subject"] = "Größe überschritten: " + "ein langer Betreff " * 6 + "Ende ✓"
        mail.set_content("Grüße = ✓\\n.\\n<b>no markup</b> http://127.0.0.1/confirm?a=1&b=2\\n", cte="quoted-printable")
        mail.add_alternative("<p>Grüße ✓</p>", subtype="html", cte="base64")
        with smtplib.SMTP("127.0.0.1", int(sys.argv[1])) as smtp:
            smtp.send_message(mail)
            smtp.send_message(mail)
        """

    @Test func `Mail from a client in another language is shown as its reader would see it`() async throws {
        try await MailCatcher.run { catcher in
            let run = try await Python.run { _ in ["-c", Self.program, String(catcher.smtpPort)] }
            #expect(run.exit == .status(0), "\(run.output)")
            var arrivals = catcher.arrivals.makeAsyncIterator()
            let mail = try #require(await arrivals.next())
            #expect(await arrivals.next()?.text == mail.text)
            #expect(mail.from == "alerts@example.org")
            #expect(mail.recipients == ["you@example.org"])
            #expect(
                mail.subject == "Größe überschritten: " + String(repeating: "ein langer Betreff ", count: 6) + "Ende ✓")
            #expect(
                mail.text?.replacing("\r\n", with: "\n")
                    == "Grüße = ✓\n.\n<b>no markup</b> http://127.0.0.1/confirm?a=1&b=2\n")
            #expect(mail.html?.replacing("\r\n", with: "\n") == "<p>Grüße ✓</p>\n")
            #expect(catcher.mails.map(\.number) == [1, 2])

            let pages = HTTPCaller("127.0.0.1:\(catcher.pagePort)")
            let list = try await pages.send("GET", "/")
            #expect(list.text.contains("<a href=\"/mails/2\">Größe überschritten: "))
            let page = try await pages.send("GET", "/mails/1")
            #expect(
                page.text.contains("&lt;b&gt;no markup&lt;/b&gt; <a href=\"http://127.0.0.1/confirm?a=1&amp;b=2\">"))
            #expect(page["content-security-policy"]?.hasPrefix("default-src 'none'") == true)
            #expect(try await pages.send("GET", "/mails/1/source").text == mail.source)
            #expect(try await pages.send("GET", "/mails/1/html").text == mail.html)
            #expect(try await pages.send("GET", "/mails/3").status == 404)
        }
    }
}
