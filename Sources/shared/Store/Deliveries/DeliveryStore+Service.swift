import Domain
import Redis

/// The health of subscriptions, and how their deliveries are paused and resumed.
extension DeliveryStore {
    func attempts(
        of queue: QueueAddress, subscription: SubscriptionID
    ) async throws(StoreError) -> AttemptLog? {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(
            Scripts.attemptList,
            keys: [keys.subscriptionHeaders, keys.attemptCounts, keys.subscriptionOrder(queue)])
        call.append(keys.prefix)
        call.append(subscription.text)
        call.append(queue.key)
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.attemptList)
        return reply.isAtEnd ? nil : try AttemptLog(counts: try reply.bytes(), ring: try reply.bytes())
    }

    func health(
        of queue: QueueAddress, subscription: SubscriptionID
    ) async throws(StoreError) -> SubscriptionHealth? {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(
            Scripts.subscriptionHealthGet,
            keys: [
                keys.subscriptionHeaders, keys.pacing, keys.attemptCounts, keys.expiredCounts,
                keys.subscriptionOrder(queue),
            ])
        call.append(keys.prefix)
        call.append(subscription.text)
        call.append(queue.key)
        let reply = try ReplyReader(try await self.runner.run(call), of: Scripts.subscriptionHealthGet)
        return reply.isAtEnd ? nil : try SubscriptionHealth.read(reply).health
    }

    func pause(_ queue: QueueAddress, subscription: SubscriptionID) async throws(StoreError) -> Bool {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(
            Scripts.subscriptionPause,
            keys: [keys.subscriptionHeaders, keys.pacing, keys.subscriptionOrder(queue)])
        call.append(keys.prefix)
        call.append(subscription.text)
        call.append(queue.key)
        return try await self.changedPacing(call)
    }

    func resume(_ queue: QueueAddress, subscription: SubscriptionID) async throws(StoreError) -> Bool {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(
            Scripts.subscriptionResume,
            keys: [
                keys.subscriptionHeaders, keys.pacing, keys.readyProjects, keys.wakeup, keys.subscriptionOrder(queue),
            ])
        call.append(keys.prefix)
        call.append(subscription.text)
        call.append(queue.key)
        call.append(self.keySpace.number(of: queue))
        return try await self.changedPacing(call)
    }

    private func changedPacing(_ call: ScriptCall) async throws(StoreError) -> Bool {
        switch try await self.runner.run(call).int {
        case 1: return true
        case -1: throw .unreadablePacing
        default: return false
        }
    }
}

extension StoreError {
    fileprivate static var unreadablePacing: StoreError { .corrupt("the pacing of a subscription") }
}

extension SubscriptionHealth {
    /// Reads what `lib_health.lua` says.
    static func read(
        _ reply: consuming ReplyReader
    ) throws(StoreError) -> (queue: QueueAddress, health: SubscriptionHealth) {
        var reply = reply
        let now = try reply.timestamp()
        let header = try SubscriptionHeader(try reply.bytes())
        let log = try AttemptLog(counts: try reply.bytes(), ring: try reply.bytes())
        let backlog = try reply.int()
        let inFlight = try reply.int()
        let window = try reply.int()
        guard window > 0 else { throw .unreadablePacing }
        let member = try reply.text()
        let score = try reply.timestampIfAny()
        let pausedSince = try reply.timestampIfAny()
        let disabledSince = try reply.timestampIfAny()
        let waitsUntil = try reply.timestampIfAny()
        let count = try reply.int()
        let failingSince = try reply.timestampIfAny()
        let probeAt = try reply.timestampIfAny()
        let expired = try reply.int()
        var oldestDue: Timestamp?
        if let score, let position = Int64(member.prefix { $0 != ":" }) {
            // Where the position alone counts there is no time, but for the wait of the whole subscription.
            let due = score.milliseconds > 0 ? score : Position(position).createdAt
            oldestDue = waitsUntil.map { max($0, due) } ?? due
        }
        let health = SubscriptionHealth(
            now: now, isConfirmed: header.confirmed, pausedSince: pausedSince, disabledSince: disabledSince,
            probeAt: probeAt, failures: failingSince.map { Failures(count: count, since: $0) }, window: window,
            inFlight: inFlight, backlog: backlog, oldestDue: oldestDue, expired: expired, log: log)
        return (header.queue, health)
    }
}

extension DeliveryStore {
    /// Subscriptions of one script.
    private static let statusesMax = 5

    func statuses(
        of position: Position, in queue: QueueAddress, after: SubscriptionID?, limit: Int
    ) async throws(StoreError) -> [DeliveryStatus] {
        let keys = self.keySpace.shard(of: queue)
        var statuses: [DeliveryStatus] = []
        var behind = after.map { String($0.position.value) } ?? "0"
        for _ in 0..<ScriptRunner.roundsMax {
            var call = self.runner.call(
                Scripts.deliveryStatusGet,
                keys: [
                    keys.events(of: queue), keys.fanoutPages, keys.pacing, keys.leases, keys.payloads,
                    keys.subscriptionHeaders,
                    keys.attemptCounts,
                    keys.subscriptionOrder(queue), keys.deadLetters(of: queue), keys.deadLetterEntries(of: queue),
                    keys.turns, keys.subscriptions, keys.waitingConfirmations,
                ])
            call.append(keys.prefix)
            call.append(queue.key)
            call.append(position.value)
            call.append(behind)
            call.append(min(Self.statusesMax, limit - statuses.count))
            call.append(MessageRecord.Flag.of(.subscriptionConfirmation))
            var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.deliveryStatusGet)
            behind = try reply.text()
            while !reply.isAtEnd { statuses.append(try DeliveryStatus(&reply, of: position)) }
            if behind.isEmpty || statuses.count >= limit { return statuses }
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
        let stage: Stage
        switch name {
        case "later": stage = .later
        case "event": stage = .event
        case "none": stage = .none
        case "leased":
            guard let end = Int64(detail) else { throw reply.unexpected("end of a lease") }
            stage = .leased(until: Timestamp(milliseconds: end))
        case "dead":
            guard let until else { throw reply.unexpected("time") }
            stage = .dead(try DeadLetter(subscription: subscription, position: position, endedAt: until, detail))
        default:
            guard let hold = Hold(rawValue: name) else { throw reply.unexpected("stage") }
            stage = .waiting(hold, until: until)
        }
        let entry = try reply.bytes()
        var numbers = PackedNumbers(entry[...])
        let address = try reply.text()
        let questionDue = try reply.timestampIfAny()
        let options = try reply.bytes()
        self.init(
            subscription: subscription, isConfirmed: isConfirmed, stage: stage, attempt: attempt,
            last: entry.isEmpty ? nil : try AttemptEntry.read(&numbers, number: 0),
            // Only addresses that could be read were ever stored.
            destination: (try? Subscriber(stored: address))?.scheme.destination ?? .webhook, questionDue: questionDue,
            filteringOptions: options.isEmpty ? nil : options)
    }
}
