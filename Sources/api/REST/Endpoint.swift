import Domain
import HTTPTypes
import Store

/// One thing a caller can ask for, with everything in it checked that the head of the request says.
enum Endpoint: Sendable {
    case showVersions
    case showHome
    case showOpenAPI
    /// `isAsking`: the store is asked, too.
    case ping(isAsking: Bool)
    case checkHealth(ClientID)
    case listPools
    case showPool(PoolName)
    case putPool(PoolName)
    case updatePool(PoolName)
    case deletePool(PoolName)
    case listFlavors(ProjectID)
    case showFlavor(FlavorAddress)
    case putFlavor(FlavorAddress)
    case updateFlavor(FlavorAddress)
    case deleteFlavor(FlavorAddress)
    case listTopics(ProjectID)
    case createTopic(TopicAddress)
    case showTopic(TopicAddress)
    case updateTopic(TopicAddress)
    case deleteTopic(TopicAddress)
    case showTopicStats(TopicAddress)
    case purgeTopic(TopicAddress)
    case listQueues(ProjectID)
    case createQueue(QueueAddress)
    case showQueue(QueueAddress)
    case updateQueue(QueueAddress)
    case deleteQueue(QueueAddress)
    case showStats(QueueAddress)
    case purgeQueue(QueueAddress)
    case shareQueue(QueueAddress)
    case postMessages(QueueAddress, ClientID)
    case listMessages(QueueAddress, ClientID)
    /// By ids, or popped.
    case removeMessages(QueueAddress, ClientID)
    case showMessage(QueueAddress, id: String)
    case deleteMessage(QueueAddress, id: String)
    case explainMessage(QueueAddress, id: String)
    case createClaim(QueueAddress)
    case showClaim(QueueAddress, id: String)
    case updateClaim(QueueAddress, id: String)
    case releaseClaim(QueueAddress, id: String)
    case createSubscription(QueueAddress)
    case listSubscriptions(QueueAddress)
    case showSubscription(QueueAddress, id: String)
    case updateSubscription(QueueAddress, id: String)
    case deleteSubscription(QueueAddress, id: String)
    case confirmSubscription(QueueAddress, id: String)
    case showSubscriptionSecret(QueueAddress, id: String)
    case rotateSubscriptionSecret(QueueAddress, id: String)
    case showSubscriptionSchedule(QueueAddress, id: String)
    case listAttempts(QueueAddress, id: String)
    case showSubscriptionHealth(QueueAddress, id: String)
    case pauseSubscription(QueueAddress, id: String)
    case resumeSubscription(QueueAddress, id: String)
    case recoverSubscription(QueueAddress, id: String)
    case testSubscription(QueueAddress, id: String)
    case listDeadLetters(QueueAddress)
    case redriveDeadLetters(QueueAddress)
    case showDeadLetter(QueueAddress, id: String)
    case deleteDeadLetter(QueueAddress, id: String)

    /// Checks the queue's name, then the method, then whether the caller may.
    ///
    /// - Returns: nil when the path does not have the method.
    /// - Throws: ``Refusal/queueNameInvalid``, ``Refusal/topicNameInvalid``, ``Refusal/requestInvalid(_:)`` for the name of a pool or a flavor, or
    ///   ``Refusal/notAuthorized``.
    init?(_ route: Route, method: HTTPRequest.Method, caller: Caller) throws(Refusal) {
        let found: Endpoint?
        switch route.resource {
        case .versions, .home, .openAPI, .ping, .health, .pools, .flavors, .topics, .queues:
            found = Endpoint(route.resource, method, caller)
        case .pool: found = Endpoint(method, try PoolName(route.id))
        case .flavor:
            found = Endpoint(method, FlavorAddress(project: caller.project, name: try FlavorName(route.id)))
        case .topic, .topicStats, .topicPurge:
            let topic = TopicAddress(project: caller.project, name: try TopicName(route.id))
            found = Endpoint(route.resource, method, topic)
        case .queue, .stats, .purge, .share, .messages, .claims, .subscriptions, .deadLetters, .deadLettersRedrive:
            let queue = QueueAddress(project: caller.project, name: try QueueName(route.queue))
            found = Endpoint(route.resource, method, caller, queue)
        case .message, .messageDeliveries, .claim, .subscription, .subscriptionConfirm, .subscriptionSecret,
            .subscriptionSecretRotation,
            .subscriptionAttempts, .subscriptionSchedule, .subscriptionHealth, .subscriptionPause, .subscriptionResume,
            .subscriptionRecover, .subscriptionTest, .deadLetter:
            let queue = QueueAddress(project: caller.project, name: try QueueName(route.queue))
            found = Endpoint(route.resource, method, queue, route.id)
        }
        guard let found else { return nil }
        if route.resource.takesAdministrator(for: method), !caller.isAdministrator { throw .notAuthorized }
        self = found
    }

