import Domain
import HTTPTypes
import JSON
import NIOCore
import Store

/// How subscriptions are served, over HTTP.
struct ServiceReplies: Sendable {
    let operations: Operations

    func attempts(of id: String, in queue: QueueAddress, _ query: Query) async throws -> Reply {
        var link = PageLink(path: "\(queue.path)/subscriptions/\(id)/attempts")
        let limit = try query.limit(max: self.operations.limits.subscriptionPageMax)
        link.add("limit", try query.integer("limit"))
        let page = try await self.operations.attempts(of: id, in: queue, marker: query.text("marker"), limit: limit)
        return Reply.json(.ok, capacity: 4096) { body in
            body.writeStaticString(#"{"attempts":["#)
            for (index, attempt) in page.enumerated() {
                if index > 0 { body.writeStaticString(",") }
                Self.write(attempt, to: &body)
            }
            body.writeStaticString(#"],"links":"#)
            link.write(after: page.last.map { String($0.logged.number) }, to: &body)
            body.writeStaticString("}")
        }
    }

    func health(of id: String, in queue: QueueAddress) async throws -> Reply {
        let health = try await self.operations.health(of: id, in: queue)
        let isAsking = self.operations.confirmation != nil
        return Reply.json(.ok, capacity: 512) { Self.write(health, isAsking: isAsking, to: &$0) }
    }

    func pause(_ id: String, of queue: QueueAddress) async throws -> Reply {
        try await self.operations.pause(id, of: queue)
        return .empty(.noContent)
    }

    func resume(_ id: String, of queue: QueueAddress) async throws -> Reply {
        try await self.operations.resume(id, of: queue)
        return .empty(.noContent)
    }

    func test(_ id: String, of queue: QueueAddress, _ body: ByteBuffer) async throws -> Reply {
        let delivery = try await self.operations.testSubscription(
            id, of: queue, document: Array(body.readableBytesView))
        return Reply.json(.accepted) { body in
            body.writeStaticString(#"{"delivery_id":"#)
            body.writeJSON(delivery.text)
            body.writeStaticString("}")
        }.with(.location, "\(queue.path)/subscriptions/\(id)/attempts")
    }

    func explain(_ id: String, of queue: QueueAddress, _ query: Query) async throws -> Reply {
        var link = PageLink(path: "\(queue.path)/messages/\(id)/deliveries")
        let limit = try query.limit(max: self.operations.limits.subscriptionPageMax)
        link.add("limit", try query.integer("limit"))
        let (message, page) = try await self.operations.explain(
            id, of: queue, marker: query.text("marker"), limit: limit)
        return Reply.json(.ok, capacity: 4096) { body in
            body.writeStaticString(#"{"message_id":"#)
            body.writeJSON(message.text)
            body.writeStaticString(#","deliveries":["#)
            for (index, fate) in page.enumerated() {
                if index > 0 { body.writeStaticString(",") }
                fate.write(to: &body)
            }
            body.writeStaticString(#"],"links":"#)
            link.write(after: page.last?.fate.subscription.text, to: &body)
            body.writeStaticString("}")
        }
    }

    // MARK: - Bodies

    private static func write(_ attempt: ToldAttempt, to body: inout ByteBuffer) {
        let (logged, report) = (attempt.logged, attempt.logged.report)
        body.writeStaticString(#"{"number":"#)
        body.writeJSON(logged.number)
        body.writeStaticString(#","time":"#)
        body.writeJSON(HTTPDate.iso8601(report.startedAt))
        body.writeStaticString(#","message_id":"#)
        body.writeJSON(attempt.message?.text)
        body.writeStaticString(#","delivery_id":"#)
        body.writeJSON(attempt.delivery.text)
        body.writeStaticString(#","message_type":"#)
        body.writeJSON(report.kind.rawValue)
        body.writeStaticString(#","attempt":"#)
        body.writeJSON(logged.attempt)
        body.writeStaticString(#","succeeded":"#)
        body.writeJSON(report.isSuccess)
        body.writeStaticString(#","status":"#)
        body.writeJSON(report.end.code)
        body.writeStaticString(#","error":"#)
        body.writeJSON(report.end.error)
        body.writeStaticString(#","address":"#)
        body.writeJSON(report.exchange.address?.rawValue)
        body.writeStaticString(#","reconnected":"#)
        body.writeJSON(report.exchange.reconnected)
        body.writeStaticString(#","ms":{"dns":"#)
        body.writeJSON(report.exchange.dns)
        body.writeStaticString(#","connect":"#)
        body.writeJSON(report.exchange.connect)
        body.writeStaticString(#","tls":"#)
        body.writeJSON(report.exchange.tls)
        body.writeStaticString(#","first_byte":"#)
        body.writeJSON(report.exchange.firstByte)
        body.writeStaticString(#","total":"#)
        body.writeJSON(report.exchange.total)
        body.writeStaticString("}}")
    }

    /// - Parameter isAsking: Whether only confirmed subscriptions are notified.
    private static func write(_ health: SubscriptionHealth, isAsking: Bool, to body: inout ByteBuffer) {
        let (state, since) = Self.state(of: health, isAsking: isAsking)
        body.writeStaticString(#"{"state":"#)
        body.writeJSON(state)
        body.writeStaticString(#","since":"#)
        Self.write(since, to: &body)
        body.writeStaticString(#","breaker":{"state":"#)
        body.writeJSON(health.probeAt.map { $0 > health.now ? "open" : "half_open" } ?? "closed")
        body.writeStaticString(#","failures":"#)
        body.writeJSON(health.failures?.count ?? 0)
        body.writeStaticString(#","failing_since":"#)
        Self.write(health.failures?.since, to: &body)
        body.writeStaticString(#","probe_at":"#)
        Self.write(health.probeAt, to: &body)
        body.writeStaticString(#"},"window":"#)
        body.writeJSON(health.window)
        body.writeStaticString(#","in_flight":"#)
        body.writeJSON(health.inFlight)
        body.writeStaticString(#","backlog":"#)
        body.writeJSON(health.backlog)
        body.writeStaticString(#","oldest_due":"#)
        Self.write(health.oldestDue, to: &body)
        body.writeStaticString(#","expired":"#)
        body.writeJSON(health.expired)
        body.writeStaticString(#","attempts":{"succeeded":"#)
        body.writeJSON(health.log.succeeded)
        body.writeStaticString(#","failed":"#)
        body.writeJSON(health.log.failed)
        body.writeStaticString(#"},"recent":{"attempts":"#)
        body.writeJSON(health.log.attempts.count)
        body.writeStaticString(#","success_share":"#)
        body.writeString(health.log.successShare.map { "\($0)" } ?? "null")
        body.writeStaticString(#","p50_ms":"#)
        body.writeString(health.log.latency(ofShare: 0.5).map { "\($0)" } ?? "null")
        body.writeStaticString(#","p99_ms":"#)
        body.writeString(health.log.latency(ofShare: 0.99).map { "\($0)" } ?? "null")
        body.writeStaticString("}}")
    }

    /// What keeps it from being served, the most lasting first, and since when.
    private static func state(of health: SubscriptionHealth, isAsking: Bool) -> (String, Timestamp?) {
        if let since = health.disabledSince { return ("disabled", since) }
        if let since = health.pausedSince { return ("paused", since) }
        if isAsking, !health.isConfirmed { return ("unconfirmed", nil) }
        return health.probeAt == nil ? ("active", nil) : ("open", health.failures?.since)
    }

    private static func write(_ time: Timestamp?, to body: inout ByteBuffer) {
        body.writeJSON(time.map { HTTPDate.iso8601($0) })
    }
}
