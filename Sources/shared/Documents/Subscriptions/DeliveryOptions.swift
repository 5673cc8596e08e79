package import Domain
package import Filters
import JSON
package import Mail

/// What the options of a subscription say of how its messages are sent (docs/api.md, "Subscriptions").
///
/// | option | |
/// |---|---|
/// | `_retry_policy` | object: when an attempt that failed is repeated |
/// | `_filter` | object: which messages it gets, see ``FilterOption`` |
/// | `post_data` | string: the body of requests |
/// | `post_headers` | object of strings: headers of requests |
/// | `_final_statuses` | array: the answers that end a delivery without a retry, `[400, 404, "5xx"]` |
/// | `_disable_on_gone` | boolean: whether an answer of 410 disables the subscription |
/// | `from`, `subject` | strings: header fields of mails |
/// | `_email` | object: the form of mails and their templates |
/// | `trust_id` | string, of a subscriber that is called with a token: see ``TrustOption`` |
/// | `_signature` | string: by which schemes webhooks are signed, see ``SignatureSchemes`` |
/// | `_format` | string: in which form webhooks carry a message, see ``DeliveryFormat`` |
/// | `_ack` | boolean, of a connection that subscribes itself: it says when it has each message, see ``SessionOptions`` |
package struct DeliveryOptions: Sendable, Equatable {
    /// nil when there is none, or one that says nothing.
    package let retryPolicy: RetryPolicy?
    /// nil: it gets every message.
    package let filter: FilterPolicy?
    /// nil: the body is the notification itself.
    package let template: PostTemplate?
    package let headers: PostHeaders
    /// Which answers end a delivery, beside 410.
    package let finalStatuses: FinalStatuses
    /// Whether an answer of 410 is the last that the subscriber wants to give.
    package let disablesOnGone: Bool
    package private(set) var mail: MailOptions
    /// Whether a session says of each message that it has it.
    package let isAcknowledged: Bool
    /// By which tokens are asked for; nil: none was given.
    package let trust: TrustID?
    /// How webhooks are signed.
    package let signatures: SignatureSchemes
    /// What webhooks hold.
    package let format: DeliveryFormat

    enum Name {
        static let template = "post_data"
        static let headers = "post_headers"
        static let gone = "_disable_on_gone"
    }

    /// Options that say nothing but what is given.
    package init(
        retryPolicy: RetryPolicy? = nil, filter: FilterPolicy? = nil, template: PostTemplate? = nil,
        headers: PostHeaders = .none,
        finalStatuses: FinalStatuses = .none, disablesOnGone: Bool = false, mail: MailOptions = .none,
        isAcknowledged: Bool = false, trust: TrustID? = nil, signatures: SignatureSchemes = .symmetric,
        format: DeliveryFormat = .zaqar
    ) {
        self.retryPolicy = retryPolicy
        self.filter = filter
        self.template = template
        self.headers = headers
        self.finalStatuses = finalStatuses
        self.disablesOnGone = disablesOnGone
        self.mail = mail
        self.isAcknowledged = isAcknowledged
        self.trust = trust
        self.signatures = signatures
        self.format = format
    }

    /// Reads what a caller wants to store.
    ///
    /// Tests compare several of the texts of refusals.
    ///
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    init(_ options: JSONObject) throws(Refusal) {
        try self.init(
            options, retryPolicy: try Self.retryPolicy(of: options), filter: try FilterOption.read(options),
            format: try FormatOption.read(options, try Self.headers(of: options)))
    }

    private init(
        _ options: JSONObject, retryPolicy: RetryPolicy?, filter: FilterPolicy?, format: DeliveryFormat
    ) throws(Refusal) {
        self.init(
            retryPolicy: retryPolicy, filter: filter, template: try Self.template(of: options),
            headers: try Self.headers(of: options), finalStatuses: try FinalStatusesShape.read(options),
            disablesOnGone: try Self.disablesOnGone(options), mail: try MailOptionsShape.read(options),
            isAcknowledged: SessionOptions.acknowledges(options), trust: try TrustOption.id(in: options),
            signatures: try SignatureOption.read(options), format: format)
    }

    /// Reads what is stored.
    ///
    /// - Returns: nil for what no version with these rules has stored: nothing of it is used.
    package init?(stored document: [UInt8]) {
        // What is wrong with it was said to the caller that stored it, by the version that took it. But versions before format 4 took
        // anything by the names that it added.
        guard let options = try? JSONObject(document: document) else { return nil }
        let filter = (try? FilterOption.read(options)) ?? nil
        var retryPolicy: RetryPolicy?
        do throws(Refusal) { retryPolicy = try Self.retryPolicy(of: options) } catch {
            guard RetryPolicyShape.hasSchedule(options) else { return nil }
        }
        let format = (try? FormatOption.read(options, try Self.headers(of: options))) ?? .zaqar
        guard let read = try? DeliveryOptions(options, retryPolicy: retryPolicy, filter: filter, format: format)
        else { return nil }
        self = read
    }

    /// The same with what the queue says of its mails where the subscription says nothing.
    package func filled(from queue: MailOptions) -> DeliveryOptions {
        var options = self
        options.mail = self.mail.filled(from: queue)
        return options
    }

    private static func retryPolicy(of options: JSONObject) throws(Refusal) -> RetryPolicy? {
        guard let value = options[RetryPolicyShape.name] else { return nil }
        return try RetryPolicyShape.read(value, in: options)
    }

    private static func template(of options: JSONObject) throws(Refusal) -> PostTemplate? {
        guard let value = options[Name.template] else { return nil }
        guard let text = options.text(value) else {
            throw .requestInvalid("The option \(Name.template) has to be a string.")
        }
        return try PostTemplate(text)
    }

    private static func headers(of options: JSONObject) throws(Refusal) -> PostHeaders {
        guard let value = options[Name.headers] else { return .none }
        return try PostHeaders(options.object(value))
    }

    private static func disablesOnGone(_ options: JSONObject) throws(Refusal) -> Bool {
        guard let value = options[Name.gone] else { return false }
        guard let boolean = value.boolean else {
            throw .requestInvalid("The option \(Name.gone) has to be a boolean.")
        }
        return boolean
    }
}
