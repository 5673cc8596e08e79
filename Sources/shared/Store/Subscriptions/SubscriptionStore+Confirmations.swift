import Domain
import Redis

extension SubscriptionStore {
    func requestConfirmation(
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

    func test(
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
                keys.waitingCounts, keys.deliverySweeps, keys.subscriptionOrder(queue),
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