    /// What stands outside of any queue.
    private init?(_ resource: Resource, _ method: HTTPRequest.Method, _ caller: Caller) {
        switch (resource, method) {
        case (.versions, .get): self = .showVersions
        case (.home, .get): self = .showHome
        case (.openAPI, .get): self = .showOpenAPI
        case (.ping, .get): self = .ping(isAsking: true)
        case (.ping, .head): self = .ping(isAsking: false)
        case (.health, .get): self = .checkHealth(caller.client)
        case (.pools, .get): self = .listPools
        case (.flavors, .get): self = .listFlavors(caller.project)
        case (.topics, .get): self = .listTopics(caller.project)
        case (.queues, .get): self = .listQueues(caller.project)
        default: return nil
        }
    }

    private init?(_ method: HTTPRequest.Method, _ pool: PoolName) {
        switch method {
        case .get: self = .showPool(pool)
        case .put: self = .putPool(pool)
        case .patch: self = .updatePool(pool)
        case .delete: self = .deletePool(pool)
        default: return nil
        }
    }

    private init?(_ method: HTTPRequest.Method, _ flavor: FlavorAddress) {
        switch method {
        case .get: self = .showFlavor(flavor)
        case .put: self = .putFlavor(flavor)
        case .patch: self = .updateFlavor(flavor)
        case .delete: self = .deleteFlavor(flavor)
        default: return nil
        }
    }

    private init?(_ resource: Resource, _ method: HTTPRequest.Method, _ topic: TopicAddress) {
        switch (resource, method) {
        case (.topic, .put): self = .createTopic(topic)
        case (.topic, .get): self = .showTopic(topic)
        case (.topic, .patch): self = .updateTopic(topic)
        case (.topic, .delete): self = .deleteTopic(topic)
        case (.topicStats, .get): self = .showTopicStats(topic)
        case (.topicPurge, .post): self = .purgeTopic(topic)
        default: return nil
        }
    }

    /// A queue and its collections.
    private init?(_ resource: Resource, _ method: HTTPRequest.Method, _ caller: Caller, _ queue: QueueAddress) {
        switch (resource, method) {
        case (.queue, .put): self = .createQueue(queue)
        case (.queue, .get): self = .showQueue(queue)
        case (.queue, .patch): self = .updateQueue(queue)
        case (.queue, .delete): self = .deleteQueue(queue)
        case (.stats, .get): self = .showStats(queue)
        case (.purge, .post): self = .purgeQueue(queue)
        case (.share, .post): self = .shareQueue(queue)
        case (.messages, .post): self = .postMessages(queue, caller.client)
        case (.messages, .get): self = .listMessages(queue, caller.client)
        case (.messages, .delete): self = .removeMessages(queue, caller.client)
        case (.claims, .post): self = .createClaim(queue)
        case (.subscriptions, .post): self = .createSubscription(queue)
        case (.subscriptions, .get): self = .listSubscriptions(queue)
        case (.deadLetters, .get): self = .listDeadLetters(queue)
        case (.deadLettersRedrive, .post): self = .redriveDeadLetters(queue)
        default: return nil
        }
    }

