import Domain
import Redis

extension DeliveryStore {
    func backlog() async throws(StoreError) -> Backlog {
        var sum = Backlog()
        // One shard after the other: where much waits each takes its time, and others have their turn between them.
        for keys in self.keySpace.shards {
            var call = self.runner.call(
                Scripts.backlogGet,
                keys: [
                    keys.leases, keys.fanoutProjects, keys.readyProjects, keys.waitingCounts,
                    keys.subscriptionHeaders, keys.pacing, keys.subscriptionExpiries,
                ])
            call.append(keys.prefix)
            call.append(StorageLimits.backlogSubscriptions)
            sum.add(try Backlog(ReplyReader(try await self.runner.run(call), of: Scripts.backlogGet)))
        }
        return sum
    }
}

extension Backlog {
    /// Reads an answer of `backlog_get.lua`.
    fileprivate init(_ reply: consuming ReplyReader) throws(StoreError) {
        var reply = reply
        self.init()
        self.events = try reply.int()
        self.eventAge = try reply.durationIfAny()
        let (inFlight, lapsed) = (try reply.int(), try reply.int())
        let ready = try reply.int()
        self.deliveries = [.inFlight: inFlight, .ready: ready &+ lapsed]
        self.ages[.ready] = try reply.durationIfAny()
        self.deliveries[.held] = try reply.int()
        self.ages[.held] = try reply.durationIfAny()
        self.deliveries[.later] = try reply.int()
        self.deliveries[.other] = try reply.int()
        for (deliveries, subscriptions): (DeliveryState, SubscriptionState) in [
            (.disabled, .disabled), (.paused, .paused), (.breaker, .breaker),
        ] {
            self.deliveries[deliveries] = try reply.int()
            self.subscriptions[subscriptions] = try reply.int()
        }
        let held = self.subscriptions.values.reduce(0, &+)
        self.subscriptions[.active] = max(0, try reply.int() &- held)
        self.subscriptions[.ended] = try reply.int()
    }
}

extension ReplyReader {
    /// Milliseconds; nil for -1.
    fileprivate mutating func durationIfAny() throws(StoreError) -> Duration? {
        let milliseconds = try self.int()
        return milliseconds < 0 ? nil : .milliseconds(milliseconds)
    }
}
