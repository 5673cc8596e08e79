import Foundation
import HTTPServer
import Mail
import NIOCore

/// The pages of the mail catcher: what was sent, each mail as text, as HTML in a frame that runs nothing, and as its source.
struct MailPage: Sendable {
    private let mails: @Sendable () -> [(number: Int, mail: CaughtMail)]

    /// - Parameter mails: The oldest first.
    init(_ mails: @escaping @Sendable () -> [(number: Int, mail: CaughtMail)]) {
        self.mails = mails
    }

    func answer(to request: HTTPRequestHead) -> HTTPAnswer {
        guard request.method == .get || request.method == .head else {
            return HTTPAnswer(status: .methodNotAllowed, headers: [.allow: "GET, HEAD"])
        }
        if request.path == "/" { return Self.answer("text/html", self.list) }
        let parts = request.path.split(separator: "/")
        guard (2...3).contains(parts.count), parts[0] == "mails", let number = Int(parts[1]),
            let mail = self.mails().first(where: { $0.number == number })?.mail
        else { return Self.unknown }
        switch parts.count == 3 ? parts[2] : "" {
        case "": return Self.answer("text/html", Self.shown(number, mail))
        case "html": return Self.answer("text/html", mail.html ?? "")
        case "source": return Self.answer("text/plain", mail.source)
        default: return Self.unknown
        }
    }

    private static let unknown = HTTPAnswer(status: .notFound)

    /// Mails hold what callers of the API posted: nothing of it may run, and a frame cannot lead out of itself.
    private static func answer(_ type: String, _ text: String) -> HTTPAnswer {
        HTTPAnswer(
            status: .ok,
            headers: [
                .contentType: "\(type); charset=utf-8", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
                .contentSecurityPolicy: "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; "
                    + "frame-ancestors 'self'; base-uri 'none'; form-action http: https:",
            ], body: ByteBuffer(string: text))
    }

    // MARK: Pages

    private var list: String {
        let rows = self.mails().reversed().map { number, mail in
            "<tr><td>\(number)<td>\(HTMLText.escaped(mail.recipients.joined(separator: ", ")))"
                + "<td><a href=\"/mails/\(number)\">\(HTMLText.escaped(mail.subject.isEmpty ? "(no subject)" : mail.subject))</a>"
                + "<td>\(HTMLText.escaped(mail["date"] ?? ""))\n"
        }.joined()
        let content =
            rows.isEmpty
            ? "<p>Nothing was sent yet.</p>" : "<table>\n<tr><th>#<th>To<th>Subject<th>Date\n\(rows)</table>"
        return Self.page("Mails sent by this deployment", content, refreshes: true)
    }

    private static func shown(_ number: Int, _ mail: CaughtMail) -> String {
        let fields = ["From", "To", "Subject", "Date", "List-Unsubscribe"].compactMap { name in
            mail[name].map { "<tr><th>\(name)<td>\(HTMLText.escaped($0))\n" }
        }.joined()
        let html =
            mail.html == nil
            ? ""
            : "<h2>HTML</h2>\n<iframe src=\"/mails/\(number)/html\" sandbox=\"allow-popups\" title=\"HTML\"></iframe>\n"
        let text = mail.text.map { "<h2>Text</h2>\n<pre>\(self.linked($0))</pre>\n" } ?? ""
        return self.page(
            mail.subject.isEmpty ? "(no subject)" : mail.subject,
            "<p><a href=\"/\">All mails</a> · <a href=\"/mails/\(number)/source\">Source</a></p>\n"
                + "<table>\n\(fields)</table>\n\(text)\(html)", refreshes: false)
    }

    private static func page(_ title: String, _ content: String, refreshes: Bool) -> String {
        """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><title>\(HTMLText.escaped(title))</title>
        <meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
        \(refreshes ? "<meta http-equiv=\"refresh\" content=\"2\">" : "")
        <style>
        body { font: 1rem/1.5 system-ui, sans-serif; margin: 1.5rem auto; max-width: 60rem; padding: 0 1rem }
        table { border-collapse: collapse; width: 100% }
        th, td { border-bottom: 1px solid #8888; padding: .3rem .6rem; text-align: left; overflow-wrap: anywhere }
        pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid #8888; padding: 1rem }
        iframe { width: 100%; height: 30rem; border: 1px solid #8888 }
        </style></head>
        <body><h1>\(HTMLText.escaped(title))</h1>
        \(content)
        </body></html>

        """
    }

    /// The text with its web links made links.
    private static func linked(_ text: String) -> String {
        var linked = ""
        var rest = text[...]
        while let match = rest.firstMatch(of: /https?:\/\/[^\s<>"]+/) {
            let url = HTMLText.escaped(String(match.output))
            linked += HTMLText.escaped(String(rest[..<match.range.lowerBound])) + "<a href=\"\(url)\">\(url)</a>"
            rest = rest[match.range.upperBound...]
        }
        return linked + HTMLText.escaped(String(rest))
    }
}