    /// What has an id within a queue.
    private init?(_ resource: Resource, _ method: HTTPRequest.Method, _ queue: QueueAddress, _ id: String) {
        switch (resource, method) {
        case (.message, .get): self = .showMessage(queue, id: id)
        case (.message, .delete): self = .deleteMessage(queue, id: id)
        case (.messageDeliveries, .get): self = .explainMessage(queue, id: id)
        case (.claim, .get): self = .showClaim(queue, id: id)
        case (.claim, .patch): self = .updateClaim(queue, id: id)
        case (.claim, .delete): self = .releaseClaim(queue, id: id)
        case (.subscription, .get): self = .showSubscription(queue, id: id)
        case (.subscription, .patch): self = .updateSubscription(queue, id: id)
        case (.subscription, .delete): self = .deleteSubscription(queue, id: id)
        case (.subscriptionConfirm, .put): self = .confirmSubscription(queue, id: id)
        case (.subscriptionSecret, .get): self = .showSubscriptionSecret(queue, id: id)
        case (.subscriptionSecretRotation, .post): self = .rotateSubscriptionSecret(queue, id: id)
        case (.subscriptionSchedule, .get): self = .showSubscriptionSchedule(queue, id: id)
        case (.subscriptionAttempts, .get): self = .listAttempts(queue, id: id)
        case (.subscriptionHealth, .get): self = .showSubscriptionHealth(queue, id: id)
        case (.subscriptionPause, .post): self = .pauseSubscription(queue, id: id)
        case (.subscriptionResume, .post): self = .resumeSubscription(queue, id: id)
        case (.deadLetter, .get): self = .showDeadLetter(queue, id: id)
        case (.deadLetter, .delete): self = .deleteDeadLetter(queue, id: id)
        case (.subscriptionRecover, .post): self = .recoverSubscription(queue, id: id)
        case (.subscriptionTest, .post): self = .testSubscription(queue, id: id)
        default: return nil
        }
    }

    /// An endpoint that asks nobody who the caller is; nil when the path does not have the method.
    init?(open resource: Resource, method: HTTPRequest.Method) {
        switch (resource, method) {
        case (.versions, .get): self = .showVersions
        case (.openAPI, .get): self = .showOpenAPI
        default: return nil
        }
    }

    /// Bytes in the body of everything that is neither a post nor metadata; options of a subscription are the largest.
    static let smallBodyBytesMax = 262_144

    /// Bytes the body may have; nil where no body is read.
    func bodyBytesMax(_ limits: Limits) -> Int? {
        switch self {
        case .createQueue, .updateQueue, .createTopic, .updateTopic: limits.queueMetadataBytesMax
        case .postMessages: limits.postBytesMax
        case .createSubscription, .updateSubscription, .confirmSubscription, .rotateSubscriptionSecret,
            .testSubscription, .redriveDeadLetters, .purgeQueue,
            .purgeTopic, .shareQueue,
            .createClaim, .updateClaim, .putPool, .updatePool, .putFlavor, .updateFlavor:
            Self.smallBodyBytesMax
        case .showVersions, .showHome, .showOpenAPI, .ping, .checkHealth, .listPools, .showPool, .deletePool,
            .listFlavors, .showFlavor, .deleteFlavor, .listTopics, .showTopic, .deleteTopic, .showTopicStats,
            .listQueues, .showQueue, .deleteQueue,
            .showStats, .listMessages, .removeMessages, .showMessage, .deleteMessage, .explainMessage, .showClaim,
            .releaseClaim,
            .listSubscriptions, .showSubscription, .deleteSubscription, .showSubscriptionSecret, .listAttempts,
            .showSubscriptionSchedule, .showSubscriptionHealth, .pauseSubscription, .resumeSubscription,
            .recoverSubscription, .listDeadLetters, .showDeadLetter, .deleteDeadLetter:
            nil
        }
    }
}
