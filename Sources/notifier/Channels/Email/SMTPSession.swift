import CESMTP
import Domain
import Glibc
import Mail

/// One session of libesmtp with the relay: several mails, one after the other, each judged as soon as the relay did.
///
/// It begins with the mails that waited, and asks for one more whenever its last one is judged: a session costs as much as several
/// mails.
///
/// It belongs to the thread that runs it.
final class SMTPSession {
    /// What a session came to, beside the mails that completed.
    struct Report {
        /// Whether the relay took or refused a mail.
        var hasJudged = false
        /// Why no further session is to begin at once; nil: nothing speaks against one.
        var trouble: Outcome?
        /// Mails that nothing is known of: they were not begun, or the relay asked to come back later.
        var left: [OutgoingMail] = []
    }

    /// Replies to a mail that are about the login of the session (RFC 4954, 6).
    private static let loginReplies: Set<Int> = [530, 534, 535, 538]
    /// The relay ends the session (RFC 5321, 3.8).
    private static let closing = 421

    private let relay: RelayConnection
    private let control: SessionControl
    private var mails: [MailSource]
    private let more: () -> OutgoingMail?
    /// While it runs.
    private var session: smtp_session_t?
    private var judged: Set<Int> = []
    private var begun: Int?
    /// The mail whose recipient was refused last.
    private var unaddressed: Int?
    private var lastReply = 0
    /// Whether the relay said anything since the mail under way was begun.
    private var isAnswered = false
    /// The first reply that refused the session, before a mail was begun.
    private var refusal: Int?
    private var trouble: Outcome?
    private var isConnected = false
    private var hasTLSFailed = false
    private var hasTLS = false
    private var times = Times()

    /// Moments of the session, for what an attempt looked like from outside.
    private struct Times {
        let started = ContinuousClock.now
        var connected: ContinuousClock.Instant?
        var tlsStarted: ContinuousClock.Instant?
        var tlsEnded: ContinuousClock.Instant?
        var mailStarted = ContinuousClock.now
    }

    /// - Parameter more: Gives the mail that follows the last one; nil: there is none, or the session has had enough.
    init(
        _ mails: [OutgoingMail], over relay: RelayConnection, _ control: SessionControl,
        more: @escaping () -> OutgoingMail?
    ) {
        self.relay = relay
        self.control = control
        self.mails = mails.map { MailSource($0, relay, control) }
        self.more = more
    }

    func run() -> Report {
        guard self.control.mayConnect(port: self.relay.url.port) else {
            return self.report(failed: .unreachable(.connect))
        }
        guard let session = smtp_create_session() else { return self.report(failed: .unreachable(.other)) }
        defer { smtp_destroy_session(session) }
        let credentials = self.relay.credentials()
        defer { if let credentials { auth_destroy_context(credentials) } }
        guard self.relay.prepare(session, credentials) else { return self.report(failed: .unreachable(.other)) }

        let me = Unmanaged.passUnretained(self).toOpaque()
        var events = cesmtp_events(
            context: me,
            event: { context, event, mail, code in
                guard let context else { return }
                Unmanaged<SMTPSession>.fromOpaque(context).takeUnretainedValue().took(
                    event: Int(event), mail: mail - 1, code: Int(code))
            },
            is_checked: 1)
        return withUnsafeMutablePointer(to: &events) { events in
            cesmtp_set_events(session, events)
            smtp_set_monitorcb(
                session,
                { bytes, count, isWritten, context in
                    guard let bytes, let context, count > 0 else { return }
                    let text = UnsafeRawBufferPointer(start: bytes, count: Int(count))
                    Unmanaged<SMTPSession>.fromOpaque(context).takeUnretainedValue().saw(text, isSent: isWritten != 0)
                }, me, 0)
            for (index, mail) in self.mails.enumerated() {
                guard self.add(mail, index, to: session) else { return self.report(failed: .unreachable(.other)) }
            }
            self.session = session
            let result = smtp_start_session(session)
            self.session = nil
            return self.report(failed: self.failure(started: result != 0, error: smtp_errno()))
        }
    }

