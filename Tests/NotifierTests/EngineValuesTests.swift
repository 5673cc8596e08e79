import Domain
import Notifier
import Testing

struct EngineValuesTests {
    @Test func `The clock goes on by itself and follows what Redis shows`() {
        let start = ContinuousClock.now
        let clock = RedisClock(shown: Timestamp(milliseconds: 5_000), at: start)
        #expect(clock.now(at: start + .milliseconds(1_250)) == Timestamp(milliseconds: 6_250))
        clock.observe(Timestamp(milliseconds: 4_000), at: start + .seconds(2))
        #expect(clock.now(at: start + .seconds(3)) == Timestamp(milliseconds: 5_000))
    }

    @Test func `The cache forgets who was not asked for, and keeps who was`() throws {
        let cache = SubscriptionCache<Recipient>(generationMax: 10)
        let keys = try (0..<30).map { SubscriptionVersion(subscription: try Self.subscription($0), version: 1) }
        for (index, key) in keys.enumerated() {
            cache.insert(
                Recipient(
                    destination: .webhook, target: webhookTarget("http://\(index)/"), isConfirmed: false), bytes: 0,
                for: key)
            #expect(cache[keys[0]]?.target?.host == "http://0.0.0.0:80")
        }
        #expect(keys.count { cache[$0] != nil } <= 20)
        #expect(cache[keys[29]]?.target?.host == "http://0.0.0.29:80")
        #expect(cache[SubscriptionVersion(subscription: keys[29].subscription, version: 2)] == nil)
    }

    private static func subscription(_ number: Int) throws -> SubscriptionID {
        let text = "\(number)"
        return try #require(SubscriptionID(String(repeating: "0", count: 27 - text.count) + text))
    }
}
