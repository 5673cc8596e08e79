package import Domain
import JSON
package import NIOCore

/// What administrators read about the projects, queues and subscriptions of a deployment.
package enum SurveyDocument {
    /// - Parameter next: The path and query of the next page; nil: this is the last one.
    package static func subscriptions(_ page: SurveyPage<ListedSubscription>, next: String?) -> ByteBuffer {
        self.page("subscriptions", page, next: next) { row, object in
            let (subscription, health) = (row.subscription, row.subscription.health)
            let (state, since) = health.state(mustConfirm: row.mustConfirm)
            object.member("project", subscription.queue.project.text)
            object.member("queue", subscription.queue.name.text)
            object.member("id", subscription.id.text)
            object.member("endpoint", row.endpoint)
            object.member("pool", row.pool)
            object.member("state", state.rawValue)
            object.member("since", since)
            object.member("failures", health.failures?.count ?? 0)
            object.member("failing_since", health.failures?.since)
            object.member("probe_at", health.probeAt)
            object.member("failure_share", health.log.failureShare)
            object.member("backlog", health.backlog)
            object.member("oldest_due", health.oldestDue)
            object.member("in_flight", health.inFlight)
        }
    }

    /// - Parameter next: The path and query of the next page; nil: this is the last one.
    package static func queues(_ page: SurveyPage<ListedQueue>, next: String?) -> ByteBuffer {
        self.page("queues", page, next: next) { row, object in
            object.member("project", row.queue.project.text)
            object.member("name", row.queue.name.text)
            object.member("pool", row.pool)
            object.member("free", row.held?.free)
            object.member("claimed", row.held?.claimed)
            object.member("oldest_age", row.held?.oldestAge)
            object.member("bytes", row.held?.bytes)
            object.member("subscriptions", row.held?.subscriptions)
            object.member("events", row.held?.events)
            object.member("dead_letters", row.held?.deadLetters)
        }
    }

    /// - Parameter next: The path and query of the next page; nil: this is the last one.
    package static func projects(_ page: SurveyPage<ProjectUse>, next: String?) -> ByteBuffer {
        self.page("projects", page, next: next) { use, object in ProjectUseDocument.write(use, to: &object) }
    }

    private static func page<Row>(
        _ name: StaticString, _ page: SurveyPage<Row>, next: String?,
        _ write: (Row, inout JSONObjectWriter) -> Void
    ) -> ByteBuffer {
        JSONWriter.object(capacity: 4096) { object in
            object.array(name) { list in
                for row in page.rows { list.object { write(row, &$0) } }
            }
            object.member("unreachable", page.unreachable)
            object.links(next: next)
        }
    }
}
