import Domain
import Redis
import Store
import TestKit
import Testing

extension TestStore {
    /// Holds the backlog that the store tells against a plain count of the keys of its only shard.
    func checkBacklog(_ place: Comment) async throws {
        let backlog = try await self.store.deliveries.backlog()
        let headers = try await self.fields("subscription-headers")
        let pacing = try await self.fields("pacing")
        let living = Set(headers.filter { Int64($0.value.prefix(15)) ?? 0 > self.time.now.milliseconds }.keys)
        var waiting: [String: Int] = [:]
        var events = 0
        for key in try await self.shardKeys() {
            if key.hasPrefix("due:") {
                waiting[String(key.dropFirst(4))] = try await self.command("ZCARD", self.key(key)).int
            }
            if key.hasPrefix("events:") { events += try await self.command("LLEN", self.key(key)).int ?? 0 }
        }
        #expect(backlog.events == events, place)
        var counted: Set<String> = []
        for (state, subscriptionState, mark) in [
            (Backlog.DeliveryState.disabled, Backlog.SubscriptionState.disabled, "x"), (.paused, .paused, "p"),
            (.breaker, .breaker, "b"),
        ] {
            var held = try await self.fields("held-subscriptions:\(state.rawValue)")
            let sum = Int(held.removeValue(forKey: "") ?? "0")
            let alive = living.subtracting(counted).filter { pacing[$0]?.contains(" \(mark)") == true }
            #expect(Set(held.keys.filter { living.contains($0) }) == alive, "\(place): \(state)")
            #expect(held.allSatisfy { Int($0.value) == waiting[$0.key, default: 0] }, "\(place): \(state) \(held)")
            #expect(sum == held.values.reduce(0) { $0 + (Int($1) ?? 0) }, "\(place): \(state)")
            #expect(backlog.deliveries[state] == sum && backlog.subscriptions[subscriptionState] == held.count, place)
            counted.formUnion(held.keys)
        }
        let leases = try await self.command(
            "ZCOUNT", self.key("leases"), "(\(self.time.now.milliseconds)", "+inf"
        ).int
        let lapsed = try await self.command("ZCOUNT", self.key("leases"), "-inf", "\(self.time.now.milliseconds)").int
        #expect(backlog.deliveries[.inFlight] == leases, place)
        var (due, later, other) = (lapsed ?? 0, 0, 0)
        for (subscription, count) in waiting where !counted.contains(subscription) {
            guard living.contains(subscription) else {
                other += count
                continue
            }
            let now = try await self.command(
                "ZCOUNT", self.key("due:\(subscription)"), "-inf", "\(self.time.now.milliseconds)")
            due += now.int ?? 0
            later += count - (now.int ?? 0)
        }
        let found = backlog.deliveries
        #expect((found[.ready] ?? 0) + (found[.held] ?? 0) == due, "\(place): \(found)")
        #expect(found[.later] == later && found[.other] == other, "\(place): \(found), \(later), \(other)")
        for state in [Backlog.DeliveryState.ready, .held] {
            #expect((backlog.ages[state] != nil) == (found[state] ?? 0 > 0), "\(place): \(state)")
        }
        #expect((backlog.eventAge != nil) == (events > 0), place)
        let subscriptions = backlog.subscriptions.values.reduce(0, +)
        // One that has ended keeps its hold until it is swept.
        #expect(subscriptions >= headers.count, "\(place): \(backlog.subscriptions)")
    }

    private func fields(_ key: String) async throws -> [String: String] {
        let words = try await self.command("HGETALL", self.key(key)).array?.map { $0.text ?? "" } ?? []
        return Dictionary(
            uniqueKeysWithValues: stride(from: 0, to: words.count - 1, by: 2).map { (words[$0], words[$0 + 1]) })
    }
}
