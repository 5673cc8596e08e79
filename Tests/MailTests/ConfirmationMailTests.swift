import Domain
import Foundation
import Mail
import Testing

/// The mails that ask a subscriber to confirm, and that offer the way back.
struct ConfirmationMailTests {
    private static let link = "https://m.example/confirm?token=abc&x=1"

    private func mail(
        _ kind: NotificationKind = .subscriptionConfirmation, project: String = "p1", options: MailOptions = .none,
        texts: TextCatalog = .builtIn
    ) throws -> [UInt8] {
        let document: [String: Any] = [
            "Message_Type": kind.rawValue, "X-Project-ID": project, "Link": Self.link, "queue_name": "alerts",
            "URL-Expires": "2030-01-01T00:00:00",
        ]
        return Mail(
            Array(try JSONSerialization.data(withJSONObject: document)), to: try MailtoURI("mailto:jo@example.com"),
            options: options,
            Mail.Envelope(
                sender: try Mailbox("Herald <alerts@herald.example>"),
                delivery: DeliveryID(text: "0ujtsYcgvSTl8PAuAdqWYSMnLOv"), kind: kind,
                sentAt: Timestamp(milliseconds: 1_795_000_000_000), texts: texts)
        ).encoded()
    }

    private func decoded(_ mail: [UInt8]) async throws -> DecodedMail {
        try #require(try await DecodedMail.decode([mail]).first)
    }

    @Test(arguments: [NotificationKind.subscriptionConfirmation, .unsubscribeConfirmation])
    func `It names the queue and who asked, in text and HTML, and the link comes last in the text`(
        kind: NotificationKind
    ) async throws {
        let options = MailOptions(from: try Mailbox("project@example.com"), subject: "Hello")
        let mail = try await self.decoded(try self.mail(kind, options: options))
        #expect(mail["Subject"]?.contains("alerts") == true && mail["Subject"] != "Hello")
        #expect(mail["From"] == "Herald <alerts@herald.example>", "options of the project do not count")
        #expect(mail["To"] == "jo@example.com" && mail["Auto-Submitted"] == "auto-generated")
        #expect(mail["List-Unsubscribe"] == nil)
        for type in ["text/plain", "text/html"] {
            let text = try mail.part(type).text
            #expect(text.contains("alerts") && text.contains("p1"), "\(type)")
        }
        let text = try mail.part("text/plain").text.replacing("\r\n", with: "\n")
        #expect(text.hasSuffix("below: \(Self.link)\n"))
        #expect(try mail.part("text/html").text.contains("href=\"https://m.example/confirm?token=abc&amp;x=1\""))
    }

    @Test func `T-11: in the form json it is one part of text, with the placeholders of a template filled in`()
        async throws
    {
        let texts = try TextCatalog(files: [
            "confirmation.txt": "{0}:{1}:{2}\n", "confirmation.subject.txt": "Please confirm {0}\n",
        ])
        let bytes = try self.mail(options: MailOptions(format: .json), texts: texts)
        let mail = try await self.decoded(bytes)
        #expect(mail.parts.count == 1)
        #expect(try mail.part("text/plain").text.hasPrefix("alerts:p1:\(Self.link)"))
        #expect(mail["subject"] == "Please confirm alerts")
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.hasPrefix("Content-Type: text/plain; charset=\"us-ascii\"\r\nMIME-Version: 1.0\r\n"))
        #expect(text.contains("\r\nto: jo@example.com\r\nfrom: Herald\r\n <alerts@herald.example>\r\nsubject: Please"))
    }

    @Test func `Whatever a project is called, it starts no header field and is text in HTML`() async throws {
        let project = "x\r\nBcc: victim@example.com\r\n\r\n<script>alert(1)</script>\u{0}"
        let texts = try TextCatalog(files: ["confirmation.subject.txt": "{{ project }} and {{ queue }}"])
        let mail = try await self.decoded(try self.mail(project: project, texts: texts))
        #expect(mail["Bcc"] == nil && mail["bcc"] == nil)
        #expect(mail.names.count == Set(mail.names.map { $0.lowercased() }).count)
        let html = try mail.part("text/html").text
        #expect(html.contains("&lt;script&gt;") && !html.contains("<script"))
    }
}
