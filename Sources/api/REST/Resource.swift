package import HTTPTypes

/// Everything that has a path: the one list of routes.
///
/// The home document, the OpenAPI document and the tests are held against it.
package enum Resource: String, CaseIterable, Sendable {
    case versions = "/"
    case home = "/v2/"
    case openAPI = "/v2/openapi.json"
    case ping = "/v2/ping"
    case health = "/v2/health"
    case pools = "/v2/pools"
    case pool = "/v2/pools/{pool}"
    case flavors = "/v2/flavors"
    case flavor = "/v2/flavors/{flavor}"
    case topics = "/v2/topics"
    case topic = "/v2/topics/{topic}"
    case topicStats = "/v2/topics/{topic}/stats"
    case topicPurge = "/v2/topics/{topic}/purge"
    case queues = "/v2/queues"
    case queue = "/v2/queues/{queue}"
    case stats = "/v2/queues/{queue}/stats"
    case purge = "/v2/queues/{queue}/purge"
    case share = "/v2/queues/{queue}/share"
    case messages = "/v2/queues/{queue}/messages"
    case message = "/v2/queues/{queue}/messages/{message}"
    case messageDeliveries = "/v2/queues/{queue}/messages/{message}/deliveries"
    case claims = "/v2/queues/{queue}/claims"
    case claim = "/v2/queues/{queue}/claims/{claim}"
    case deadLetters = "/v2/queues/{queue}/dead_letters"
    case deadLetter = "/v2/queues/{queue}/dead_letters/{letter}"
    case deadLettersRedrive = "/v2/queues/{queue}/dead_letters/redrive"
    case subscriptions = "/v2/queues/{queue}/subscriptions"
    case subscription = "/v2/queues/{queue}/subscriptions/{subscription}"
    case subscriptionConfirm = "/v2/queues/{queue}/subscriptions/{subscription}/confirm"
    case subscriptionSecret = "/v2/queues/{queue}/subscriptions/{subscription}/secret"
    case subscriptionSecretRotation = "/v2/queues/{queue}/subscriptions/{subscription}/secret/rotate"
    case subscriptionSchedule = "/v2/queues/{queue}/subscriptions/{subscription}/schedule"
    case subscriptionAttempts = "/v2/queues/{queue}/subscriptions/{subscription}/attempts"
    case subscriptionHealth = "/v2/queues/{queue}/subscriptions/{subscription}/health"
    case subscriptionPause = "/v2/queues/{queue}/subscriptions/{subscription}/pause"
    case subscriptionResume = "/v2/queues/{queue}/subscriptions/{subscription}/resume"
    case subscriptionRecover = "/v2/queues/{queue}/subscriptions/{subscription}/recover"
    case subscriptionTest = "/v2/queues/{queue}/subscriptions/{subscription}/test"

    /// The path with names for its variable parts: also the dimension of metrics, never an id.
    package var template: String { self.rawValue }

    /// The methods of the path, `OPTIONS` aside.
    package var methods: [HTTPRequest.Method] {
        switch self {
        case .versions, .home, .openAPI, .health, .pools, .flavors, .topics, .topicStats, .queues, .stats, .deadLetters,
            .messageDeliveries,
            .subscriptionSecret, .subscriptionSchedule, .subscriptionAttempts, .subscriptionHealth:
            [.get]
        case .ping: [.get, .head]
        case .queue, .topic, .pool, .flavor: [.get, .put, .patch, .delete]
        case .purge, .topicPurge, .share, .claims, .subscriptionSecretRotation, .subscriptionPause, .subscriptionResume,
            .subscriptionRecover, .subscriptionTest, .deadLettersRedrive:
            [.post]
        case .messages: [.get, .post, .delete]
        case .message, .deadLetter: [.get, .delete]
        case .claim, .subscription: [.get, .patch, .delete]
        case .subscriptions: [.get, .post]
        case .subscriptionConfirm: [.put]
        }
    }

    /// Answered without asking who the caller is.
    package var isOpen: Bool { self == .versions || self == .openAPI }

    /// There only where the routes of administrators are served.
    package var isForAdministrators: Bool { self == .health || self.isOfPools }

    /// Whether the caller needs the role of an administrator (contract: "Policy"); anyone may look at flavors.
    func takesAdministrator(for method: HTTPRequest.Method) -> Bool {
        self.isForAdministrators && !((self == .flavors || self == .flavor) && method == .get)
    }

    /// There only where pools are offered.
    package var isOfPools: Bool {
        switch self {
        case .pools, .pool, .flavors, .flavor: true
        case .versions, .home, .openAPI, .ping, .health, .topics, .topic, .topicStats, .topicPurge, .queues,
            .queue, .stats, .purge, .share, .messages, .message, .messageDeliveries,
            .claims, .claim, .subscriptions, .subscription, .subscriptionConfirm, .subscriptionSecret,
            .subscriptionSecretRotation,
            .subscriptionSchedule, .subscriptionAttempts, .subscriptionHealth, .subscriptionPause, .subscriptionResume,
            .subscriptionRecover, .subscriptionTest, .deadLetters, .deadLetter, .deadLettersRedrive:
            false
        }
    }
}
