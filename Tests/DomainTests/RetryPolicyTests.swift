import Domain
import Testing

struct RetryPolicyTests {
    @Test func `The default policy makes 15 attempts over 180 s`() {
        let policy = RetryPolicy()
        let delays = (1...20).prefix { policy.delay(afterAttempt: $0) != nil }.compactMap {
            policy.delay(afterAttempt: $0)
        }
        #expect(delays == [0, 0, 0, 5, 5, 5, 5, 10, 15, 20, 25, 30, 30, 30])
        #expect(delays.reduce(0, +) == 180)
        #expect(policy.attemptsMax == 15)
        #expect(policy.delay(afterAttempt: 15) == nil)
    }

    @Test(arguments: [0, -1, Int.min])
    func `A number below 1, which only a damaged store has, counts as the first attempt`(attempt: Int) {
        #expect(RetryPolicy().delay(afterAttempt: attempt) == 0)
    }

    private func policy(delayMax: Int, ignoresSubscriptions: Bool = false) -> RetryPolicy {
        var policy = RetryPolicy()
        policy.delayMax = delayMax
        policy.ignoresSubscriptions = ignoresSubscriptions
        return policy
    }

    @Test func `A subscription's policy counts before the queue's, unless the queue forbids it`() {
        func expect(
            _ queue: RetryPolicy?, _ subscription: RetryPolicy?, _ policy: RetryPolicy, _ source: RetryPolicy.Source
        ) {
            let effective = RetryPolicy.effective(queue: queue, subscription: subscription)
            #expect(effective.policy == policy && effective.source == source)
        }
        let (queue, subscription) = (self.policy(delayMax: 60), self.policy(delayMax: 120))
        expect(nil, nil, RetryPolicy(), .builtIn)
        expect(queue, nil, queue, .queue(overriding: false))
        expect(nil, subscription, subscription, .subscription)
        expect(queue, subscription, subscription, .subscription)
        let strict = self.policy(delayMax: 60, ignoresSubscriptions: true)
        expect(strict, subscription, strict, .queue(overriding: true))
        expect(strict, nil, strict, .queue(overriding: false))
        // In a subscription the flag means nothing.
        let proud = self.policy(delayMax: 120, ignoresSubscriptions: true)
        expect(queue, proud, proud, .subscription)
        expect(nil, proud, proud, .subscription)
    }
}

struct RetryScheduleTests {
    @Test func `A policy that names its waits makes one attempt behind each, and no more`() {
        let policy = RetryPolicy.Preset.standardWebhooks.policy
        let schedule = RetrySchedule(policy, ttl: 1_209_600)
        #expect(schedule.count == 10 && schedule.end == .exhausted && policy.attemptsMax == 10)
        #expect(schedule.attempts.map(\.wait) == [0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400])
        #expect(schedule.attempts.last?.offset == 272_105 && schedule.attempts.last?.phase == .named)
        #expect(RetrySchedule(policy, ttl: 3600).end == .expired)
        let once = RetrySchedule(RetryPolicy(waits: []), ttl: 3600)
        #expect(once.count == 1 && once.end == .exhausted)
    }

    @Test func `All attempts of the default policy, with their phases, waits and times`() {
        let schedule = RetrySchedule(RetryPolicy(), ttl: 3600)
        #expect(schedule.count == 15 && schedule.end == .exhausted)
        #expect(schedule.attempts.map(\.number) == Array(1...15))
        #expect(schedule.attempts.map(\.wait) == [0, 0, 0, 0, 5, 5, 5, 5, 10, 15, 20, 25, 30, 30, 30])
        #expect(schedule.attempts.map(\.offset) == [0, 0, 0, 0, 5, 10, 15, 20, 30, 45, 65, 90, 120, 150, 180])
        let phases: [RetryPolicy.Phase] =
            [.first] + [.immediate, .minimum].flatMap { [$0, $0, $0] } + Array(repeating: .backoff, count: 5)
            + Array(repeating: .maximum, count: 3)
        #expect(schedule.attempts.map(\.phase) == phases)
    }

    @Test(arguments: [(180, 14), (181, 15), (120, 12), (121, 13), (60, 10), (5, 4), (1, 4)])
    func `An attempt due when the message ends, or later, is not made`(ttl: Int, count: Int) {
        let schedule = RetrySchedule(RetryPolicy(), ttl: ttl)
        #expect(schedule.count == count && schedule.attempts.count == count)
        #expect(schedule.end == (count == 15 ? .exhausted : .expired))
    }

    @Test func `Of a very long one all are counted, and the first thousand listed`() {
        var policy = RetryPolicy()
        (policy.delayMin, policy.delayMax, policy.backoff) = (1, 86_400, .geometric)
        let schedule = RetrySchedule(policy, ttl: 1_209_600)
        #expect(schedule.count > RetrySchedule.shownMax && schedule.count < policy.attemptsMax)
        #expect(schedule.attempts.count == RetrySchedule.shownMax && schedule.end == .expired)
    }

    @Test func `The smallest policy is one attempt and two immediate retries before its waits`() {
        var policy = RetryPolicy()
        (policy.retriesWithoutDelay, policy.minimumDelayRetries, policy.maximumDelayRetries) = (2, 1, 1)
        (policy.delayMin, policy.delayMax) = (1, 11)
        #expect(RetrySchedule(policy, ttl: 60).attempts.map(\.wait) == [0, 0, 0, 1, 1, 6, 11])
    }
}
