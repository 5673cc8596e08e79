import Domain
import Testing

struct MailRetryTests {
    @Test
    func `Mail without a policy is tried after 1, 5, 10, 20 and 40 minutes, then hourly as long as the message lives`()
    {
        let schedule = RetrySchedule(.mail, ttl: 4 * 3600)
        #expect(schedule.attempts.map { $0.wait / 60 } == [0, 1, 5, 10, 20, 40, 60, 60])
        #expect(schedule.end == .expired && schedule.count == 8)
        #expect(schedule.attempts.map(\.phase).suffix(2) == [.named, .named])
        #expect(RetryPolicy.mail.attemptsMax == .max && RetryPolicy.mail.delay(afterAttempt: .max) == 3600)
    }

    @Test func `A policy of the subscription or its queue replaces that of mail`() {
        var own = RetryPolicy()
        own.delayMax = 60
        #expect(
            RetryPolicy.effective(
                queue: nil, subscription: nil, builtIn: Destination.email.retryPolicy(default: RetryPolicy())
            ).policy == .mail
        )
        #expect(
            RetryPolicy.effective(
                queue: nil, subscription: own, builtIn: Destination.email.retryPolicy(default: RetryPolicy())
            ).policy == own)
        #expect(
            RetryPolicy.effective(
                queue: own, subscription: nil, builtIn: Destination.email.retryPolicy(default: RetryPolicy())
            ).policy == own)
        #expect(
            RetryPolicy.effective(
                queue: nil, subscription: nil, builtIn: Destination.webhook.retryPolicy(default: RetryPolicy())
            ).policy
                == RetryPolicy())
    }
}
