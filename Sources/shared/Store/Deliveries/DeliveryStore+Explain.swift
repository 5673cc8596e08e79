package import Domain
import Redis

extension DeliveryStore {
    /// Subscriptions of one script.
    private static let fatesMax = 5

    /// What became of a message for the subscriptions of its queue, in the order of their creation.
    ///
    /// - Parameters:
    ///   - position: The message's; it need not be there any more.
    ///   - after: Those made after this one, which need not be there any more.
    /// - Returns: `limit` of them unless there are no more.
    package func fates(
        of position: Position, in queue: QueueAddress, after: SubscriptionID?, limit: Int
    ) async throws(StoreError) -> [DeliveryStatus] {
        let keys = self.keySpace.shard(of: queue)
        var fates: [DeliveryStatus] = []
        var behind = after.map { String($0.position.value) } ?? "0"
        for _ in 0..<ScriptRunner.roundsMax {
            var call = self.runner.call(
                Scripts.deliveryStatusGet,
                keys: [
                    keys.events(of: queue), keys.fanoutPages, keys.pacing, keys.leases, keys.payloads,
                    keys.subscriptionHeaders,
                    keys.attemptCounts,
                    keys.subscriptionOrder(queue), keys.deadLetters(of: queue), keys.deadLetterEntries(of: queue),
                    keys.turns,
                ])
            call.append(keys.prefix)
            call.append(queue.key)
            call.append(position.value)
            call.append(behind)
            call.append(min(Self.fatesMax, limit - fates.count))
            var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.deliveryStatusGet)
            behind = try reply.text()
            while !reply.isAtEnd { fates.append(try DeliveryStatus(&reply, of: position)) }
            if behind.isEmpty || fates.count >= limit { return fates }
        }
        throw .overloaded
    }
}

extension DeliveryStatus {
    fileprivate init(_ reply: inout ReplyReader, of position: Position) throws(StoreError) {
        let subscription = try reply.subscriptionID()
        let isConfirmed = try SubscriptionHeader(try reply.bytes()).confirmed
        let name = try reply.text()
        let until = try reply.timestampIfAny()
        let attempt = try reply.int()
        let detail = try reply.text()
        let place: Place
        switch name {
        case "later": place = .later
        case "event": place = .event
        case "none": place = .none
        case "leased":
            guard let end = Int64(detail) else { throw reply.unexpected("end of a lease") }
            place = .leased(until: Timestamp(milliseconds: end))
        case "dead":
            guard let until else { throw reply.unexpected("time") }
            place = .dead(try DeadLetter(subscription: subscription, position: position, endedAt: until, detail))
        default:
            guard let hold = Hold(rawValue: name) else { throw reply.unexpected("place") }
            place = .waiting(hold, until: until)
        }
        let entry = try reply.bytes()
        var numbers = PackedNumbers(entry[...])
        self.init(
            subscription: subscription, isConfirmed: isConfirmed, place: place, attempt: attempt,
            last: entry.isEmpty ? nil : try AttemptEntry.read(&numbers, number: 0))
    }
}
