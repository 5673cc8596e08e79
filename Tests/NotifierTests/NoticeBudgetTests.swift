import Notifier
import Testing

struct NoticeBudgetTests {
    @Test func `So many lines are written in a period, and the next one says how many were left out`() {
        var budget = NoticeBudget()
        let start = ContinuousClock.now
        for number in 0..<NoticeBudget.linesMax {
            #expect(budget.admit(at: start + .milliseconds(number)) == 1)
        }
        for _ in 0..<7 { #expect(budget.admit(at: start + .seconds(4)) == nil) }
        #expect(budget.admit(at: start + NoticeBudget.period) == 8)
        #expect(budget.admit(at: start + NoticeBudget.period) == 1)
        #expect(budget.admit(at: start + .seconds(600)) == 1)
    }
}
