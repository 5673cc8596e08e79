import NIOCore
import Runtime
import TestKit
import Testing

/// Values that are kept for a while.
struct ExpiringCacheTests {
    @Test func `A value is kept for its time, and with the others no more than may be`() {
        var cache = ExpiringCache<Int, String>(entriesMax: 3, lifetime: .seconds(10))
        let start = NIODeadline.now()
        for number in 0..<100 {
            cache.put("v", as: number, at: start)
            #expect(cache.kept(number, at: start) != nil && cache.count == min(3, number + 1))
        }
        let kept = (0..<100).filter { cache.kept($0, at: start) != nil }
        #expect(kept.count == 3)
        // Being asked for does not make it last.
        #expect(cache.kept(99, at: start + .milliseconds(9999)) != nil)
        #expect(cache.kept(99, at: start + .seconds(10)) == nil && cache.count == 2)
        cache.put("v", as: kept[0], at: start + .seconds(5))
        #expect(cache.count == 2 && cache.kept(kept[0], at: start + .seconds(14)) != nil)
    }

    @Test func `With a time of zero nothing is kept`() {
        var cache = ExpiringCache<Int, String>(entriesMax: 3, lifetime: .zero)
        cache.put("v", as: 1, at: .now())
        #expect(cache.count == 0)
    }

    @Test func `Entries and their list agree, whatever is put and removed`() {
        var random = SeededGenerator(seed: 11)
        var cache = ExpiringCache<Int, String>(entriesMax: 8, lifetime: .seconds(10))
        var model: Set<Int> = []
        let now = NIODeadline.now()
        for _ in 0..<5000 {
            let number = Int.random(in: 0..<20, using: &random)
            if random.chance(0.6) {
                cache.put("v", as: number, at: now)
                model.insert(number)
            } else {
                cache.remove(number)
                model.remove(number)
            }
            let found = Set((0..<20).filter { cache.kept($0, at: now) != nil })
            #expect(found.isSubset(of: model) && found.count == cache.count && cache.count <= 8)
            model = found
        }
    }
}
