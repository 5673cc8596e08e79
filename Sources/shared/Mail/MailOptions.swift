/// What a subscription says of its mails: its options `from`, `subject` and `_email`.
package struct MailOptions: Sendable, Equatable {
    /// The form of the mail.
    package enum Format: String, Sendable, CaseIterable {
        /// Text and HTML for people.
        case readable
        /// The notification as JSON, in one part of plain text.
        case json
    }

    /// Who the mail is from; nil: the sender of the deployment.
    package var from: Mailbox?
    package var subject: String?
    package var format: Format
    /// Makes the subject; counts before ``subject``.
    package var subjectTemplate: MailTemplate?
    /// Makes the text of a readable mail.
    package var bodyTemplate: MailTemplate?

    package static let none = MailOptions()

    package init(
        from: Mailbox? = nil, subject: String? = nil, format: Format = .readable, subjectTemplate: MailTemplate? = nil,
        bodyTemplate: MailTemplate? = nil
    ) {
        self.from = from
        self.subject = subject
        self.format = format
        self.subjectTemplate = subjectTemplate
        self.bodyTemplate = bodyTemplate
    }

    /// The same with the templates of a queue where the subscription has none: its own subject counts before that of the queue.
    package func filled(from queue: MailOptions) -> MailOptions {
        var options = self
        if self.subjectTemplate == nil, self.subject == nil { options.subjectTemplate = queue.subjectTemplate }
        options.bodyTemplate = self.bodyTemplate ?? queue.bodyTemplate
        return options
    }

    /// Bytes it takes in memory, about.
    package var byteCount: Int {
        (self.subject?.utf8.count ?? 0) + (self.subjectTemplate?.byteCount ?? 0) + (self.bodyTemplate?.byteCount ?? 0)
    }
}
