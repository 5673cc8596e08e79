import Domain
import JSON
import Mail

/// Reads what the options of a subscription say of its mails:
/// `{"from": "Alerts <a@b.example>", "subject": "…", "_email": {"format": "json", "subject": "…", "body": "…", "digest": {…}}}`; and
/// what the metadata of a queue say of the mails of its subscriptions: `{"_email": {"subject": "…", "body": "…", "digest": {…}}}`.
enum MailOptionsShape {
    static let name = "_email"

    /// - Throws: ``Refusal/requestInvalid(_:)``.
    static func read(_ options: JSONObject) throws(Refusal) -> MailOptions {
        var mail = MailOptions()
        if let from = try Self.text("from", in: options), !from.isEmpty {
            do throws(MailAddressInvalid) {
                mail.from = try Mailbox(from)
            } catch {
                throw .requestInvalid("The option from is not an address of mail: \(error.reason).")
            }
        }
        if let subject = try Self.text("subject", in: options), !subject.isEmpty { mail.subject = subject }
        guard let value = options[Self.name] else { return mail }
        guard let object = options.object(value) else {
            throw .requestInvalid("The option \(Self.name) has to be an object.")
        }
        for member in object.members {
            if member.name == "format" {
                mail.format = try Self.format(member.value, in: object)
            } else {
                guard try Self.read(shared: member, in: object, into: &mail) else {
                    throw .requestInvalid("The option \(Self.name) may hold format, subject, body and digest.")
                }
            }
        }
        return mail
    }

    /// Reads the value of an `_email` in the metadata of a queue.
    ///
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    static func read(ofQueue value: JSONValue, in metadata: JSONObject) throws(Refusal) -> MailOptions {
        var mail = MailOptions()
        guard let object = metadata.object(value) else { throw .requestInvalid("\(Self.name) has to be an object.") }
        for member in object.members {
            guard try Self.read(shared: member, in: object, into: &mail) else {
                throw .requestInvalid("\(Self.name) of a queue may hold subject, body and digest.")
            }
        }
        return mail
    }

    /// - Returns: Whether the member is one that queues and subscriptions have.
    private static func read(
        shared member: JSONObject.Member, in object: JSONObject, into mail: inout MailOptions
    ) throws(Refusal) -> Bool {
        switch member.name {
        case "subject": mail.subjectTemplate = try Self.template(member, in: object)
        case "body": mail.bodyTemplate = try Self.template(member, in: object)
        case "digest": mail.digest = try Self.digest(member.value, in: object)
        default: return false
        }
        return true
    }

    private static func text(_ name: String, in options: JSONObject) throws(Refusal) -> String? {
        guard let value = options[name] else { return nil }
        guard let text = options.text(value) else { throw .requestInvalid("The option \(name) has to be a string.") }
        guard !text.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D || $0 == 0 }) else {
            throw .requestInvalid("The option \(name) may not hold a line break.")
        }
        return text
    }

    private static func format(_ value: JSONValue, in object: JSONObject) throws(Refusal) -> MailOptions.Format {
        guard let format = object.text(value).flatMap(MailOptions.Format.init) else {
            let names = MailOptions.Format.allCases.map(\.rawValue).joined(separator: " or ")
            throw .requestInvalid("The format of \(Self.name) has to be \(names).")
        }
        return format
    }

    private static func digest(_ value: JSONValue, in object: JSONObject) throws(Refusal) -> Digest? {
        guard value.kind != .null else { return nil }
        let path = "\(Self.name).digest"
        guard let digest = object.object(value) else { throw .requestInvalid("\(path) has to be an object.") }
        for member in digest.members where member.name != "seconds" && member.name != "messages" {
            throw .requestInvalid("\(path) may hold seconds and messages.")
        }
        return Digest(
            seconds: try Self.number("seconds", of: digest, path, Digest.secondsRange),
            messages: try Self.number("messages", of: digest, path, Digest.messagesRange))
    }

    private static func number(
        _ name: String, of object: JSONObject, _ path: String, _ range: ClosedRange<Int>
    ) throws(Refusal) -> Int {
        guard let integer = object[name]?.integer, let number = Int(exactly: integer), range.contains(number) else {
            throw .requestInvalid(
                "\(path).\(name) has to be an integer from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    private static func template(_ member: JSONObject.Member, in object: JSONObject) throws(Refusal) -> MailTemplate? {
        guard member.value.kind != .null else { return nil }
        guard let text = object.text(member.value) else {
            throw .requestInvalid("The \(member.name) of \(Self.name) has to be a string.")
        }
        do throws(MailTemplateInvalid) {
            return try MailTemplate(text)
        } catch {
            throw .requestInvalid("The \(member.name) of \(Self.name) is not a template: \(error.reason).")
        }
    }
}