    private func add(_ mail: MailSource, _ index: Int, to session: smtp_session_t) -> Bool {
        guard let message = smtp_add_message(session),
            smtp_set_reverse_path(message, self.relay.returnPath(of: mail.mail).description) != 0,
            let recipient = smtp_add_recipient(message, mail.mail.recipient.address.description)
        else { return false }
        cesmtp_number_mail(message, recipient, index + 1)
        let source = Unmanaged.passUnretained(mail).toOpaque()
        return smtp_set_messagecb(
            message,
            { _, count, source in
                guard let source else { return nil }
                return Unmanaged<MailSource>.fromOpaque(source).takeUnretainedValue().next(count)
            }, source) != 0
    }

    // MARK: What libesmtp reports

    private func took(event: Int, mail: Int, code: Int) {
        switch event {
        case Int(SMTP_EV_CONNECT):
            self.isConnected = true
            self.times.connected = .now
            self.control.connected(port: self.relay.url.port)
        case Int(SMTP_EV_DISCONNECT): self.control.disconnected()
        case Int(SMTP_EV_STARTTLS_OK):
            self.hasTLS = true
            self.times.tlsEnded = .now
            self.control.enter(.ehlo)
        case Int(SMTP_EV_EXTNA_STARTTLS), Int(SMTP_EV_INVALID_PEER_CERTIFICATE), Int(SMTP_EV_WEAK_CIPHER):
            self.hasTLSFailed = true
        case Int(SMTP_EV_MAILSTATUS):
            guard code / 100 != 2 else { return }
            self.judge(mail, code)
            self.extend(behind: mail)
        case Int(SMTP_EV_RCPTSTATUS):
            // DATA went out with RCPT, where the relay takes commands without waiting.
            guard code / 100 != 2 else { return self.control.enter(.data) }
            self.judge(mail, code)
            self.unaddressed = mail
        case Int(SMTP_EV_MESSAGESENT):
            // DATA without a recipient is refused for that reason, which says nothing more.
            if mail != self.unaddressed { self.judge(mail, code) }
            self.extend(behind: mail)
        default: break
        }
    }

    /// Adds a mail behind the last one, which libesmtp looks for when this event is over.
    private func extend(behind index: Int) {
        guard index == self.mails.count - 1, self.trouble == nil, let session, let next = self.more() else { return }
        let mail = MailSource(next, self.relay, self.control)
        self.mails.append(mail)
        // Where memory is short it is left.
        _ = self.add(mail, index + 1, to: session)
    }

    /// Sees what is sent and received, but for the mails; a password is among it, so nothing of it is kept.
    private func saw(_ text: UnsafeRawBufferPointer, isSent: Bool) {
        guard isSent else {
            if let code = Self.code(of: text) {
                self.lastReply = code
                self.isAnswered = true
                if self.begun == nil, code >= 400, self.refusal == nil { self.refusal = code }
                if self.control.phase == .authentication, code >= 400 {
                    self.trouble = .deferred(code: code, notBefore: nil)
                }
            }
            return
        }
        func begins(_ command: StaticString) -> Bool {
            text.starts(with: UnsafeRawBufferPointer(start: command.utf8Start, count: command.utf8CodeUnitCount))
        }
        if begins("EHLO ") || begins("HELO ") {
            self.control.enter(.ehlo)
        } else if begins("STARTTLS\r\n") {
            self.times.tlsStarted = .now
            self.control.enter(.startTLS)
        } else if begins("AUTH ") {
            self.control.enter(.authentication)
        } else if begins("MAIL FROM:") {
            // Mails are begun in their order; those judged before were none of this command's.
            var next = (self.begun ?? -1) + 1
            while self.judged.contains(next) { next += 1 }
            self.begun = next
            self.isAnswered = false
            self.times.mailStarted = .now
            self.control.enter(.envelope)
        } else if begins("DATA\r\n") || begins("BDAT ") {
            self.control.enter(.data)
        } else if begins("QUIT\r\n") {
            self.control.enter(.quit)
        }
    }

