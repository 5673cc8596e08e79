package import Domain
import Redis

/// A confirmation to be delivered: of a subscription, or of its end.
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
        precondition(kind.isConfirmation, "the kind of a confirmation")
        self.kind = kind
        self.subscriber = subscriber
        self.at = at
        self.ttl = ttl
        self.linkExpiry = linkExpiry
        self.document = document
    }
}

/// The result of requesting a confirmation.
package enum ConfirmationOutcome: Sendable, Equatable {
    /// It is sent when it is due.
    case requested
    /// The same confirmation waits already, and is sent in its place.
    case alreadyWaiting
    /// Nothing was written: addresses that the subscription had before were sent links that expire as late as this second.
    ///
    /// A link has to expire later, so that it can be distinguished from those.
    case barred(until: Int64)
    /// This queue has no living subscription of the id, or it has another address.
    case absent
}

extension SubscriptionStore {
    /// Has a confirmation delivered to a subscriber, with the attempts of any delivery.
    ///
    /// Its document holds the signature its link works with, so it is dropped with the delivery, and no dead letter keeps
    /// it.
    ///
    /// - Throws: ``StoreError/overloaded`` when as many deliveries of the subscription or of its project wait as may.
    package func requestConfirmation(
        _ queue: QueueAddress, id: SubscriptionID, _ request: ConfirmationRequest
    ) async throws(StoreError) -> ConfirmationOutcome {
        let enqueued = try await self.enqueue(
            request.document, kind: request.kind, to: id, of: queue, ttl: request.ttl, confirmation: request)
        return switch enqueued {
        case .enqueued: .requested
        case .alreadyWaiting: .alreadyWaiting
        case .barred(let until): .barred(until: until)
        case .absent: .absent
        }
    }

    /// Has a test document delivered to a subscriber, which was not posted.
    ///
    /// - Parameters:
    ///   - isSealed: Whether the document is what stands for it, as the bodies of a queue that encrypts.
    ///   - ttl: Seconds; it is not attempted after that.
    /// - Throws: ``StoreError/overloaded`` when as many deliveries of the subscription or of its project wait as may.
    /// - Returns: Its position, which no message has; nil when this queue has no living subscription of the id.
    package func test(
        _ queue: QueueAddress, id: SubscriptionID, document: [UInt8], isSealed: Bool = false, ttl: Int
    ) async throws(StoreError) -> Position? {
        let enqueued = try await self.enqueue(
            document, isSealed: isSealed, kind: .test, to: id, of: queue, ttl: ttl, confirmation: nil)
        guard case .enqueued(let position) = enqueued else { return nil }
        return position
    }

    private enum Enqueued {
        case enqueued(Position)
        case alreadyWaiting, absent
        case barred(until: Int64)
    }

    private func enqueue(
        _ document: [UInt8], isSealed: Bool = false, kind: NotificationKind, to id: SubscriptionID,
        of queue: QueueAddress, ttl: Int, confirmation: ConfirmationRequest?
    ) async throws(StoreError) -> Enqueued {
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
        call.append(confirmation?.subscriber ?? "")
        call.append(confirmation.map { String($0.at.milliseconds) } ?? "")
        call.append(confirmation.map { String($0.linkExpiry) } ?? "")
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.deliveryEnqueue)
        switch try reply.text() {
        case "enqueued": return .enqueued(try reply.position())
        case "held": return .alreadyWaiting
        case "barred": return .barred(until: Int64(try reply.int()))
        case "absent": return .absent
        case "full": throw .overloaded
        case let answer: throw .corrupt("delivery_enqueue.lua answered \(answer)")
        }
    }
}
