import Domain
import Testing

struct DeliveryDecisionTests {
    let now = Timestamp(milliseconds: 1_800_000_000_000)
    var far: Timestamp { self.now.adding(seconds: 3600) }

    private func decide(
        _ outcome: Outcome, attempt: Int, expiresAt: Timestamp? = nil, chance: Double = 0
    ) -> DeliveryDecision {
        DeliveryDecision(
            after: outcome, attempt: attempt, policy: RetryPolicy(), expiresAt: expiresAt ?? self.far, now: self.now,
            notBeforeMax: .seconds(3600), chance: chance)
    }

    @Test func `An accepted message is delivered`() {
        #expect(self.decide(.accepted(code: 202), attempt: 3) == .delivered)
    }

    @Test func `A refusal and a forbidden address end the delivery at once`() {
        #expect(self.decide(.refused(code: 404), attempt: 1) == .deadLetter(.refused))
        #expect(self.decide(.gone(code: 410), attempt: 1) == .deadLetter(.refused))
        #expect(self.decide(.forbidden, attempt: 1) == .deadLetter(.forbidden))
    }

    @Test func `A failure is tried again after the policy's wait, until its attempts are used up`() {
        #expect(self.decide(.unreachable(.connect), attempt: 1) == .retry(after: .zero))
        #expect(self.decide(.deferred(code: 503, notBefore: nil), attempt: 9) == .retry(after: .seconds(15)))
        #expect(self.decide(.unreachable(.timeout), attempt: 15) == .deadLetter(.exhausted))
    }

    @Test(arguments: [
        (0, 1), (1, 1), (12, 12), (30, 30), (120, 120), (3600, 3600), (86_400, 3600), (.max, 3600), (-5, 1),
    ])
    func `A request to wait is obeyed from 1 s up to the setting, whatever the policy waits`(asked: Int, wait: Int) {
        let far = self.now.adding(seconds: 7200)
        let outcome = Outcome.deferred(code: 429, notBefore: .delay(seconds: asked))
        #expect(self.decide(outcome, attempt: 1, expiresAt: far) == .retry(after: .seconds(wait)))
        let date = NotBefore.time(Timestamp(milliseconds: self.now.milliseconds + Int64(min(asked, 90_000)) * 1000))
        #expect(
            self.decide(.deferred(code: 429, notBefore: date), attempt: 1, expiresAt: far)
                == .retry(after: .seconds(wait)))
    }

    @Test func `A request to wait never shortens the policy's own wait`() {
        let outcome = Outcome.deferred(code: 503, notBefore: .delay(seconds: 2))
        #expect(self.decide(outcome, attempt: 13) == .retry(after: .seconds(30)))
    }

    @Test func `A request to wait beyond the end of the message's life ends the delivery`() {
        let outcome = Outcome.deferred(code: 503, notBefore: .delay(seconds: 60))
        #expect(
            self.decide(outcome, attempt: 1, expiresAt: self.now.adding(seconds: 60)) == .deadLetter(.expired))
    }

    @Test func `Jitter delays a retry by up to a tenth of its wait, never makes it earlier, and not beyond the life`() {
        let outcome = Outcome.unreachable(.connect)
        for attempt in 4...14 {
            guard case .retry(let plain) = self.decide(outcome, attempt: attempt) else { continue }
            for step in 0..<100 {
                let chance = Double(step) / 100
                guard case .retry(let wait) = self.decide(outcome, attempt: attempt, chance: chance) else {
                    Issue.record("no retry")
                    return
                }
                #expect(wait >= plain && wait <= plain + plain / 10)
            }
            #expect(self.decide(outcome, attempt: attempt, chance: 0.9) != .retry(after: plain))
        }
        #expect(self.decide(outcome, attempt: 1, chance: 0.9) == .retry(after: .zero))
        let end = self.now.adding(milliseconds: 15_200)
        #expect(
            self.decide(outcome, attempt: 9, expiresAt: end, chance: 0.9) == .retry(after: .milliseconds(15_199)))
    }

    @Test func `No attempt is planned at or after the end of the message's life`() {
        let end = self.now.adding(seconds: 15)
        #expect(self.decide(.unreachable(.connect), attempt: 9, expiresAt: end) == .deadLetter(.expired))
        #expect(self.decide(.unreachable(.connect), attempt: 8, expiresAt: end) == .retry(after: .seconds(10)))
    }
}
