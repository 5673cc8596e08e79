package import Domain
import Redis

/// A question to a subscriber, or its way back, ready to be delivered.
package struct ConfirmationRequest: Sendable, Equatable {
    package let kind: NotificationKind
    /// The address it goes to.
    package let subscriber: String
    /// When it may be sent, see ``ConfirmationSchedule``.
    package let at: Timestamp
    /// Seconds until its link expires; it is not attempted after that.
    package let ttl: Int
    /// When its link expires, seconds since the epoch.
    package let linkExpiry: Int64
    /// The JSON object to send.
    package let document: [UInt8]

    /// - Parameter kind: Of a confirmation.
    package init(
        kind: NotificationKind, subscriber: String, at: Timestamp, ttl: Int, linkExpiry: Int64, document: [UInt8]
    ) {
        precondition(kind.isConfirmation, "this is no question")
        self.kind = kind
        self.subscriber = subscriber
        self.at = at
        self.ttl = ttl
        self.linkExpiry = linkExpiry
        self.document = document
    }
}

/// What became of a question.
package enum ConfirmationOutcome: Sendable, Equatable {
    /// It is sent when its time has come.
    case asked
    /// The same question waits already, and is sent in its place.
    case held
    /// Nothing was written: addresses that the subscription had before were sent links that expire as late as this second.
    ///
    /// A link has to expire later, so that those can be told from it.
    case barred(until: Int64)
    /// This queue has no living subscription of the id, or it has another address.
    case absent
}

extension SubscriptionStore {
    /// Has a confirmation delivered to a subscriber, with the attempts and the patience of any delivery.
    ///
    /// Its document holds the signature its link works with, so it is dropped with the delivery, and no dead letter keeps
    /// it.
    ///
    /// - Throws: ``StoreError/overloaded`` when as many deliveries of the subscription or of its project wait as may.
    package func ask(
        _ queue: QueueAddress, id: SubscriptionID, _ request: ConfirmationRequest
    ) async throws(StoreError) -> ConfirmationOutcome {
        let owed = try await self.owe(
            request.document, kind: request.kind, to: id, of: queue, ttl: request.ttl, question: request)
        return switch owed {
        case .owed: .asked
        case .held: .held
        case .barred(let until): .barred(until: until)
        case .absent: .absent
        }
    }

    /// Has a document delivered to a subscriber that nobody posted, so that it can be seen how that goes.
    ///
    /// - Parameters:
    ///   - isSealed: Whether the document is what stands for it, as the bodies of a queue that encrypts.
    ///   - ttl: Seconds; it is not attempted after that.
    /// - Throws: ``StoreError/overloaded`` when as many deliveries of the subscription or of its project wait as may.
    /// - Returns: Its place, which no message has; nil when this queue has no living subscription of the id.
    package func test(
        _ queue: QueueAddress, id: SubscriptionID, document: [UInt8], isSealed: Bool = false, ttl: Int
    ) async throws(StoreError) -> Position? {
        let owed = try await self.owe(
            document, isSealed: isSealed, kind: .test, to: id, of: queue, ttl: ttl, question: nil)
        guard case .owed(let position) = owed else { return nil }
        return position
    }

    private enum Owed {
        case owed(Position)
        case held, absent
        case barred(until: Int64)
    }

    private func owe(
        _ document: [UInt8], isSealed: Bool = false, kind: NotificationKind, to id: SubscriptionID,
        of queue: QueueAddress, ttl: Int, question: ConfirmationRequest?
    ) async throws(StoreError) -> Owed {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(
            Scripts.deliveryEnqueue,
            keys: [
                keys.subscriptionHeaders, keys.lastPosition, keys.payloads, keys.readyProjects, keys.wakeup,
                keys.waitingConfirmations, keys.subscriptions,
                keys.waitingCounts, keys.deliverySweeps,
            ])
        call.append(keys.prefix)
        call.append(self.limits.text)
        call.append(id.text)
        call.append(queue.key)
        call.append(self.keySpace.number(of: queue))
        call.append(min(ttl, Int(UInt32.max)))
        call.append(MessageRecord.Flag.of(kind) | (isSealed ? MessageRecord.Flag.sealed : 0))
        call.append(document)
        call.append(question?.subscriber ?? "")
        call.append(question.map { String($0.at.milliseconds) } ?? "")
        call.append(question.map { String($0.linkExpiry) } ?? "")
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.deliveryEnqueue)
        switch try reply.text() {
        case "enqueued": return .owed(try reply.position())
        case "held": return .held
        case "barred": return .barred(until: Int64(try reply.int()))
        case "absent": return .absent
        case "full": throw .overloaded
        case let answer: throw .corrupt("delivery_enqueue.lua answered \(answer)")
        }
    }
}
