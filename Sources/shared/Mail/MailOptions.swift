package import Domain

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
    /// How messages are collected; nil: as the queue says, else each has a mail of its own.
    package var digest: Digest?

    package static let none = MailOptions()

    package init(
        from: Mailbox? = nil, subject: String? = nil, format: Format = .readable, subjectTemplate: MailTemplate? = nil,
        bodyTemplate: MailTemplate? = nil, digest: Digest? = nil
    ) {
        self.from = from
        self.subject = subject
        self.format = format
        self.subjectTemplate = subjectTemplate
        self.bodyTemplate = bodyTemplate
        self.digest = digest
    }

    /// The same with what a queue says where the subscription says nothing: its own subject counts before that of the queue.
    package func filled(from queue: MailOptions) -> MailOptions {
        var options = self
        if self.subjectTemplate == nil, self.subject == nil { options.subjectTemplate = queue.subjectTemplate }
        options.bodyTemplate = self.bodyTemplate ?? queue.bodyTemplate
        options.digest = self.digest ?? queue.digest
        return options
    }

    /// Bytes it takes in memory, about.
    package var byteCount: Int {
        (self.subject?.utf8.count ?? 0) + (self.subjectTemplate?.byteCount ?? 0) + (self.bodyTemplate?.byteCount ?? 0)
    }
}
