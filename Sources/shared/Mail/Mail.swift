package import Domain
import JSON

/// One mail to one address, ready to be written as bytes.
///
/// ```
/// Date, From, Sender, To, Subject, Message-ID, Auto-Submitted, List-…        header fields
/// multipart/alternative                                                      for people
///   text/plain    fields of the message or its text, then where it is from and how to leave
///   text/html     the same
/// or text/plain                                                              the notification as JSON
/// ```
package struct Mail: Sendable {
    /// What is sent: the notification, or what a confirmation is about, one JSON object; of a digest an array of notifications.
    private let document: [UInt8]
    private let isDigest: Bool
    private let recipient: MailtoURI
    private let options: MailOptions
    private let envelope: Envelope

    /// What the deployment and the delivery say of a mail.
    package struct Envelope: Sendable {
        /// The sender of the deployment.
        package var sender: Mailbox
        package var delivery: DeliveryID
        package var kind: NotificationKind
        package var sentAt: Timestamp
        /// Where the subscriber leaves with one request (RFC 8058); it is also written at the end of the mail.
        package var unsubscribePage: MailLink?
        /// Where the subscriber leaves by mail (RFC 2369).
        package var unsubscribeMail: MailLink?
        /// By which a mail that comes back is found, in its `Message-ID`; nil: it is not.
        package var bounceMark: BounceMark?
        /// Whom `Feedback-ID` names; nil: there is none.
        package var feedbackProject: ProjectID?
        /// What confirmations say, and the end of readable mails.
        package var texts: TextCatalog

        package init(
            sender: Mailbox, delivery: DeliveryID, kind: NotificationKind, sentAt: Timestamp,
            unsubscribePage: MailLink? = nil, unsubscribeMail: MailLink? = nil, bounceMark: BounceMark? = nil,
            feedbackProject: ProjectID? = nil, texts: TextCatalog = .builtIn
        ) {
            self.sender = sender
            self.delivery = delivery
            self.kind = kind
            self.sentAt = sentAt
            self.unsubscribePage = unsubscribePage
            self.unsubscribeMail = unsubscribeMail
            self.bounceMark = bounceMark
            self.feedbackProject = feedbackProject
            self.texts = texts
        }
    }

    /// Bytes of either readable part before it is encoded; what is beyond is left out, and said to be.
    package static let partBytesMax = 1 << 20
    /// Bytes of a subject.
    package static let subjectBytesMax = 900

    /// - Parameters:
    ///   - document: One JSON object with `queue_name`; of a digest an array of such.
    ///   - isDigest: Whether the mail is about several messages.
    package init(
        _ document: [UInt8], to recipient: MailtoURI, options: MailOptions, _ envelope: Envelope, isDigest: Bool = false
    ) {
        self.document = document
        self.isDigest = isDigest
        self.recipient = recipient
        self.options = options
        self.envelope = envelope
    }

    /// The mail as it travels: CRLF at the end of every line, lines of less than 998 bytes, seven bits.
    ///
    /// Full stops at the beginning of lines are not doubled: the transport does that.
    package func encoded() -> [UInt8] {
        if self.isDigest { return self.digest() }
        let object = (try? JSONObject(document: self.document)) ?? JSONObject()
        let queue = object["queue_name"].flatMap(object.text) ?? ""
        if self.envelope.kind.isConfirmation { return self.confirmation(object, queue: queue) }
        switch self.options.format {
        case .readable: return self.readable(object, queue: queue)
        case .json:
            return self.plain(
                self.document, from: self.from, subject: self.subject(object, queue: queue) ?? "", queue: queue)
        }
    }

    // MARK: Forms

    /// The mail about several messages, each as in a mail of its own; the subject says how many, and of which queue.
    private func digest() -> [UInt8] {
        let messages = self.messages()
        let queue = messages.first.flatMap { $0["queue_name"].flatMap($0.text) } ?? ""
        let count = "\(messages.count) messages from \(queue)"
        let subject =
            (self.recipient.subject ?? self.options.subject).map { Self.cut("\(Self.cut($0)): \(count)") } ?? count
        switch self.options.format {
        case .readable:
            let content = ReadableContent(
                messages.map { (document: $0, heading: self.templatedSubject($0) ?? "") }, queue: queue,
                template: self.options.bodyTemplate, sentAt: self.envelope.sentAt, footer: self.footer(queue: queue))
            return self.alternative(
                text: content.text, html: content.html, from: self.from, subject: subject, queue: queue)
        case .json: return self.plain(self.document, from: self.from, subject: subject, queue: queue)
        }
    }

    private func messages() -> [JSONObject] {
        var messages: [JSONObject] = []
        var reader = JSONReader()
        do throws(JSONInvalid) {
            try reader.openArray(in: self.document.span)
            while try reader.nextElement(in: self.document.span) {
                messages.append(try JSONObject(&reader, of: self.document))
            }
        } catch {
            // It was written by the notifier; what cannot be read is not shown.
        }
        return messages
    }

    /// The mail with a link to confirm, or to come back: from the sender of the deployment, whatever the options say.
    private func confirmation(_ object: JSONObject, queue: String) -> [UInt8] {
        let isReturn = self.envelope.kind == .unsubscribeConfirmation
        let texts = self.envelope.texts
        let values: [TextTemplate.Place: String] = [
            .queue: queue, .project: object["X-Project-ID"].flatMap(object.text) ?? "",
            .link: object["Link"].flatMap(object.text) ?? "", .address: self.recipient.address.description,
        ]
        let lines = texts.text(isReturn ? .returnSubject : .confirmationSubject, values)
            .split(whereSeparator: \.isNewline)
        let subject = String(decoding: (lines.first ?? "").utf8.prefix(Self.subjectBytesMax), as: UTF8.self)
        let text = ReadableText.of(texts.text(isReturn ? .returnText : .confirmationText, values))
        switch self.options.format {
        case .readable:
            return self.alternative(
                text: text, html: texts.text(isReturn ? .returnHTML : .confirmationHTML, values),
                from: self.envelope.sender, subject: subject, queue: queue)
        case .json:
            return self.plain(Array(text.utf8), from: self.envelope.sender, subject: subject, queue: queue)
        }
    }

    /// One part of plain text.
    private func plain(_ content: [UInt8], from: Mailbox, subject: String, queue: String) -> [UInt8] {
        let body = BodyEncoding.canonical(content)
        let encoding = BodyEncoding(for: body)
        var fields = HeaderFields()
        fields.token(
            "Content-Type", "text/plain; charset=\"\(encoding == .sevenBit ? "us-ascii" : "utf-8")\"")
        fields.token("MIME-Version", "1.0")
        fields.token("Content-Transfer-Encoding", encoding.rawValue)
        // In lower case, as receivers of the messaging API know these three.
        fields.token("to", self.recipient.address.description)
        fields.mailbox("from", from)
        fields.unstructured("subject", subject)
        self.write(to: &fields, from: from, queue: queue)
        return fields.bytes + [0x0D, 0x0A] + encoding.encode(body)
    }

    private func readable(_ object: JSONObject, queue: String) -> [UInt8] {
        let content = ReadableContent(
            [(document: object, heading: nil)], queue: queue, template: self.options.bodyTemplate,
            sentAt: self.envelope.sentAt, footer: self.footer(queue: queue))
        return self.alternative(
            text: content.text, html: content.html, from: self.from,
            subject: self.subject(object, queue: queue) ?? "Message from \(queue)", queue: queue)
    }

    /// How to leave, as text and HTML; empty without a link.
    private func footer(queue: String) -> (text: String, html: String) {
        guard let page = self.envelope.unsubscribePage else { return ("", "") }
        let values: [TextTemplate.Place: String] = [
            .queue: queue, .link: page.text, .address: self.recipient.address.description,
        ]
        return (self.envelope.texts.text(.footerText, values), self.envelope.texts.text(.footerHTML, values))
    }

    /// Two parts, of which a mail program shows the one it can.
    private func alternative(text: String, html: String, from: Mailbox, subject: String, queue: String) -> [UInt8] {
        var fields = HeaderFields()
        fields.mailbox("From", from)
        fields.token("To", self.recipient.address.description)
        fields.unstructured("Subject", subject)
        self.write(to: &fields, from: from, queue: queue)
        fields.token("MIME-Version", "1.0")
        // The underscore after an equals sign occurs in neither encoding, so it ends no part early.
        let boundary = "=_\(self.envelope.delivery.text)"
        fields.token("Content-Type", "multipart/alternative; boundary=\"\(boundary)\"")
        var mail = fields.bytes
        mail.reserveCapacity(mail.count + 2 * (text.utf8.count + html.utf8.count))
        mail += "\r\n".utf8
        for (type, text) in [("text/plain", text), ("text/html", html)] {
            let body = BodyEncoding.canonical(Array(text.utf8))
            let natural = BodyEncoding(for: body)
            // Seven bits hold what looks like a boundary.
            let encoding = natural == .sevenBit ? .quotedPrintable : natural
            mail += "--\(boundary)\r\nContent-Type: \(type); charset=\"utf-8\"\r\n".utf8
            mail += "Content-Transfer-Encoding: \(encoding.rawValue)\r\n\r\n".utf8
            mail += encoding.encode(body)
            mail += "\r\n".utf8
        }
        mail += "--\(boundary)--\r\n".utf8
        return mail
    }

    // MARK: Header fields

    private var from: Mailbox { self.options.from ?? self.envelope.sender }

    /// The `subject` of the URI counts first, then the template, then the option; nil when there is none.
    private func subject(_ object: JSONObject, queue: String) -> String? {
        if let subject = self.recipient.subject { return subject }
        return self.templatedSubject(object) ?? self.options.subject.map(Self.cut)
    }

    private func templatedSubject(_ object: JSONObject) -> String? {
        self.options.subjectTemplate.map { $0.rendered(with: object, bytesMax: Self.subjectBytesMax) }
    }

    /// As much of a subject as a mail has.
    private static func cut(_ subject: String) -> String {
        String(decoding: subject.utf8.prefix(Self.subjectBytesMax), as: UTF8.self)
    }

    /// The fields that both forms have.
    private func write(to fields: inout HeaderFields, from: Mailbox, queue: String) {
        let sender = self.envelope.sender
        if from.address != sender.address { fields.mailbox("Sender", Mailbox(address: sender.address)) }
        fields.token("Date", self.envelope.sentAt.mailDate)
        let mark = self.envelope.bounceMark.map { ".\($0.text)" } ?? ""
        fields.token("Message-ID", "<\(self.envelope.delivery.text)\(mark)@\(sender.address.domain)>")
        fields.token("Auto-Submitted", "auto-generated")
        fields.token("List-Id", "<\(Self.label(queue)).\(sender.address.domain)>")
        let links = [self.envelope.unsubscribePage, self.envelope.unsubscribeMail].compactMap { $0 }
        if !links.isEmpty { fields.uris("List-Unsubscribe", links) }
        if self.envelope.unsubscribePage != nil {
            fields.token("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
        }
        if let project = self.envelope.feedbackProject {
            fields.token("Feedback-ID", "\(Self.label(project.text)):\(Self.label(queue)):notification:herald")
        }
    }

    /// A name as one label: letters, digits, hyphens and underscores, with hyphens for what is neither (RFC 2919, 2).
    private static func label(_ name: String) -> String {
        let bytes = name.utf8.prefix(64).map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                byte
            default: UInt8(ascii: "-")
            }
        }
        return bytes.isEmpty ? "-" : String(decoding: bytes, as: UTF8.self)
    }
}
