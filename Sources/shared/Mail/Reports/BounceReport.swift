package import Domain

/// What a mail that came back says: a delivery status notification (RFC 3464) or a complaint (RFC 5965).
package struct BounceReport: Sendable, Equatable {
    package enum Cause: Sendable, Equatable {
        /// Mail to the address fails for good: a status of 5.
        case permanent
        /// A mail was given up although its address may be good: a status of 4.
        case transient
        /// Its reader reported a mail as unwanted.
        case complaint
    }

    /// Why a mail is nothing to act on.
    package enum Ignored: Sendable, Equatable {
        /// It is an answer that a program wrote, such as a note of absence (RFC 3834), or a mail of a list.
        case automatic
        /// It is no report.
        case noReport
        /// It reports that a mail was delivered, is delayed or was sent on, or a complaint about nothing.
        case nothingFailed
        /// Nothing in it has the form of a mark.
        case noMark
    }

    package enum Reading: Sendable, Equatable {
        case report(BounceReport)
        case ignored(Ignored)
    }

    /// Bytes of a mail that are read; the fields of a report come first in it.
    package static let bytesMax = 1 << 20
    /// Marks that are tried.
    package static let marksMax = 8
    /// Groups of fields in a status: recipients, and one for all of them.
    private static let groupsMax = 100

    package let cause: Cause
    /// What the mail servers said, on one line; it may be empty.
    package let detail: String
    /// The addresses that failed like that, as the report names them, in lower case; empty where it names none.
    package let recipients: Set<String>
    /// What may be marks, the most credible first; the keys say which is genuine.
    package let marks: [BounceMark]

    /// Whether what failed is the address that was mailed, and not one that it forwards to.
    ///
    /// - Parameter address: In lower case.
    package func isAbout(_ address: String) -> Bool { self.recipients.isEmpty || self.recipients.contains(address) }

    /// Reads a mail.
    ///
    /// - Parameters:
    ///   - mail: As it is delivered; what is beyond ``bytesMax`` is not looked at.
    ///   - recipients: The addresses it is delivered to, where the mail server says so.
    ///   - address: What mails are sent from; nil: only marks of `Message-ID` are found.
    /// - Throws: ``BounceUnreadable`` for a report that is broken.
    package static func read(
        _ mail: [UInt8], deliveredTo recipients: [String] = [], address: BounceAddress?
    ) throws(BounceUnreadable) -> Reading {
        let entity = MailEntity(mail.prefix(Self.bytesMax))
        guard !entity.fields.isEmpty else { throw .noFields }
        let type = entity.contentType
        guard type.type == "multipart/report" else {
            return .ignored(Self.isAutomatic(entity) ? .automatic : .noReport)
        }
        guard let boundary = type.parameters["boundary"], (1...70).contains(boundary.utf8.count) else {
            throw .noBoundary
        }
        let parts = entity.parts(boundary)
        let finding: Failed?
        var sender: String?
        switch type.parameters["report-type"]?.lowercased() {
        case "delivery-status":
            guard let status = parts.first(where: { Self.statusTypes.contains($0.contentType.type) }) else {
                throw .noStatus
            }
            finding = Self.failure(status)
        case "feedback-report":
            guard let part = parts.first(where: { $0.contentType.type == "message/feedback-report" }) else {
                throw .noStatus
            }
            var lines = MailLines(part.body)
            let feedback = MailEntity.fields(&lines)
            let kind = feedback.first { $0.name == "feedback-type" }?.value.lowercased() ?? ""
            finding = Self.complaints.contains(kind) ? Failed(cause: .complaint, detail: kind, recipients: []) : nil
            sender = feedback.first { $0.name == "original-mail-from" }?.value
        default: return .ignored(.noReport)
        }
        guard let finding else { return .ignored(.nothingFailed) }
        let returned = parts.last { Self.returnedTypes.contains($0.contentType.type) }.map { MailEntity($0.body) }
        let marks = Self.marks(recipients, in: entity, sender: sender, returned: returned, address)
        guard !marks.isEmpty else { return .ignored(.noMark) }
        return .report(
            BounceReport(cause: finding.cause, detail: finding.detail, recipients: finding.recipients, marks: marks))
    }

    private static let statusTypes: Set<String> = ["message/delivery-status", "message/global-delivery-status"]
    private static let returnedTypes: Set<String> = [
        "message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers",
    ]
    /// Of the types of RFC 5965, 7.3; `not-spam` is none, and neither is a report about signatures.
    private static let complaints: Set<String> = ["abuse", "fraud", "virus", "opt-out", "other"]

    private static func isAutomatic(_ entity: MailEntity) -> Bool {
        let submitted = entity["auto-submitted"]?.lowercased() ?? "no"
        let precedence = entity["precedence"]?.lowercased() ?? ""
        return !submitted.hasPrefix("no") || ["bulk", "junk", "list", "auto_reply"].contains(precedence)
    }

    private struct Failed {
        let cause: Cause
        let detail: String
        var recipients: Set<String>
    }

    /// The worst of what failed, of all recipients in a status; nil when nothing did.
    private static func failure(_ status: MailEntity) -> Failed? {
        var lines = MailLines(status.body)
        var found: Failed?
        for _ in 0..<Self.groupsMax where !lines.rest.isEmpty {
            let fields = MailEntity.fields(&lines)
            func value(_ name: String) -> String? { fields.first { $0.name == name }?.value }
            guard value("action")?.lowercased().hasPrefix("failed") == true else { continue }
            let code = value("status") ?? ""
            let diagnostic = value("diagnostic-code") ?? ""
            let cause = Self.isPermanent(status: code, diagnostic: diagnostic) ? Cause.permanent : .transient
            let named = [value("final-recipient"), value("original-recipient")].compactMap { $0 }
            let addresses = Set(named.compactMap(Self.address))
            if cause == found?.cause {
                found?.recipients.formUnion(addresses)
            } else if found == nil || cause == .permanent {
                let detail = [code, diagnostic, named.first ?? ""].filter { !$0.isEmpty }.joined(separator: " ")
                found = Failed(cause: cause, detail: detail, recipients: addresses)
            }
        }
        return found
    }

    /// The address in the field of a recipient, `rfc822; a@b.example`; nil when there is none.
    private static func address(_ field: String) -> String? {
        guard let semicolon = field.firstIndex(of: ";") else { return nil }
        let address = Self.inAngles(String(field[field.index(after: semicolon)...])).lowercased()
        return address.contains("@") ? address.replacing(" ", with: "") : nil
    }

    /// By the class of the status (RFC 3463), else by the code of the server's reply.
    private static func isPermanent(status: String, diagnostic: String) -> Bool {
        switch status.utf8.first {
        case UInt8(ascii: "5"):
            // A full mailbox, and what is wrong with the message or the system: nothing is wrong with the address.
            return !["5.2.2", "5.3.", "5.6."].contains { status.hasPrefix($0) }
        case UInt8(ascii: "4"): return false
        default:
            let parts = diagnostic.split(separator: ";", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "smtp" else { return false }
            return parts[1].drop { $0 == " " }.hasPrefix("5")
        }
    }

    // MARK: Marks

    private static func marks(
        _ recipients: [String], in report: MailEntity, sender: String?, returned: MailEntity?,
        _ address: BounceAddress?
    ) -> [BounceMark] {
        var marks: [BounceMark] = []
        func add(_ mark: BounceMark?) {
            guard let mark, marks.count < Self.marksMax, !marks.contains(mark) else { return }
            marks.append(mark)
        }
        guard let address else {
            // Answers to a mail repeat its Message-ID, so it counts only where the envelope has no mark.
            add(returned?["message-id"].flatMap { Self.mark(messageID: Self.inAngles($0)) })
            return marks
        }
        let delivered = ["x-original-to", "delivered-to", "envelope-to", "to"].flatMap { report.all($0) }
        let returnPath = returned?["return-path"]
        for text in recipients + delivered + [sender, returnPath].compactMap({ $0 }) {
            add(address.mark(in: Self.inAngles(text)))
        }
        return marks
    }

    /// What stands in angle brackets, or all of it.
    private static func inAngles(_ text: String) -> Substring {
        guard let open = text.lastIndex(of: "<") else { return text[...] }
        return text[text.index(after: open)...].prefix { $0 != ">" }
    }

    /// The mark in a `Message-ID` as ``Mail`` makes it: `delivery.mark@domain`.
    private static func mark(messageID: Substring) -> BounceMark? {
        let local = messageID.prefix { $0 != "@" }
        guard let dot = local.lastIndex(of: ".") else { return nil }
        return BounceMark(local[local.index(after: dot)...])
    }
}

/// Why a report cannot be read.
package enum BounceUnreadable: Error, Sendable, Equatable {
    /// It has no header.
    case noFields
    /// It names no boundary of its parts.
    case noBoundary
    /// The part that says what happened is missing.
    case noStatus

    package var reason: String {
        switch self {
        case .noFields: "it has no header fields"
        case .noBoundary: "its content type has no boundary of 1 to 70 characters"
        case .noStatus: "the part that says what happened is missing"
        }
    }
}
