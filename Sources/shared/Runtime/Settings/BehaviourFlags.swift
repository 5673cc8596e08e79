package import ArgumentParser

/// The flags of ``SettingCatalog``'s limits, defaults, modes and CORS, as one `@OptionGroup` of the API.
package struct BehaviourFlags: ParsableArguments {
    @Option(name: .customLong("limits-page-queues"), help: "Largest limit of a list of queues.")
    package var limitsPageQueues: String?
    @Option(
        name: .customLong("limits-page-messages"),
        help: "Largest limit of a list of messages, and most ids in one request.")
    package var limitsPageMessages: String?
    @Option(name: .customLong("limits-page-subscriptions"), help: "Largest limit of a list of subscriptions.")
    package var limitsPageSubscriptions: String?
    @Option(name: .customLong("limits-claim-messages"), help: "Most messages one claim or one pop may take.")
    package var limitsClaimMessages: String?
    @Option(name: .customLong("limits-queue-metadata"), help: "Bytes in the body of a queue PUT or PATCH.")
    package var limitsQueueMetadata: String?
    @Option(
        name: .customLong("limits-post-size"),
        help: "Bytes in the body of a message post; queues may set less for themselves.")
    package var limitsPostSize: String?
    @Option(name: .customLong("limits-message-ttl"), help: "Most seconds a message may live.")
    package var limitsMessageTTL: String?
    @Option(name: .customLong("limits-message-delay"), help: "Most seconds a message may be held back.")
    package var limitsMessageDelay: String?
    @Option(name: .customLong("limits-claim-ttl"), help: "Most seconds a claim may hold.")
    package var limitsClaimTTL: String?
    @Option(
        name: .customLong("limits-claim-grace"),
        help: "Most seconds a claim may keep its messages alive beyond its own end.")
    package var limitsClaimGrace: String?
    @Option(
        name: .customLong("defaults-message-ttl"),
        help: "Seconds a message lives when neither it nor its queue says.")
    package var defaultsMessageTTL: String?
    @Option(
        name: .customLong("defaults-message-delay"),
        help: "The delay queues show that set none; it holds no message back.")
    package var defaultsMessageDelay: String?
    @Option(name: .customLong("defaults-claim-ttl"), help: "Seconds a claim holds that does not say.")
    package var defaultsClaimTTL: String?
    @Option(name: .customLong("defaults-claim-grace"), help: "Seconds of grace of a claim that does not say.")
    package var defaultsClaimGrace: String?
    @Option(name: .customLong("defaults-subscription-ttl"), help: "Seconds a subscription lives that does not say.")
    package var defaultsSubscriptionTTL: String?
    @Option(
        name: .customLong("client-id-form"),
        help: "What the header Client-ID must be: a UUID, or any text of the lengths below.")
    package var clientIDForm: String?
    @Option(name: .customLong("client-id-length-min"), help: "Fewest characters of a Client-ID of any form.")
    package var clientIDLengthMin: String?
    @Option(name: .customLong("client-id-length-max"), help: "Most characters of a Client-ID of any form.")
    package var clientIDLengthMax: String?
    @Option(
        name: .customLong("message-delete-needs-claim"),
        help: "Whether deleting messages by ids takes the claim_ids they are held by.")
    package var messageDeleteNeedsClaim: String?
    @Option(
        name: .customLong("message-checksum"),
        help: "Whether messages show a checksum of their body, for clients that compare it.")
    package var messageChecksum: String?
    @Option(
        name: .customLong("api-admin-mode"),
        help: "Whether the routes for administrators, such as /v2/health, are served.")
    package var apiAdminMode: String?
    @Option(name: .customLong("api-pooling"), help: "Serve the routes of pools and flavors: true, false.")
    package var apiPooling: String?
    @Option(
        name: .customLong("cors-origins"),
        help: "The origins whose pages may call the API from a browser; * for all.")
    package var corsOrigins: String?
    @Option(name: .customLong("cors-credentials"), help: "Whether browsers may send credentials along.")
    package var corsCredentials: String?
    @Option(name: .customLong("cors-max-age"), help: "Seconds a browser may keep the answer to a preflight.")
    package var corsMaxAge: String?
    @Option(name: .customLong("cors-methods"), help: "The methods browsers may use.")
    package var corsMethods: String?
    @Option(name: .customLong("cors-headers-allowed"), help: "The headers browsers may send.")
    package var corsHeadersAllowed: String?
    @Option(name: .customLong("cors-headers-exposed"), help: "The headers of answers that pages may read.")
    package var corsHeadersExposed: String?

    package init() {}

    /// What was given, for ``CommonFlags/settings(and:)``.
    package var settings: [SettingKey: String?] {
        [
            .limitsPageQueues: self.limitsPageQueues,
            .limitsPageMessages: self.limitsPageMessages,
            .limitsPageSubscriptions: self.limitsPageSubscriptions,
            .limitsClaimMessages: self.limitsClaimMessages,
            .limitsQueueMetadata: self.limitsQueueMetadata,
            .limitsPostSize: self.limitsPostSize,
            .limitsMessageTTL: self.limitsMessageTTL,
            .limitsMessageDelay: self.limitsMessageDelay,
            .limitsClaimTTL: self.limitsClaimTTL,
            .limitsClaimGrace: self.limitsClaimGrace,
            .defaultsMessageTTL: self.defaultsMessageTTL,
            .defaultsMessageDelay: self.defaultsMessageDelay,
            .defaultsClaimTTL: self.defaultsClaimTTL,
            .defaultsClaimGrace: self.defaultsClaimGrace,
            .defaultsSubscriptionTTL: self.defaultsSubscriptionTTL,
            .clientIDForm: self.clientIDForm,
            .clientIDLengthMin: self.clientIDLengthMin,
            .clientIDLengthMax: self.clientIDLengthMax,
            .messageDeleteNeedsClaim: self.messageDeleteNeedsClaim,
            .messageChecksum: self.messageChecksum,
            .apiAdminMode: self.apiAdminMode, .apiPooling: self.apiPooling,
            .corsOrigins: self.corsOrigins,
            .corsCredentials: self.corsCredentials,
            .corsMaxAge: self.corsMaxAge,
            .corsMethods: self.corsMethods,
            .corsHeadersAllowed: self.corsHeadersAllowed,
            .corsHeadersExposed: self.corsHeadersExposed,
        ]
    }
}
