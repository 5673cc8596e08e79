import Documents
import Domain
import HTTPServer
import Operations
import Signing

/// Subscriptions over HTTP: query and body in, one operation, an answer out.
struct SubscriptionHandlers: Sendable {
    let operations: Operations

    func create(_ request: ReceivedRequest) async throws -> Reply {
        let location = request.queue.path + "/subscriptions"
        do {
            let (id, isRenewed) = try await self.operations.createSubscription(
                to: request.queue,
                SubscriptionBody(
                    document: request.document, now: request.now,
                    schemes: self.operations.options.subscriberSchemes),
                renewing: SubscriptionRenewal.isAsked(by: request.head.renewal), token: request.identity.token,
                now: request.now)
            request.notes?.made(id)
            return Reply.json(isRenewed ? .ok : .created, SubscriptionDocument.created(id))
                .with(.location, location).with(.link, Self.secretLink(of: id, request.queue))
        } catch Refusal.subscriptionExists(let id) {
            return Problem(.subscriptionExists(id: id)).reply.with(.location, location)
        }
    }

    func list(_ request: ReceivedRequest) async throws -> Reply {
        let page = try request.query.page
        var link = PageLink(path: request.queue.path + "/subscriptions")
        link.add("limit", page.limit)
        let subscriptions = try await self.operations.listSubscriptions(of: request.queue, page)
        return .json(
            .ok, SubscriptionDocument.page(subscriptions, next: link.next(after: subscriptions.last?.id.text)))
    }

    func show(_ request: ReceivedRequest) async throws -> Reply {
        let subscription = try await self.operations.getSubscription(request.id, of: request.queue)
        return .json(.ok, SubscriptionDocument.subscription(subscription))
    }

    func update(_ request: ReceivedRequest) async throws -> Reply {
        try await self.operations.updateSubscription(
            request.id, of: request.queue,
            SubscriptionPatch(
                document: request.document, now: request.now, schemes: self.operations.options.subscriberSchemes),
            token: request.identity.token, now: request.now)
        return Reply.empty(.noContent).with(.location, Self.path(of: request.id, request.queue))
    }

    func delete(_ request: ReceivedRequest) async throws -> Reply {
        try await self.operations.deleteSubscription(
            request.id, of: request.queue, token: request.identity.token)
        return .empty(.noContent)
    }

    func confirm(_ request: ReceivedRequest) async throws -> Reply {
        var linkExpiry: Int64?
        // The one path is what a subscriber was sent; an owner's share of all subscriptions names none.
        if case .signedURL(let url) = request.identity.origin, url.paths == [request.head.path] {
            linkExpiry = url.expiry.seconds
        }
        try await self.operations.confirmSubscription(
            request.id, of: request.queue, ConfirmationBody(document: request.document), linkExpiry: linkExpiry,
            now: request.now)
        return Reply.empty(.noContent).with(.location, Self.path(of: request.id, request.queue) + "/confirm")
    }

    func showSecrets(_ request: ReceivedRequest) async throws -> Reply {
        Self.reply(
            with: try await self.operations.subscriptionSecrets(request.id, of: request.queue), at: request.now)
    }

    func rotateSecret(_ request: ReceivedRequest) async throws -> Reply {
        Self.reply(
            with: try await self.operations.rotateSecret(
                request.id, of: request.queue, SecretRotationBody(document: request.document)), at: request.now)
    }

    private static func reply(with secrets: WebhookSecrets, at now: Timestamp) -> Reply {
        let previous = secrets.previous.flatMap { now < $0.until ? ($0.secret.text, $0.until) : nil }
        return Reply.json(.ok, SubscriptionDocument.secrets(current: secrets.current.text, previous: previous))
            .with(.cacheControl, "no-store")
    }

    /// Where the subscriber's owner finds what webhooks are signed with (RFC 8288).
    private static func secretLink(of id: SubscriptionID, _ queue: QueueAddress) -> String {
        "<\(Self.path(of: id.text, queue))/secret>; rel=\"urn:herald:subscription:secret\""
    }

    /// The path of the request itself: only an id that is one gets so far.
    private static func path(of id: String, _ queue: QueueAddress) -> String {
        "\(queue.path)/subscriptions/\(id)"
    }
}
