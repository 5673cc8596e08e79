import Documents
import Domain
import JSON
import Mail
import Testing

struct MailOptionsTests {
    private func create(_ options: String) throws -> SubscriptionBody {
        try SubscriptionBody(
            document: Array(#"{"subscriber": "mailto:a@b.example", "options": \#(options)}"#.utf8),
            now: Timestamp(milliseconds: 0))
    }

    private func stored(_ options: String) -> MailOptions? { DeliveryOptions(stored: Array(options.utf8))?.mail }

    @Test func `Sender, subject, form and templates are read from what is stored`() throws {
        let options =
            ##"{"from": "Alerts <a@b.example>", "subject": "Hi", "_email": {"format": "json", "subject": "{{ body.x }}", "body": "#"}}"##
        _ = try self.create(options)
        let mail = try #require(self.stored(options))
        #expect(try mail.from == Mailbox("Alerts <a@b.example>") && mail.subject == "Hi" && mail.format == .json)
        #expect(try mail.subjectTemplate == MailTemplate("{{ body.x }}") && mail.bodyTemplate == MailTemplate("#"))
        for empty in ["{}", #"{"from": "", "subject": "", "_email": {}}"#] {
            #expect(self.stored(empty) == MailOptions.none)
        }
    }

    @Test(arguments: [
        (#"{"from": 1}"#, "from has to be a string"), (#"{"from": "a@b.example\r\nBcc: x"}"#, "line break"),
        (#"{"from": "alerts"}"#, "no @"), (#"{"from": "a@b.example, c@d.example"}"#, "several"),
        (#"{"subject": "a\nb"}"#, "line break"), (#"{"subject": []}"#, "subject has to be a string"),
        (#"{"_email": "json"}"#, "_email has to be an object"), (#"{"_email": {"format": "xml"}}"#, "readable or json"),
        (#"{"_email": {"body": "{{ body"}}"#, "not closed"), (#"{"_email": {"subject": "{{ x }}"}}"#, "begins with"),
        (#"{"_email": {"body": 1}}"#, "body of _email has to be a string"), (#"{"_email": {"html": "x"}}"#, "may hold"),
        (#"{"_email": {"digest": 300}}"#, "_email.digest has to be an object"),
        (#"{"_email": {"digest": {}}}"#, "_email.digest.seconds has to be an integer from 1 to 86400"),
        (#"{"_email": {"digest": {"seconds": 0, "messages": 2}}}"#, "_email.digest.seconds has to be"),
        (#"{"_email": {"digest": {"seconds": 86401, "messages": 2}}}"#, "_email.digest.seconds has to be"),
        (#"{"_email": {"digest": {"seconds": "1", "messages": 2}}}"#, "_email.digest.seconds has to be"),
        (#"{"_email": {"digest": {"seconds": 1}}}"#, "_email.digest.messages has to be an integer from 2 to 100"),
        (#"{"_email": {"digest": {"seconds": 1, "messages": 1}}}"#, "_email.digest.messages has to be"),
        (#"{"_email": {"digest": {"seconds": 1, "messages": 101}}}"#, "_email.digest.messages has to be"),
        (#"{"_email": {"digest": {"seconds": 1, "messages": 2.5}}}"#, "_email.digest.messages has to be"),
        (#"{"_email": {"digest": {"seconds": 1, "messages": 2, "bytes": 3}}}"#, "may hold seconds and messages"),
    ])
    func `What no mail can be made from is refused with the reason`(options: String, words: String) {
        do {
            _ = try self.create(options)
            Issue.record("\(options) was taken")
        } catch {
            guard case .requestInvalid(let text) = error as? Refusal else {
                Issue.record(error)
                return
            }
            #expect(text.contains(words), "\(text)")
        }
        #expect(self.stored(options) == nil)
    }

    @Test func `A digest is read from a subscription and from a queue, and counts for how the subscription is served`()
        throws
    {
        let digest = Digest(seconds: 86_400, messages: 2)
        let options = #"{"_email": {"digest": {"seconds": 86400, "messages": 2}}}"#
        #expect(self.stored(options)?.digest == digest)
        #expect(try self.create(options).pace == Pace(digest: digest))
        #expect(try self.create(#"{"_email": {"digest": null}}"#).pace == Pace())
        let patch = try SubscriptionPatch(
            document: Array(#"{"options": \#(options)}"#.utf8), now: Timestamp(milliseconds: 0))
        #expect(patch.pace == Pace(digest: digest))
        let metadata = #"{"_email": {"digest": {"seconds": 1, "messages": 100}}}"#
        let queue = try QueueMetadata(document: Array(metadata.utf8), of: QueueName("q"), limits: Limits())
        #expect(queue.attributes.digest == Digest(seconds: 1, messages: 100))
        #expect(self.stored(options)?.filled(from: queue.mail).digest == digest)
        #expect(self.stored("{}")?.filled(from: queue.mail).digest == Digest(seconds: 1, messages: 100))
        let both = #"{"_ordered": true, "_email": {"digest": {"seconds": 1, "messages": 2}}}"#
        #expect(throws: Refusal.requestInvalid("The options _ordered and _email.digest exclude each other.")) {
            try self.create(both)
        }
    }

    @Test func `The templates of a queue count where a subscription has none`() throws {
        let metadata = try QueueMetadata(
            document: Array(##"{"_email": {"subject": "{{ body.x }}", "body": "Q"}}"##.utf8), of: QueueName("q"),
            limits: Limits())
        func filled(_ options: String) throws -> MailOptions {
            try #require(DeliveryOptions(stored: Array(options.utf8))).filled(from: metadata.mail).mail
        }
        let (subject, body) = (try MailTemplate("{{ body.x }}"), try MailTemplate("Q"))
        #expect(try filled("{}") == MailOptions(subjectTemplate: subject, bodyTemplate: body))
        #expect(try filled(#"{"subject": "own"}"#) == MailOptions(subject: "own", bodyTemplate: body))
        let own = MailOptions(subjectTemplate: try MailTemplate("S"), bodyTemplate: try MailTemplate("B"))
        #expect(try filled(#"{"_email": {"subject": "S", "body": "B"}}"#) == own)
        #expect(QueueMetadata.unset.mail == .none)
        #expect(try filled(#"{"_email": {"format": "json"}}"#).format == .json)
    }

    @Test(arguments: [
        (#"{"_email": "x"}"#, "_email has to be an object"),
        (#"{"_email": {"format": "json"}}"#, "subject, body and digest"),
        (#"{"_email": {"digest": {"seconds": 1, "messages": 0}}}"#, "_email.digest.messages has to be"),
        (#"{"_email": {"body": "{{ body"}}"#, "not closed"), (#"{"_email": {"subject": 1}}"#, "has to be a string"),
    ])
    func `Templates of a queue are checked when they are stored`(metadata: String, words: String) throws {
        do {
            _ = try QueueMetadata(document: Array(metadata.utf8), of: QueueName("q"), limits: Limits())
            Issue.record("\(metadata) was taken")
        } catch {
            guard case .requestInvalid(let text) = error else {
                Issue.record(error)
                return
            }
            #expect(text.contains(words), "\(text)")
        }
    }
}
