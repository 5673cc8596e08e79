import Domain
import JSON

/// The two parts of a mail for people: the messages, the queue they are from, when it was sent, and how to leave.
struct ReadableContent {
    let text: String
    let html: String

    /// - Parameters:
    ///   - messages: The notifications, with what stands above each beside its number; nil: not even that.
    ///   - template: Makes the text instead of the fields of a message.
    ///   - footer: How to leave; empty for nothing.
    init(
        _ messages: [(document: JSONObject, heading: String?)], queue: String, template: MailTemplate?,
        sentAt: Timestamp,
        footer leaving: (text: String, html: String)
    ) {
        var text = BoundedText(bytesMax: Mail.partBytesMax)
        var html = BoundedText(bytesMax: Mail.partBytesMax)
        /// Whether the last table was cut before its end.
        var isOpen = false
        for (index, (document, heading)) in messages.enumerated() {
            if let heading {
                let line =
                    "\(index + 1) of \(messages.count)" + (heading.isEmpty ? "" : ": \(HeaderText.oneLine(heading))")
                text.append((index > 0 ? "\n" : "") + line + "\n\n")
                html.append("<h2 style=\"\(Self.heading)\">\(HTMLText.escaped(line))</h2>\n")
            }
            let wasCut = html.isCut
            if let template {
                let rendered = template.rendered(with: document, bytesMax: Mail.partBytesMax / 8)
                text.append(rendered + "\n")
                html.append("<div style=\"\(Self.preformatted)\">\(HTMLText.escaped(rendered))</div>\n")
            } else if let body = document.value(of: "body") {
                let outline = MessageOutline(body, in: document)
                Self.write(outline, to: &text, &html)
                if outline.fields != nil, html.isCut, !wasCut { isOpen = true }
            }
        }
        let isCut = text.isCut || html.isCut
        var footer = ["Queue: \(queue)", "Sent: \(CalendarTime(seconds: sentAt.seconds).mailText)"]
        if isCut { footer.insert("The message is longer; the rest is not shown.", at: 0) }
        var textFooter = footer.joined(separator: "\n") + "\n"
        var htmlFooter = footer.map { HTMLText.escaped($0) }.joined(separator: "<br>\n")
        textFooter += leaving.text
        if !leaving.html.isEmpty { htmlFooter += "<br>\n\(leaving.html)" }
        self.text = text.text + "\n-- \n" + textFooter
        let tableEnd = isOpen ? "</table>\n" : ""
        self.html =
            Self.head + html.text + tableEnd + "<p style=\"\(Self.small)\">" + htmlFooter + "</p>\n</body></html>\n"
    }

    private static func write(_ outline: MessageOutline, to text: inout BoundedText, _ html: inout BoundedText) {
        guard let fields = outline.fields else {
            text.append(outline.text + "\n")
            html.append("<div style=\"\(Self.preformatted)\">\(HTMLText.escaped(outline.text))</div>\n")
            return
        }
        html.append("<table style=\"border-collapse:collapse\">\n")
        for field in fields {
            let isNested = field.value.contains("\n")
            text.append(
                isNested ? "\(field.name):\n\(Self.indented(field.value))\n" : "\(field.name): \(field.value)\n")
            html.append(
                "<tr><th style=\"\(Self.cell);text-align:left\">\(HTMLText.escaped(field.name))</th>"
                    + "<td style=\"\(Self.cell);\(Self.preformatted)\">\(HTMLText.escaped(field.value))</td></tr>\n")
        }
        if outline.isCut {
            text.append("…\n")
            html.append("<tr><td>…</td></tr>\n")
        }
        html.append("</table>\n")
    }

    private static func indented(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)" }.joined(separator: "\n")
    }

    private static let head = """
        <!DOCTYPE html>
        <html><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">
        <meta name="viewport" content="width=device-width"></head>
        <body style="font-family:sans-serif">

        """
    private static let preformatted = "white-space:pre-wrap;overflow-wrap:anywhere"
    private static let cell = "border:1px solid #999;padding:4px 8px;vertical-align:top"
    private static let heading = "font-size:medium;margin:1.5em 0 .5em"
    private static let small = "font-size:smaller"
}

extension CalendarTime {
    /// `2026-11-29 10:18:48 UTC`.
    fileprivate var mailText: String { "\(self.date) \(self.clock) UTC" }
}
