package import Domain
import Redis

/// The trusts that were made for subscriptions of one store, and those of subscriptions that ended, which are to be removed.
///
/// A trust is removed by the process that takes it first; one that cannot be removed now comes again later, for about a day.
package struct TrustStore: Sendable {
    /// A trust that is to be removed, as it was taken.
    package struct Ended: Sendable {
        package let trust: TrustID
        /// How often it was taken, with this time.
        package let tries: Int
        fileprivate let member: String
        fileprivate let shard: Int

        /// Whether it will not come again.
        package var isLastTry: Bool { self.tries >= TrustStore.triesMax }
    }

    /// With the pauses below: a day.
    static let triesMax = 30
    private static let pauseMilliseconds: Int64 = 60_000
    private static let pauseMillisecondsMax: Int64 = 3_600_000
    /// Longer than any request lasts.
    private static let planMilliseconds: Int64 = 600_000
    /// Trusts of one shard that are taken at once.
    private static let takenMax = 5

    let runner: ScriptRunner
    let keySpace: KeySpace

    /// The trust that was made for a subscription; nil: none was.
    package func made(for id: SubscriptionID, of queue: QueueAddress) async throws(StoreError) -> TrustID? {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(Scripts.trustGet, keys: [keys.trusts, keys.subscriptionOrder(queue)])
        call.append(id.text)
        return try await self.runner.run(call).text.flatMap(TrustID.init)
    }

    /// Has a trust removed later, unless a subscription is stored with it until then.
    package func plan(_ trust: TrustID, of queue: QueueAddress) async throws(StoreError) {
        var call = self.runner.call(Scripts.trustPlan, keys: [self.keySpace.shard(of: queue).endedTrusts])
        call.append(trust.text)
        call.append(Self.planMilliseconds)
        _ = try await self.runner.run(call)
    }

    /// Takes trusts that are to be removed now, some of each shard.
    package func take() async throws(StoreError) -> [Ended] {
        let calls = self.keySpace.shards.map { keys in
            var call = self.runner.call(Scripts.trustTake, keys: [keys.endedTrusts])
            call.append(Self.takenMax)
            call.append(Self.triesMax)
            call.append(Self.pauseMilliseconds)
            call.append(Self.pauseMillisecondsMax)
            return call
        }
        var ended: [Ended] = []
        for (shard, reply) in try await self.runner.runAll(calls).enumerated() {
            var reply = try ReplyReader(reply, of: Scripts.trustTake)
            while !reply.isAtEnd {
                let member = try reply.text()
                let parts = member.split(separator: ":", maxSplits: 1)
                guard parts.count == 2, let tries = Int(parts[0]), let trust = TrustID(String(parts[1])) else {
                    throw .corrupt("a trust that is to be removed")
                }
                ended.append(Ended(trust: trust, tries: tries, member: member, shard: shard))
            }
        }
        return ended
    }

    /// Forgets a trust that is removed.
    package func finish(_ ended: Ended) async throws(StoreError) {
        var call = self.runner.call(Scripts.trustFinish, keys: [self.keySpace.shards[ended.shard].endedTrusts])
        call.append(ended.member)
        _ = try await self.runner.run(call)
    }
}
