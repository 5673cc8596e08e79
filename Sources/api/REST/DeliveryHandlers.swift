import Documents
import Domain
import HTTPTypes

/// Deliveries over HTTP: how a subscription is served, and the status of a message.
struct DeliveryHandlers: Sendable {
    let operations: Operations

    func attempts(_ request: ReceivedRequest) async throws -> Reply {
        let query = try request.query
        var link = PageLink(path: "\(request.queue.path)/subscriptions/\(request.id)/attempts")
        let limit = try query.limit(max: self.operations.limits.subscriptionPageMax)
        link.add("limit", try query.integer("limit"))
        let page = try await self.operations.attempts(
            of: request.id, in: request.queue, marker: query.text("marker"), limit: limit)
        return .json(
            .ok, DeliveryDocument.attempts(page, next: link.next(after: page.last.map { String($0.logged.number) })))
    }

    func health(_ request: ReceivedRequest) async throws -> Reply {
        let health = try await self.operations.health(of: request.id, in: request.queue)
        return .json(
            .ok, DeliveryDocument.health(health, confirmedOnly: self.operations.confirmation != nil))
    }

    func schedule(_ request: ReceivedRequest) async throws -> Reply {
        let ttl = try request.query.integer("ttl", in: Limits.ttlMin...self.operations.limits.messageTTLMax)
        let schedule = try await self.operations.subscriptionSchedule(request.id, of: request.queue, ttl: ttl)
        return .json(.ok, DeliveryDocument.schedule(schedule))
    }

    func pause(_ request: ReceivedRequest) async throws -> Reply {
        try await self.operations.pause(request.id, of: request.queue)
        return .empty(.noContent)
    }

    func resume(_ request: ReceivedRequest) async throws -> Reply {
        try await self.operations.resume(request.id, of: request.queue)
        return .empty(.noContent)
    }

    func test(_ request: ReceivedRequest) async throws -> Reply {
        let delivery = try await self.operations.testSubscription(
            request.id, of: request.queue, document: request.document)
        return Reply.json(.accepted, DeliveryDocument.test(delivery))
            .with(.location, "\(request.queue.path)/subscriptions/\(request.id)/attempts")
    }

    /// The delivery status of a message for each subscription of its queue.
    func statuses(_ request: ReceivedRequest) async throws -> Reply {
        let query = try request.query
        var link = PageLink(path: "\(request.queue.path)/messages/\(request.id)/deliveries")
        let limit = try query.limit(max: self.operations.limits.subscriptionPageMax)
        link.add("limit", try query.integer("limit"))
        let (message, page) = try await self.operations.explain(
            request.id, of: request.queue, marker: query.text("marker"), limit: limit)
        let next = link.next(after: page.last?.status.subscription.text)
        return .json(.ok, DeliveryDocument.statuses(page, of: message, next: next))
    }
}
