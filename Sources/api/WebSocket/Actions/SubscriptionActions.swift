import Documents
import Domain
import HTTPServer
import JSON
import Operations

/// Subscriptions over WebSocket: a body in, one operation, an answer out.
struct SubscriptionActions: Sendable {
    let operations: Operations
    let sessions: any SessionSubscriptions

    /// Subscribes an address or, without one, the connection itself.
    func create(_ request: ActionRequest) async throws -> ActionAnswer {
        let queue = request.queue
        do {
            let created =
                try await Self.isOfSession(request.body) ? self.subscribeSession(request) : self.subscribe(request)
            request.notes?.made(created.id)
            let document = SubscriptionActionDocument.created(
                created.id, "Subscription \(queue.name) \(created.isResumed ? "resumed" : "created").",
                place: created.place)
            return ActionAnswer(created.isResumed ? .ok : .created, document)
        } catch Refusal.subscriptionExists {
            return ActionAnswer(.conflict, "Subscription \(queue.name) not created.")
        }
    }

    /// Whether a request subscribes the connection.
    static func isOfSession(_ body: JSONObject) -> Bool {
        guard let subscriber = body["subscriber"] else { return true }
        return body.text(subscriber)?.isEmpty == true
    }

    private func subscribe(_ request: ActionRequest) async throws -> SessionSubscribed {
        let (id, isRenewed) = try await self.operations.createSubscription(
            to: request.queue,
            SubscriptionBody(request.body, now: request.now, schemes: self.operations.options.subscriberSchemes),
            renewing: SubscriptionRenewal.isAsked(by: request.renewal), token: request.caller.identity.token,
            now: request.now)
        return SessionSubscribed(id, isResumed: isRenewed)
    }

    private func subscribeSession(_ request: ActionRequest) async throws -> SessionSubscribed {
        try await self.sessions.subscribe(
            request.session, to: request.queue, SessionSubscriptionBody(request.body, now: request.now),
            format: request.format, now: request.now)
    }

    /// Deliveries named in one request.
    static let deliveriesMax = 100
    /// What a client may ask for, s, before a message comes again.
    static let delayRange = 0...3_600

    func acknowledge(_ request: ActionRequest) async throws -> ActionAnswer {
        try await self.answer(request, .acknowledged)
    }

    func reject(_ request: ActionRequest) async throws -> ActionAnswer {
        let delay = request.integer("delay")
        if let delay, !Self.delayRange.contains(delay) {
            let (first, last) = (Self.delayRange.lowerBound, Self.delayRange.upperBound)
            throw Refusal.requestInvalid("'delay' has to be an integer from \(first) to \(last).")
        }
        return try await self.answer(request, .rejected(seconds: delay))
    }

    private func answer(_ request: ActionRequest, _ answer: DeliveryAnswer) async throws -> ActionAnswer {
        var seen: Set<String> = []
        let texts = try request.texts("delivery_ids").filter { seen.insert($0).inserted }
        guard (1...Self.deliveriesMax).contains(texts.count) else {
            throw Refusal.requestInvalid("'delivery_ids' has to hold 1 to \(Self.deliveriesMax) ids.")
        }
        let unknown = try await self.sessions.answer(
            request.session, texts.map { DeliveryID(text: $0) }, of: request.queue, answer)
        return ActionAnswer(.ok, SubscriptionActionDocument.answered(texts.count - unknown.count, unknown: unknown))
    }

    func list(_ request: ActionRequest) async throws -> ActionAnswer {
        let subscriptions = try await self.operations.listSubscriptions(
            of: request.queue, PageRequest(marker: request.text("marker"), limit: request.integer("limit")))
        return ActionAnswer(.ok, SubscriptionActionDocument.list(subscriptions))
    }

    func show(_ request: ActionRequest) async throws -> ActionAnswer {
        let subscription = try await self.operations.getSubscription(
            request.required("subscription_id"), of: request.queue)
        return ActionAnswer(.ok, SubscriptionDocument.subscription(subscription))
    }

    func delete(_ request: ActionRequest) async throws -> ActionAnswer {
        let id = request.required("subscription_id")
        let subscription = SubscriptionID(id)
        if let subscription, self.sessions.unfollow(request.session, subscription, of: request.queue) {
            return ActionAnswer(.noContent, "Subscription \(id.shortened) removed.")
        }
        try await self.operations.deleteSubscription(
            id, of: request.queue, token: request.caller.identity.token)
        if let subscription { await self.sessions.removed(request.session, subscription, of: request.queue) }
        return ActionAnswer(.noContent, "Subscription \(id.shortened) removed.")
    }
}
