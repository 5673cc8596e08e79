import Domain
import HTTPTypes
import JSON
import NIOCore
import Signing
import Store

/// Subscriptions over HTTP: query and body in, one operation, an answer out.
struct SubscriptionReplies: Sendable {
    let operations: Operations

    func create(_ body: ByteBuffer, for queue: QueueAddress, now: Timestamp) async throws -> Reply {
        let location = queue.path + "/subscriptions"
        do {
            let id = try await self.operations.createSubscription(
                to: queue, document: Array(body.readableBytesView), now: now)
            return Reply.json(.created) { body in
                body.writeStaticString(#"{"subscription_id":"#)
                body.writeJSON(id.text)
                body.writeStaticString("}")
            }.with(.location, location).with(.link, Self.secretLink(of: id, queue))
        } catch Refusal.subscriptionExists {
            return Problem(.subscriptionExists).reply.with(.location, location)
        }
    }

    func list(_ queue: QueueAddress, _ query: Query) async throws -> Reply {
        var link = PageLink(path: queue.path + "/subscriptions")
        let limit = try query.limit(max: self.operations.limits.subscriptionPageMax)
        link.add("limit", try query.integer("limit"))
        let page = try await self.operations.listSubscriptions(of: queue, marker: query.text("marker"), limit: limit)
        return Reply.json(.ok, capacity: 1024) { body in
            body.writeStaticString(#"{"subscriptions":["#)
            for (index, subscription) in page.enumerated() {
                if index > 0 { body.writeStaticString(",") }
                Self.write(subscription, to: &body)
            }
            body.writeStaticString(#"],"links":"#)
            link.write(after: page.last?.id.text, to: &body)
            body.writeStaticString("}")
        }
    }

    func show(_ id: String, of queue: QueueAddress) async throws -> Reply {
        let subscription = try await self.operations.getSubscription(id, of: queue)
        return Reply.json(.ok) { Self.write(subscription, to: &$0) }
    }

    func update(_ id: String, of queue: QueueAddress, _ body: ByteBuffer, now: Timestamp) async throws -> Reply {
        try await self.operations.updateSubscription(
            id, of: queue, document: Array(body.readableBytesView), now: now)
        return Reply.empty(.noContent).with(.location, Self.path(of: id, queue))
    }

    func confirm(_ id: String, of queue: QueueAddress, _ request: ReceivedRequest) async throws -> Reply {
        // The one path is what a subscriber was sent; an owner's share of all subscriptions names none.
        let isLink = request.head.signature != nil && request.head.signedPaths == request.head.path
        try await self.operations.confirmSubscription(
            id, of: queue, document: Array(request.body.readableBytesView),
            linkExpiry: isLink ? request.head.signedExpiry.flatMap(SignedURLExpiry.init)?.seconds : nil,
            now: request.now)
        return Reply.empty(.noContent).with(.location, Self.path(of: id, queue) + "/confirm")
    }

    /// Where the subscriber's owner finds what webhooks are signed with (RFC 8288).
    private static func secretLink(of id: SubscriptionID, _ queue: QueueAddress) -> String {
        "<\(Self.path(of: id.text, queue))/secret>; rel=\"urn:herald:subscription:secret\""
    }

    /// The path of the request itself: only an id that is one gets so far.
    private static func path(of id: String, _ queue: QueueAddress) -> String {
        "\(queue.path)/subscriptions/\(id)"
    }

    func delete(_ id: String, of queue: QueueAddress) async throws -> Reply {
        try await self.operations.deleteSubscription(id, of: queue)
        return .empty(.noContent)
    }

    func showSecrets(_ id: String, of queue: QueueAddress, now: Timestamp) async throws -> Reply {
        try await Self.show(self.operations.subscriptionSecrets(id, of: queue), at: now)
    }

    func rotateSecret(_ id: String, of queue: QueueAddress, _ body: ByteBuffer, now: Timestamp) async throws -> Reply {
        let document = Array(body.readableBytesView)
        return try await Self.show(self.operations.rotateSecret(id, of: queue, document: document), at: now)
    }

    /// `{"secret": "whsec_…", "previous": {"secret": "whsec_…", "until": "2026-11-21T04:14:30.123Z"}}`, or `null` where no
    /// secret counts but the current one.
    private static func show(_ secrets: WebhookSecrets, at now: Timestamp) -> Reply {
        Reply.json(.ok) { body in
            body.writeStaticString(#"{"secret":"#)
            body.writeJSON(secrets.current.text)
            body.writeStaticString(#","previous":"#)
            if let previous = secrets.previous, now < previous.until {
                body.writeStaticString(#"{"secret":"#)
                body.writeJSON(previous.secret.text)
                body.writeStaticString(#","until":"#)
                body.writeJSON(HTTPDate.iso8601(previous.until))
                body.writeStaticString("}")
            } else {
                body.writeStaticString("null")
            }
            body.writeStaticString("}")
        }.with(.cacheControl, "no-store")
    }

    func showSchedule(_ id: String, of queue: QueueAddress, _ query: Query) async throws -> Reply {
        let ttl = try query.integer("ttl", in: Limits.ttlMin...self.operations.limits.messageTTLMax)
        let schedule = try await self.operations.subscriptionSchedule(id, of: queue, ttl: ttl)
        return Reply.json(.ok, capacity: 2048) { schedule.write(to: &$0) }
    }

    private static func write(_ subscription: Subscription, to body: inout ByteBuffer) {
        body.writeStaticString(#"{"id":"#)
        body.writeJSON(subscription.id.text)
        body.writeStaticString(#","source":"#)
        body.writeJSON(subscription.queue.text)
        body.writeStaticString(#","subscriber":"#)
        body.writeJSON(subscription.subscriber)
        body.writeStaticString(#","ttl":"#)
        body.writeJSON(subscription.ttl)
        body.writeStaticString(#","age":"#)
        body.writeJSON(subscription.age)
        body.writeStaticString(#","options":"#)
        body.writeBytes(subscription.options)
        body.writeStaticString(#","confirmed":"#)
        body.writeJSON(subscription.confirmed)
        body.writeStaticString("}")
    }
}
