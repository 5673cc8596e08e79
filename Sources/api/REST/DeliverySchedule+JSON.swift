import Domain
import JSON
import NIOCore

extension DeliverySchedule {
    func write(to body: inout ByteBuffer) {
        body.writeStaticString(#"{"policy":"#)
        Self.write(self.policy, to: &body)
        body.writeStaticString(#","decided_by":"#)
        body.writeJSON(self.decider.name)
        body.writeStaticString(#","reason":"#)
        body.writeJSON(self.decider.reason)
        body.writeStaticString(#","ttl":"#)
        body.writeJSON(self.ttl)
        body.writeStaticString(#","attempts":["#)
        for (index, attempt) in self.schedule.attempts.enumerated() {
            if index > 0 { body.writeStaticString(",") }
            body.writeStaticString(#"{"attempt":"#)
            body.writeJSON(attempt.number)
            body.writeStaticString(#","phase":"#)
            body.writeJSON(attempt.phase.rawValue)
            body.writeStaticString(#","wait":"#)
            body.writeJSON(attempt.wait)
            body.writeStaticString(#","offset":"#)
            body.writeJSON(attempt.offset)
            body.writeStaticString("}")
        }
        body.writeStaticString(#"],"count":"#)
        body.writeJSON(self.schedule.count)
        body.writeStaticString(#","end":"#)
        body.writeJSON(self.schedule.end.rawValue)
        body.writeStaticString("}")
    }

    private var decider: (name: String, reason: String) {
        switch self.source {
        case .subscription:
            ("subscription", "The subscription has a policy, which counts before any of its queue.")
        case .queue(overriding: false): ("queue", "The subscription has no policy, its queue has one.")
        case .queue(overriding: true):
            (
                "queue",
                "The policy of the queue says ignore_subscription_override, so that of the subscription does not count."
            )
        case .house: ("default", "Neither the subscription nor its queue has a policy.")
        }
    }

    /// By the names callers set it with.
    private static func write(_ policy: RetryPolicy, to body: inout ByteBuffer) {
        body.writeStaticString(#"{"retries_with_no_delay":"#)
        body.writeJSON(policy.retriesWithoutDelay)
        body.writeStaticString(#","minimum_delay_retries":"#)
        body.writeJSON(policy.minimumDelayRetries)
        body.writeStaticString(#","minimum_delay":"#)
        body.writeJSON(policy.delayMin)
        body.writeStaticString(#","maximum_delay":"#)
        body.writeJSON(policy.delayMax)
        body.writeStaticString(#","maximum_delay_retries":"#)
        body.writeJSON(policy.maximumDelayRetries)
        body.writeStaticString(#","retry_backoff_function":"#)
        body.writeJSON(policy.backoff.rawValue)
        body.writeStaticString(#","ignore_subscription_override":"#)
        body.writeJSON(policy.ignoresSubscriptions)
        body.writeStaticString("}")
    }
}
