package import Domain
import JSON
package import NIOCore

/// What callers read about dead letters.
package enum DeadLetterDocument {
    /// - Parameter next: The path and query of the next page; nil behind the last page.
    package static func page(_ deadLetters: [DeadLetterView], next: String?) -> ByteBuffer {
        JSONWriter.object(capacity: 2048) { object in
            object.array("dead_letters") { list in
                for deadLetter in deadLetters {
                    list.object { Self.write(deadLetter, to: &$0) }
                }
            }
            object.links(next: next)
        }
    }

    /// One dead letter with the message that could not be delivered.
    ///
    /// - Parameters:
    ///   - ttl: Of the message, seconds.
    ///   - body: nil when it was no message, or was not kept.
    package static func deadLetter(_ view: DeadLetterView, ttl: Int, body: ArraySlice<UInt8>?) -> ByteBuffer {
        JSONWriter.object(capacity: 1024 + (body?.count ?? 0)) { object in
            Self.write(view, to: &object)
            object.member("ttl", ttl)
            if let body { object.member("body", verbatim: body) } else { object.null("body") }
        }
    }

    /// What a redrive did.
    ///
    /// ```json
    /// {"redriven": 3, "skipped": {"unknown": 0, "subscription_ended": 1, "unconfirmed": 0,
    ///   "not_a_message": 0, "no_body": 0}, "marker": null}
    /// ```
    package static func redriven(_ result: RedriveResult) -> ByteBuffer {
        JSONWriter.object { object in
            object.member("redriven", result.outcomes[.enqueued] ?? 0)
            object.object("skipped") { skipped in
                for outcome in RedriveOutcome.allCases where outcome != .enqueued {
                    skipped.member(named: outcome.rawValue, result.outcomes[outcome] ?? 0)
                }
            }
            object.member("marker", result.next)
        }
    }

    private static func write(_ view: DeadLetterView, to object: inout JSONObjectWriter) {
        let deadLetter = view.deadLetter
        object.member("id", view.id.text)
        object.member("subscription_id", deadLetter.subscription.text)
        object.member("message_id", deadLetter.kind == .notification ? view.id.message.text : nil)
        object.member("delivery_id", view.delivery.text)
        object.member("message_type", deadLetter.kind.rawValue)
        object.member("attempts", deadLetter.attempts)
        object.member("reason", deadLetter.reason.rawValue)
        object.member("last_outcome", deadLetter.summary)
        object.member("ended_at", deadLetter.endedAt)
    }
}
