import Domain
import HTTPTypes
import NIOCore

/// A request of which everything has arrived.
struct ReceivedRequest: Sendable {
    let head: RequestHead
    /// Empty without one.
    let body: ByteBuffer
    /// When its head arrived, by this machine's clock.
    let now: Timestamp

    /// - Throws: ``Refusal/requestInvalid(_:)``.
    var query: Query {
        get throws(Refusal) { try Query(self.head.query) }
    }
}

extension Endpoint {
    /// Does what is asked for.
    ///
    /// - Throws: ``Refusal``, `StoreError` or ``BodyUnreadable``.
    func perform(_ operations: Operations, _ rules: AccessRules, _ request: ReceivedRequest) async throws -> Reply {
        let queues = QueueReplies(operations: operations)
        let topics = TopicReplies(operations: operations)
        let messages = MessageReplies(operations: operations)
        let claims = ClaimReplies(operations: operations)
        let subscriptions = SubscriptionReplies(operations: operations)
        let pools = PoolReplies(operations: operations)
        let flavors = FlavorReplies(operations: operations)
        let service = ServiceReplies(operations: operations)
        let letters = LetterReplies(operations: operations)
        let body = request.body
        switch self {
        case .showVersions: return Documents.versions
        case .showHome: return Documents.home(rules)
        case .showOpenAPI: return Documents.openAPI
        case .ping(let isAsking):
            if isAsking { try await operations.ping() }
            return .empty(.noContent)
        case .checkHealth(let client):
            let report = try await operations.checkHealth(by: client)
            return Reply.json(.ok, capacity: 1024) { report.write(to: &$0) }

        case .listPools: return try await pools.list(request.head, request.query)
        case .showPool(let pool): return try await pools.show(pool, request.query)
        case .putPool(let pool): return try await pools.put(pool, body)
        case .updatePool(let pool): return try await pools.update(pool, body)
        case .deletePool(let pool): return try await pools.delete(pool, request.query)
        case .listFlavors(let project): return try await flavors.list(of: project, request.head, request.query)
        case .showFlavor(let flavor): return try await flavors.show(flavor)
        case .putFlavor(let flavor): return try await flavors.put(flavor, body)
        case .updateFlavor(let flavor): return try await flavors.update(flavor, body)
        case .deleteFlavor(let flavor): return try await flavors.delete(flavor)

        case .listTopics(let project): return try await topics.list(of: project, request.query)
        case .createTopic(let topic): return try await topics.create(topic, body)
        case .showTopic(let topic): return try await topics.show(topic)
        case .updateTopic(let topic):
            return try await topics.update(topic, body, mediaType: request.head.mediaType)
        case .deleteTopic(let topic): return try await topics.delete(topic)
        case .showTopicStats: return try await topics.stats()
        case .purgeTopic: return try await topics.purge(body)

        case .listQueues(let project): return try await queues.list(of: project, request.query)
        case .createQueue(let queue): return try await queues.create(queue, body)
        case .showQueue(let queue): return try await queues.show(queue)
        case .updateQueue(let queue): return try await queues.update(queue, body, mediaType: request.head.mediaType)
        case .deleteQueue(let queue): return try await queues.delete(queue)
        case .showStats(let queue): return try await queues.stats(queue)
        case .purgeQueue(let queue): return try await queues.purge(queue, body)
        case .shareQueue(let queue):
            return try queues.share(queue, body, key: rules.signedURLKeys.first, now: request.now)

        case .postMessages(let queue, let client): return try await messages.post(body, to: queue, by: client)
        case .listMessages(let queue, let client): return try await messages.list(queue, for: client, request.query)
        case .removeMessages(let queue, let client):
            return try await messages.remove(from: queue, for: client, request.query)
        case .showMessage(let queue, let id): return try await messages.show(id, of: queue)
        case .deleteMessage(let queue, let id): return try await messages.delete(id, of: queue, request.query)
        case .explainMessage(let queue, let id): return try await service.explain(id, of: queue, request.query)

        case .createClaim(let queue): return try await claims.create(body, on: queue, request.query)
        case .showClaim(let queue, let id): return try await claims.show(id, of: queue)
        case .updateClaim(let queue, let id): return try await claims.update(id, of: queue, body)
        case .releaseClaim(let queue, let id): return try await claims.release(id, of: queue)

        case .createSubscription(let queue):
            return try await subscriptions.create(body, for: queue, now: request.now)
        case .listSubscriptions(let queue): return try await subscriptions.list(queue, request.query)
        case .showSubscription(let queue, let id): return try await subscriptions.show(id, of: queue)
        case .updateSubscription(let queue, let id):
            return try await subscriptions.update(id, of: queue, body, now: request.now)
        case .deleteSubscription(let queue, let id): return try await subscriptions.delete(id, of: queue)
        case .confirmSubscription(let queue, let id):
            return try await subscriptions.confirm(id, of: queue, request)
        case .showSubscriptionSecret(let queue, let id):
            return try await subscriptions.showSecrets(id, of: queue, now: request.now)
        case .rotateSubscriptionSecret(let queue, let id):
            return try await subscriptions.rotateSecret(id, of: queue, body, now: request.now)
        case .showSubscriptionSchedule(let queue, let id):
            return try await subscriptions.showSchedule(id, of: queue, request.query)
        case .listAttempts(let queue, let id): return try await service.attempts(of: id, in: queue, request.query)
        case .showSubscriptionHealth(let queue, let id): return try await service.health(of: id, in: queue)
        case .pauseSubscription(let queue, let id): return try await service.pause(id, of: queue)
        case .resumeSubscription(let queue, let id): return try await service.resume(id, of: queue)
        case .testSubscription(let queue, let id): return try await service.test(id, of: queue, body)
        case .recoverSubscription(let queue, let id): return try await letters.recover(id, of: queue, request.query)

        case .listDeadLetters(let queue): return try await letters.list(queue, request.query)
        case .redriveDeadLetters(let queue): return try await letters.redrive(queue, body)
        case .showDeadLetter(let queue, let id): return try await letters.show(id, of: queue)
        case .deleteDeadLetter(let queue, let id): return try await letters.delete(id, of: queue)
        }
    }
}
