import Redis
import Store
import TestKit
import Testing

/// What the store keeps of the settings that must agree.
struct FingerprintTests {
    @Test func `The first process sets the fingerprints, and the next one learns what differs`() async throws {
        try await withRedisClient { _, pool in
            let store = try await Store.open(on: pool, shards: 16, logger: quietLogger())
            let first = ["master.key": "aa", "confirmation.required": "false"]
            #expect(try await store.fingerprints.differences(from: first).isEmpty)
            #expect(try await store.fingerprints.differences(from: first).isEmpty)
            let other = ["master.key": "bb", "confirmation.required": "false"]
            #expect(try await store.fingerprints.differences(from: other) == ["master.key": "aa"])
            // To compare changes nothing, and one that only a newer version knows is added.
            let newer = first.merging(["some.setting": "x"]) { own, _ in own }
            #expect(try await store.fingerprints.differences(from: newer).isEmpty)
            #expect(try await store.fingerprints.differences(from: first).isEmpty)
        }
    }

    @Test func `Accepted fingerprints take the place of the old ones`() async throws {
        try await withRedisClient { _, pool in
            let store = try await Store.open(on: pool, shards: 16, logger: quietLogger())
            #expect(try await store.fingerprints.differences(from: ["a": "1", "b": "1"]).isEmpty)
            try await store.fingerprints.accept(["a": "2"])
            #expect(try await store.fingerprints.differences(from: ["a": "1", "b": "1"]) == ["a": "2"])
            #expect(try await store.fingerprints.differences(from: ["a": "2", "b": "1"]).isEmpty)
        }
    }

    @Test func `Of many first processes one wins, and all others see it`() async throws {
        try await withRedisClient { _, pool in
            let store = try await Store.open(on: pool, shards: 16, logger: quietLogger())
            let kept = await withTaskGroup(of: String?.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        // An error would show as a fingerprint too few.
                        let differences = try? await store.fingerprints.differences(from: ["a": "\(number)"])
                        return differences.map { $0["a"] ?? "\(number)" }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(kept.count == 20 && Set(kept).count == 1 && kept[0] != nil)
        }
    }

    @Test func `A key that is no hash of fingerprints is an error, not a trap`() async throws {
        try await withRedisClient { redis, pool in
            let store = try await Store.open(on: pool, shards: 16, logger: quietLogger())
            try await redis.command("SET", "herald:{control}:fingerprints", "none of ours")
            await #expect(throws: StoreError.self) { try await store.fingerprints.differences(from: ["a": "1"]) }
        }
    }
}
