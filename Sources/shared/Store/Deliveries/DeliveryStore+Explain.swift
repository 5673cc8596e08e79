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
    ) async throws(StoreError) -> [DeliveryFate] {
        let keys = self.keySpace.shard(of: queue)
        var fates: [DeliveryFate] = []
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
            while !reply.isAtEnd { fates.append(try DeliveryFate(&reply, of: position)) }
            if behind.isEmpty || fates.count >= limit { return fates }
        }
        throw .overloaded
    }
}

extension DeliveryFate {
    fileprivate init(_ reply: inout ReplyReader, of position: Position) throws(StoreError) {
        self.subscription = try reply.subscriptionID()
        self.isConfirmed = try SubscriptionHeader(try reply.bytes()).confirmed
        let place = try reply.text()
        let until = try reply.timestampIfAny()
        self.attempt = try reply.int()
        let detail = try reply.text()
        switch place {
        case "later": self.place = .later
        case "event": self.place = .event
        case "none": self.place = .none
        case "leased":
            guard let end = Int64(detail) else { throw reply.unexpected("end of a lease") }
            self.place = .flying(until: Timestamp(milliseconds: end))
        case "dead":
            guard let until else { throw reply.unexpected("time") }
            self.place = .dead(
                try DeadLetter(subscription: self.subscription, position: position, endedAt: until, detail))
        default:
            guard let hold = Hold(rawValue: place) else { throw reply.unexpected("place") }
            self.place = .waiting(hold, until: until)
        }
        let entry = try reply.bytes()
        var numbers = PackedNumbers(entry[...])
        self.last = entry.isEmpty ? nil : try AttemptEntry.read(&numbers, number: 0)
    }
}
