import Domain
import Testing

struct OutcomeTests {
    @Test(arguments: [
        (200, Outcome.accepted(status: 200)), (204, .accepted(status: 204)), (299, .accepted(status: 299)),
        (301, .refused(status: 301)), (304, .refused(status: 304)), (400, .refused(status: 400)),
        (404, .refused(status: 404)), (410, .refused(status: 410)), (408, .deferred(status: 408, retryAfter: 7)),
        (425, .deferred(status: 425, retryAfter: 7)), (429, .deferred(status: 429, retryAfter: 7)),
        (500, .deferred(status: 500, retryAfter: 7)), (599, .deferred(status: 599, retryAfter: 7)),
        (600, .refused(status: 600)), (101, .refused(status: 101)),
    ])
    func `A status is sorted into one of three answers`(status: Int, outcome: Outcome) {
        #expect(Outcome(status: status, retryAfter: 7) == outcome)
    }
}

struct DeliveryDecisionTests {
    let now = Timestamp(milliseconds: 1_800_000_000_000)
    var far: Timestamp { self.now.adding(seconds: 3600) }

    private func decide(_ outcome: Outcome, attempt: Int, expiresAt: Timestamp? = nil) -> DeliveryDecision {
        DeliveryDecision(
            after: outcome, attempt: attempt, policy: RetryPolicy(), expiresAt: expiresAt ?? self.far, now: self.now)
    }

    @Test func `An accepted message is delivered`() {
        #expect(self.decide(.accepted(status: 202), attempt: 3) == .delivered)
    }

    @Test func `A refusal and a forbidden address end the delivery at once`() {
        #expect(self.decide(.refused(status: 404), attempt: 1) == .deadLetter(.refused))
        #expect(self.decide(.forbidden, attempt: 1) == .deadLetter(.forbidden))
    }

    @Test func `A failure is tried again after the policy's wait, until its attempts are used up`() {
        #expect(self.decide(.unreachable(.connect), attempt: 1) == .retry(afterSeconds: 0))
        #expect(self.decide(.deferred(status: 503, retryAfter: nil), attempt: 9) == .retry(afterSeconds: 15))
        #expect(self.decide(.unreachable(.timeout), attempt: 15) == .deadLetter(.exhausted))
    }

    @Test(arguments: [(0, 1), (1, 1), (12, 12), (30, 30), (86_400, 30), (-5, 1)])
    func `A wish to wait is obeyed between 1 s and the longest wait of the policy`(wish: Int, wait: Int) {
        #expect(self.decide(.deferred(status: 429, retryAfter: wish), attempt: 1) == .retry(afterSeconds: wait))
    }

    @Test func `A wish never shortens the policy's own wait`() {
        #expect(self.decide(.deferred(status: 503, retryAfter: 2), attempt: 13) == .retry(afterSeconds: 30))
    }

    @Test func `No attempt is planned at or after the end of the message's life`() {
        let end = self.now.adding(seconds: 15)
        #expect(self.decide(.unreachable(.connect), attempt: 9, expiresAt: end) == .deadLetter(.expired))
        #expect(self.decide(.unreachable(.connect), attempt: 8, expiresAt: end) == .retry(afterSeconds: 10))
    }
}
