import Notifier
import Testing

struct ReapRulesTests {
    private static let lease = Duration.seconds(15)

    @Test func `While Redis answers, what has lapsed may be taken over`() {
        let start = ContinuousClock.now
        var rules = ReapRules(lease: Self.lease, at: start)
        for second in 1...60 {
            rules.answered(at: start + .seconds(second))
            #expect(rules.mayReap(at: start + .seconds(second)) && !rules.hasToRenew)
        }
    }

    @Test func `After Redis was away own leases are renewed first, and those of others get time for it`() {
        let start = ContinuousClock.now
        var rules = ReapRules(lease: Self.lease, at: start)
        rules.failed()
        #expect(!rules.mayReap(at: start))
        let back = start + .seconds(40)
        rules.answered(at: back)
        #expect(rules.hasToRenew && !rules.mayReap(at: back))
        rules.renewed(at: back + .seconds(1))
        #expect(!rules.hasToRenew && !rules.mayReap(at: back + .seconds(1)))
        rules.answered(at: back + .seconds(5))
        #expect(!rules.mayReap(at: back + .seconds(5)))
        rules.answered(at: back + .seconds(8))
        #expect(rules.mayReap(at: back + .seconds(8)))
    }

    @Test func `A process that stood still takes nothing over before it has renewed what is its own`() {
        let start = ContinuousClock.now
        var rules = ReapRules(lease: Self.lease, at: start)
        let later = start + .seconds(20)
        #expect(!rules.mayReap(at: later), "what was requested before the standstill")
        rules.answered(at: later)
        #expect(rules.hasToRenew && !rules.mayReap(at: later))
    }
}
