import Domain
import HTTPClient
import Mail
import NIOConcurrencyHelpers

/// One mail on its way, which completes once.
final class OutgoingMail: Sendable {
    let recipient: MailtoURI
    /// The engine it is of.
    let user: Int
    private let attempt: Attempt
    private let target: EmailTarget
    private let texts: TextCatalog
    private let isDone = NIOLockedValueBox(false)
    private let wasLeft = NIOLockedValueBox(false)

    /// - Parameter target: Of the attempt.
    init(_ attempt: Attempt, to recipient: MailtoURI, _ target: EmailTarget, texts: TextCatalog, of user: Int) {
        self.attempt = attempt
        self.recipient = recipient
        self.target = target
        self.texts = texts
        self.user = user
    }

    var project: ProjectID { self.attempt.project }
    var bodyBytes: Int { self.attempt.body.count }
    var hasCompleted: Bool { self.isDone.withLockedValue { $0 } }

    /// The sender of its envelope.
    func returnPath(from sender: Mailbox, bounces: BounceAddress?) -> MailAddress {
        guard let bounces, let mark = self.target.bounceMark else { return sender.address }
        return bounces.sender(mark)
    }

    /// - Returns: Whether it is the first time; then it goes on in another session.
    func leaveOnce() -> Bool {
        self.wasLeft.withLockedValue { wasLeft in
            defer { wasLeft = true }
            return !wasLeft
        }
    }

    /// Reports how it ended; what comes later is not reported.
    func complete(_ result: AttemptResult) {
        let isFirst = self.isDone.withLockedValue { isDone in
            defer { isDone = true }
            return !isDone
        }
        if isFirst { self.attempt.completion(result) }
    }

    /// The mail as it travels.
    ///
    /// - Parameter isMarked: Whether the `Message-ID` has the mark for bounces: answers repeat it, so it is there only where the
    ///   envelope cannot have it.
    func encoded(from sender: Mailbox, hasFeedbackID: Bool, isMarked: Bool) -> [UInt8] {
        let envelope = Mail.Envelope(
            sender: sender, delivery: self.attempt.delivery, kind: self.attempt.kind, sentAt: self.attempt.startedAt,
            // What asks to confirm is not left.
            unsubscribePage: self.attempt.kind.isConfirmation ? nil : self.target.unsubscribePage,
            bounceMark: isMarked ? self.target.bounceMark : nil, feedbackProject: hasFeedbackID ? self.project : nil,
            texts: self.texts)
        return Mail(
            self.attempt.body.bytes, to: self.recipient, options: self.target.options, envelope,
            isDigest: self.attempt.isCollected
        ).encoded()
    }
}