    /// The code of the last line of a reply.
    private static func code(of text: UnsafeRawBufferPointer) -> Int? {
        var end = text.count
        while end > 0, text[end - 1] == 0x0A || text[end - 1] == 0x0D { end -= 1 }
        var start = end
        while start > 0, text[start - 1] != 0x0A { start -= 1 }
        guard end - start >= 3 else { return nil }
        var code = 0
        for byte in text[start..<start + 3] {
            guard (0x30...0x39).contains(byte) else { return nil }
            code = code * 10 + Int(byte - 0x30)
        }
        return code
    }

    /// What the relay said of one mail.
    private func judge(_ index: Int, _ code: Int) {
        guard self.mails.indices.contains(index), !self.judged.contains(index) else { return }
        let mail = self.mails[index]
        if code == Self.closing || Self.loginReplies.contains(code) {
            self.trouble = self.trouble ?? .deferred(code: code, notBefore: nil)
            return
        }
        self.judged.insert(index)
        switch code {
        // A relay that accepts what it was not sent has not taken the mail.
        case 200..<300 where mail.isSent: mail.mail.complete(.finished(.accepted(code: code), self.exchange(index)))
        case 400..<500:
            mail.mail.complete(.finished(.deferred(code: code, notBefore: nil), self.exchange(index)))
        case 500..<600: mail.mail.complete(.finished(.refused(code: code), self.exchange(index)))
        default: mail.mail.complete(.finished(.unreachable(.malformed), self.exchange(index)))
        }
    }

    // MARK: What it came to

    /// Why the session ended before its mails were judged.
    private func failure(started: Bool, error: Int32) -> Outcome {
        if self.hasTLSFailed { return .unreachable(.tls) }
        if !self.isConnected { return .unreachable(error > 0 ? .resolve : .connect) }
        if self.control.isLate { return .unreachable(.timeout) }
        if self.times.tlsStarted != nil, !self.hasTLS { return .unreachable(.tls) }
        if self.begun == nil, let refusal { return .deferred(code: refusal, notBefore: nil) }
        switch error {
        case SMTP_ERR_INVALID_RESPONSE_SYNTAX, SMTP_ERR_STATUS_MISMATCH, SMTP_ERR_INVALID_RESPONSE_STATUS:
            return .unreachable(.malformed)
        default: return .unreachable(.closed)
        }
    }

    private func report(failed failure: Outcome) -> Report {
        var report = Report()
        report.hasJudged = !self.judged.isEmpty
        for (index, mail) in self.mails.enumerated() where !self.judged.contains(index) {
            let isLost = mail.isSent || index == self.begun
            // What was sent whole may have been taken, whatever the relay said to others.
            guard isLost, self.trouble == nil || mail.isSent && self.lastReply != Self.closing,
                !self.wasOver(before: mail.mail)
            else {
                report.left.append(mail.mail)
                continue
            }
            mail.mail.complete(.finished(failure, self.exchange(index)))
        }
        report.trouble = self.trouble ?? (report.hasJudged ? nil : failure)
        return report
    }

    /// Whether the relay had ended the session before it heard of this mail, which says nothing about the mail; once, for it may be
    /// what the relay cannot bear.
    private func wasOver(before mail: OutgoingMail) -> Bool {
        guard !self.judged.isEmpty, !self.isAnswered, !self.control.isLate else { return false }
        return mail.leaveOnce()
    }

    private func exchange(_ index: Int) -> Exchange {
        var exchange = Exchange()
        let now = ContinuousClock.now
        if index == 0 {
            if let connected = self.times.connected {
                exchange.connect = Self.milliseconds(connected - self.times.started)
            }
            if let start = self.times.tlsStarted, let end = self.times.tlsEnded {
                exchange.tls = Self.milliseconds(end - start)
            }
        }
        exchange.total = Self.milliseconds(now - (index == 0 ? self.times.started : self.times.mailStarted))
        return exchange
    }

    private static func milliseconds(_ duration: Duration) -> Int { Int(duration / .milliseconds(1)) }
}
