package import Domain
import JSON
package import NIOCore

/// What callers read about deliveries: their attempts, their status, their schedule, and the health of a subscription.
package enum DeliveryDocument {
    /// `{"delivery_id": "…"}`: a test that will be delivered.
    package static func test(_ delivery: DeliveryID) -> ByteBuffer {
        JSONWriter.object { $0.member("delivery_id", delivery.text) }
    }

    // MARK: - Attempts

    /// - Parameter next: The path and query of the next page; nil behind an empty page.
    package static func attempts(_ attempts: [AttemptView], next: String?) -> ByteBuffer {
        JSONWriter.object(capacity: 4096) { object in
            object.array("attempts") { list in
                for attempt in attempts {
                    list.object { Self.write(attempt, to: &$0) }
                }
            }
            object.links(next: next)
        }
    }

    private static func write(_ attempt: AttemptView, to object: inout JSONObjectWriter) {
        let (logged, report) = (attempt.logged, attempt.logged.report)
        object.member("number", logged.number)
        object.member("time", report.startedAt)
        object.member("message_id", attempt.message?.text)
        object.member("delivery_id", attempt.delivery.text)
        object.member("message_type", report.kind.rawValue)
        object.member("attempt", logged.attempt)
        object.member("succeeded", report.isSuccess)
        object.member("status", report.end.code)
        object.member("error", report.end.error)
        object.member("address", report.exchange.address?.rawValue)
        object.member("reconnected", report.exchange.reconnected)
        object.object("ms") { phases in
            phases.member("dns", report.exchange.dns)
            phases.member("connect", report.exchange.connect)
            phases.member("tls", report.exchange.tls)
            phases.member("first_byte", report.exchange.firstByte)
            phases.member("total", report.exchange.total)
        }
    }

    // MARK: - Status

    /// The delivery status of one message for each subscription (docs/api.md, "Explanations").
    ///
    /// - Parameter next: The path and query of the next page; nil behind an empty page.
    package static func statuses(
        _ statuses: [DeliveryStatusView], of message: MessageID, next: String?
    ) -> ByteBuffer {
        JSONWriter.object(capacity: 4096) { object in
            object.member("message_id", message.text)
            object.array("deliveries") { list in
                for status in statuses {
                    list.object { Self.write(status, to: &$0) }
                }
            }
            object.links(next: next)
        }
    }

    private static func write(_ view: DeliveryStatusView, to object: inout JSONObjectWriter) {
        object.member("subscription_id", view.status.subscription.text)
        object.member("delivery_id", view.delivery.text)
        object.member("eligible", view.state != .notEligible)
        object.member("state", view.state.rawValue)
        object.member("rule", view.rule)
        object.member("attempts", view.attempts)
        object.member("next_due", view.nextDue)
        if let filter = view.filter {
            object.object("filter") { Self.write(filter, to: &$0) }
        } else {
            object.null("filter")
        }
        guard let last = view.status.last else { return object.null("last_attempt") }
        object.object("last_attempt") { attempt in
            attempt.member("time", last.report.startedAt)
            attempt.member("attempt", last.attempt)
            attempt.member("succeeded", last.report.isSuccess)
            attempt.member("status", last.report.end.code)
            attempt.member("error", last.report.end.error)
        }
    }

    // MARK: - Filters

    /// `{"matches": false, "pointer": "/event", "reason": "…"}`; the last two of a message that is refused.
    package static func filter(_ verdict: FilterVerdict) -> ByteBuffer {
        JSONWriter.object { Self.write(verdict, to: &$0) }
    }

    private static func write(_ verdict: FilterVerdict, to object: inout JSONObjectWriter) {
        object.member("matches", verdict.cause == nil)
        guard let cause = verdict.cause else { return }
        object.member("pointer", cause.pointer)
        object.member("reason", cause.reason)
    }

    // MARK: - Schedule

    package static func schedule(_ schedule: DeliverySchedule) -> ByteBuffer {
        let (decider, reason) = Self.decider(of: schedule)
        return JSONWriter.object(capacity: 2048) { object in
            object.object("policy") { Self.write(schedule.policy, to: &$0) }
            object.member("decided_by", decider)
            object.member("reason", reason)
            object.member("ttl", schedule.ttl)
            object.array("attempts") { list in
                for attempt in schedule.schedule.attempts {
                    list.object { item in
                        item.member("attempt", attempt.number)
                        item.member("phase", attempt.phase.rawValue)
                        item.member("wait", attempt.wait)
                        item.member("offset", attempt.offset)
                    }
                }
            }
            object.member("count", schedule.schedule.count)
            object.member("end", schedule.schedule.end.rawValue)
        }
    }

    private static func decider(of schedule: DeliverySchedule) -> (name: String, reason: String) {
        switch schedule.source {
        case .request: ("request", "The policy is the one that the request asks about; nothing is stored.")
        case .subscription:
            ("subscription", "The subscription has a policy, which counts before any of its queue.")
        case .queue(overriding: false): ("queue", "The subscription has no policy, its queue has one.")
        case .queue(overriding: true):
            (
                "queue",
                "The policy of the queue says ignore_subscription_override, so that of the subscription does not count."
            )
        case .builtIn: ("default", "Neither the subscription nor its queue has a policy.")
        }
    }

    /// By the names callers set it with.
    private static func write(_ policy: RetryPolicy, to object: inout JSONObjectWriter) {
        if let waits = policy.waits {
            object.array("schedule") { list in for wait in waits { list.element(wait) } }
            object.member("repeats_last", policy.repeatsLastWait)
            return object.member("ignore_subscription_override", policy.ignoresSubscriptions)
        }
        object.member("retries_with_no_delay", policy.retriesWithoutDelay)
        object.member("minimum_delay_retries", policy.minimumDelayRetries)
        object.member("minimum_delay", policy.delayMin)
        object.member("maximum_delay", policy.delayMax)
        object.member("maximum_delay_retries", policy.maximumDelayRetries)
        object.member("retry_backoff_function", policy.backoff.rawValue)
        object.member("ignore_subscription_override", policy.ignoresSubscriptions)
    }

    // MARK: - Health

    /// - Parameter mustConfirm: Whether its subscriber is notified only once it has confirmed.
    package static func health(_ health: SubscriptionHealth, mustConfirm: Bool) -> ByteBuffer {
        let (state, since) = health.state(mustConfirm: mustConfirm)
        return JSONWriter.object(capacity: 512) { object in
            object.member("state", state.rawValue)
            object.member("since", since)
            object.object("breaker") { breaker in
                breaker.member("state", health.probeAt.map { $0 > health.now ? "open" : "half_open" } ?? "closed")
                breaker.member("failures", health.failures?.count ?? 0)
                breaker.member("failing_since", health.failures?.since)
                breaker.member("probe_at", health.probeAt)
            }
            object.member("window", health.window)
            object.member("in_flight", health.inFlight)
            object.member("backlog", health.backlog)
            object.member("oldest_due", health.oldestDue)
            object.member("expired", health.expired)
            object.object("attempts") { attempts in
                attempts.member("succeeded", health.log.succeeded)
                attempts.member("failed", health.log.failed)
            }
            object.object("recent") { recent in
                recent.member("attempts", health.log.attempts.count)
                recent.member("success_share", health.log.successShare)
                recent.member("p50_ms", health.log.latency(ofShare: 0.5))
                recent.member("p99_ms", health.log.latency(ofShare: 0.99))
            }
        }
    }
}
