import Documents
import Domain
import HTTPServer
import Operations

/// Deliveries over HTTP: how a subscription is served, and the status of a message.
struct DeliveryHandlers: Sendable {
    let operations: Operations

    func attempts(_ request: ReceivedRequest) async throws -> Reply {
        let page = try request.query.page
        var link = PageLink(path: "\(request.queue.path)/subscriptions/\(request.id)/attempts")
        link.add("limit", page.limit)
        let attempts = try await self.operations.attempts(of: request.id, in: request.queue, page)
        let next = link.next(after: attempts.last.map { String($0.logged.number) })
        return .json(.ok, DeliveryDocument.attempts(attempts, next: next))
    }

    func health(_ request: ReceivedRequest) async throws -> Reply {
        let (health, mustConfirm) = try await self.operations.health(of: request.id, in: request.queue)
        return .json(.ok, DeliveryDocument.health(health, mustConfirm: mustConfirm))
    }

    func schedule(_ request: ReceivedRequest) async throws -> Reply {
        let ttl = try request.query.integer("ttl")
        let tried = try request.query.text("policy").map { text throws(Refusal) in try RetryPolicyShape.read(text: text)
        }
        let schedule = try await self.operations.subscriptionSchedule(
            request.id, of: request.queue, trying: tried, ttl: ttl)
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
            request.id, of: request.queue, TestBody(document: request.document))
        return Reply.json(.accepted, DeliveryDocument.test(delivery))
            .with(.location, "\(request.queue.path)/subscriptions/\(request.id)/attempts")
    }

    func testFilter(_ request: ReceivedRequest) async throws -> Reply {
        let verdict = try await self.operations.testFilter(
            of: request.id, in: request.queue, FilterTestBody(document: request.document))
        return .json(.ok, DeliveryDocument.filter(verdict))
    }

    /// The delivery status of a message for each subscription of its queue.
    func statuses(_ request: ReceivedRequest) async throws -> Reply {
        let page = try request.query.page
        var link = PageLink(path: "\(request.queue.path)/messages/\(request.id)/deliveries")
        link.add("limit", page.limit)
        let (message, statuses) = try await self.operations.deliveryStatuses(
            of: request.id, in: request.queue, page)
        let next = link.next(after: statuses.last?.status.subscription.text)
        return .json(.ok, DeliveryDocument.statuses(statuses, of: message, next: next))
    }
}
