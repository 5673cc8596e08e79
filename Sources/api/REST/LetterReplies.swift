import Documents
import Domain
import HTTPTypes
import JSON
import NIOCore
import Store

/// Dead letters over HTTP.
struct LetterReplies: Sendable {
    let operations: Operations

    func list(_ queue: QueueAddress, _ query: Query) async throws -> Reply {
        var link = PageLink(path: queue.path + "/dead_letters")
        let limit = try query.limit(max: self.operations.limits.messagePageMax)
        link.add("limit", try query.integer("limit"))
        for name in ["subscription", "reason", "since", "until"] {
            if let value = query.text(name) { link.add(name, value) }
        }
        try link.check()
        let words = DeadLetterWords(
            subscription: query.text("subscription"), reason: query.text("reason"), since: query.text("since"),
            until: query.text("until"))
        let (page, next) = try await self.operations.listDeadLetters(
            of: queue, words, marker: query.text("marker"), limit: limit)
        return Reply.json(.ok, capacity: 2048) { body in
            body.writeStaticString(#"{"dead_letters":["#)
            for (index, letter) in page.enumerated() {
                if index > 0 { body.writeStaticString(",") }
                Self.write(letter, to: &body)
                body.writeStaticString("}")
            }
            body.writeStaticString(#"],"links":"#)
            link.write(after: next, to: &body)
            body.writeStaticString("}")
        }
    }

    func show(_ id: String, of queue: QueueAddress) async throws -> Reply {
        let (letter, content, message) = try await self.operations.getDeadLetter(id, of: queue)
        return Reply.json(.ok, capacity: 1024 + content.body.count) { body in
            Self.write(letter, to: &body)
            body.writeStaticString(#","ttl":"#)
            body.writeJSON(content.ttl)
            body.writeStaticString(#","body":"#)
            if let message { body.writeBytes(message) } else { body.writeStaticString("null") }
            body.writeStaticString("}")
        }
    }

    func delete(_ id: String, of queue: QueueAddress) async throws -> Reply {
        try await self.operations.deleteDeadLetter(id, of: queue)
        return .empty(.noContent)
    }

    func redrive(_ queue: QueueAddress, _ body: ByteBuffer) async throws -> Reply {
        Self.reply(
            try await self.operations.redriveDeadLetters(of: queue, document: Array(body.readableBytesView)))
    }

    func recover(_ id: String, of queue: QueueAddress, _ query: Query) async throws -> Reply {
        Self.reply(
            try await self.operations.recover(
                id, of: queue, since: query.text("since"), maxPerSecond: query.integer("max_per_second"),
                marker: query.text("marker")))
    }

    // MARK: - Bodies

    /// What a redrive did.
    ///
    /// ```json
    /// {"redriven": 3, "skipped": {"unknown": 0, "subscription_ended": 1, "unconfirmed": 0,
    ///   "not_a_message": 0, "no_body": 0}, "marker": null}
    /// ```
    private static func reply(_ redriven: Redriven) -> Reply {
        Reply.json(.ok) { body in
            body.writeStaticString(#"{"redriven":"#)
            body.writeJSON(redriven.outcomes[.owed] ?? 0)
            body.writeStaticString(#","skipped":{"#)
            for (index, outcome) in RedriveOutcome.allCases.filter({ $0 != .owed }).enumerated() {
                if index > 0 { body.writeStaticString(",") }
                body.writeJSON(outcome.rawValue)
                body.writeStaticString(":")
                body.writeJSON(redriven.outcomes[outcome] ?? 0)
            }
            body.writeStaticString(#"},"marker":"#)
            body.writeJSON(redriven.next)
            body.writeStaticString("}")
        }
    }

    /// Writes the object, left open.
    private static func write(_ told: ToldLetter, to body: inout ByteBuffer) {
        body.writeStaticString(#"{"id":"#)
        body.writeJSON(told.id.text)
        body.writeStaticString(#","subscription_id":"#)
        body.writeJSON(told.letter.subscription.text)
        body.writeStaticString(#","message_id":"#)
        body.writeJSON(told.letter.kind == .notification ? told.id.message.text : nil)
        body.writeStaticString(#","delivery_id":"#)
        body.writeJSON(told.delivery.text)
        body.writeStaticString(#","message_type":"#)
        body.writeJSON(told.letter.kind.rawValue)
        body.writeStaticString(#","attempts":"#)
        body.writeJSON(told.letter.attempts)
        body.writeStaticString(#","reason":"#)
        body.writeJSON(told.letter.reason.rawValue)
        body.writeStaticString(#","last_outcome":"#)
        body.writeJSON(told.letter.summary)
        body.writeStaticString(#","ended_at":"#)
        body.writeJSON(HTTPDate.iso8601(told.letter.endedAt))
    }
}
