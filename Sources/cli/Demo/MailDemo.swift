import Foundation
import HTTPClient

/// The demonstration of mail: a subscriber is asked to confirm, presses the button of the page, and gets the message readable.
struct MailDemo: Sendable {
    private static let arrivalLimit = Duration.seconds(15)
    private static let pageLimit = Duration.seconds(30)
    private static let address = "you@herald.test"

    let client: HeraldClient
    let catcher: MailCatcher
    let terminal: Terminal
    /// Of the queue: `/v2/queues/demo-1`.
    let path: String

    /// - Throws: ``Failure`` when anything is not as it should be.
    func run() async throws {
        let request = try JSONSerialization.data(
            withJSONObject: ["subscriber": "mailto:\(Self.address)", "ttl": 300] as [String: Any])
        _ = try await self.client.expect(201, "POST", "\(self.path)/subscriptions", json: request)
        self.terminal.step("subscribed", "mailto:\(Self.address)")

        let question = try await self.next("mail that asks to confirm")
        guard let link = Self.link(in: question) else {
            throw Failure("the confirmation mail has no link:\n\(question.source)")
        }
        self.terminal.step("received a mail", question.subject)
        try await self.pressButton(of: link)
        self.terminal.step("confirmed", "with the button of the page behind its link")

        let body = #"{"alert": "disk almost full", "host": "db-3", "used": {"percent": 93, "of": "2 TB"}}"#
        _ = try await self.client.expect(
            201, "POST", "\(self.path)/messages", json: Data("{\"messages\": [{\"body\": \(body), \"ttl\": 300}]}".utf8)
        )
        self.terminal.step("posted a message", body)
        let mail = try await self.next("mail")
        guard let text = mail.text, text.contains("alert: disk almost full"), mail.html != nil,
            mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        else { throw Failure("the mail is not about the message that was posted:\n\(mail.source)") }
        self.show(mail, text)
        self.terminal.line()
        self.terminal.good("the mail is readable", "text and HTML, with a link to leave in the mail and in its header")
    }

    private func next(_ what: String) async throws -> CaughtMail {
        if let mail = try await self.catcher.arrivals.next(within: Self.arrivalLimit) { return mail }
        throw Failure("no \(what) arrived within \(Self.arrivalLimit)")
    }

    /// The first link of the text: that to the page.
    private static func link(in mail: CaughtMail) -> URL? {
        (mail.text?.firstMatch(of: /https?:\/\/[^\s<>"]+/)?.output).flatMap { URL(string: String($0)) }
    }

    /// Does what a browser does: opens the page, and sends the form of its button.
    private func pressButton(of link: URL) async throws {
        let (page, opened) = try await Self.load(.get, link)
        guard opened == 200, let form = page.firstMatch(of: /<form[^>]* action="([^"]*)"/)?.1,
            let field = page.firstMatch(of: /<input type="hidden" name="([^"]*)" value="([^"]*)"/),
            let target = URL(string: String(form).replacing("&amp;", with: "&"), relativeTo: link)
        else { throw Failure("the page behind the link has no button (status \(opened)):\n\(page.prefix(500))") }
        let (answer, status) = try await Self.load(
            .post, target.absoluteURL, headers: ["Content-Type: application/x-www-form-urlencoded"],
            body: Data("\(field.1)=\(field.2)".utf8))
        guard status == 200 else { throw Failure("the button was answered \(status):\n\(answer.prefix(500))") }
    }

    private static func load(
        _ method: HTTPClientRequest.Method, _ url: URL, headers: [String] = [], body: Data? = nil
    ) async throws -> (text: String, status: Int) {
        let answer = try await HTTPTransfer.answer(method, url, headers: headers, body: body, within: Self.pageLimit)
        return (String(decoding: answer.body, as: UTF8.self), answer.status)
    }

    private func show(_ mail: CaughtMail, _ text: String) {
        self.terminal.line()
        self.terminal.line(self.terminal.styled("  the mail that arrived", .bold))
        self.terminal.line()
        for name in ["From", "To", "Subject", "Date"] {
            if let value = mail[name] { self.terminal.line("    \(self.terminal.styled(name, .dim)): \(value)") }
        }
        self.terminal.line()
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            self.terminal.line(line.isEmpty ? "" : "    \(line)")
        }
    }
}
