import Domain
import Notifier
import Store
import TestKit
import Testing

/// Which policy deliveries follow, with a subscriber that never answers well.
///
/// Waits beyond the life of the message end a delivery at once, so that no test has to sit them out.
struct RetryPolicyTests {
    /// So many immediate retries, and then nothing within the minute that messages here live.
    private func policy(immediate: Int, strict: Bool = false) -> RetryPolicy {
        var policy = RetryPolicy()
        (policy.retriesWithoutDelay, policy.delayMin, policy.delayMax) = (immediate, 100, 110)
        policy.ignoresSubscriptions = strict
        return policy
    }

    private func options(immediate: Int, more: String = "") -> String {
        #"{"_retry_policy": {"retries_with_no_delay": \#(immediate), "minimum_delay": 100, "maximum_delay": 110}\#(more)}"#
    }

    @Test(
        arguments: [
            (4, false, nil, 5), (4, true, nil, 5), (nil, false, 1, 2), (4, false, 1, 2), (4, true, 1, 5),
            (0, false, nil, 1),
            (4, false, 0, 1),
        ] as [(Int?, Bool, Int?, Int)])
    func `The policy of the subscription counts, then that of the queue, unless the queue's is strict`(
        queue: Int?, strict: Bool, subscription: Int?, attempts: Int
    ) async throws {
        try await WebhookReceiver.with(answers: ["/": .status(503)]) { receiver in
            try await withTestDeployment { deployment in
                if let queue { try await deployment.setQueuePolicy(self.policy(immediate: queue, strict: strict)) }
                try await deployment.subscribe(
                    receiver.url(), options: subscription.map { self.options(immediate: $0) } ?? "{}")
                try await deployment.withNotifier {
                    try await deployment.post("1", ttl: 60)
                    let deadLetter = try #require(try await deployment.deadLetters(waitingFor: 1).first)
                    #expect(deadLetter.reason == .expired && deadLetter.attempts == attempts)
                }
                #expect(receiver.requests.map { $0["herald-attempt"] } == (1...attempts).map { "\($0)" })
            }
        }
    }

    @Test func `The waits are those of the policy, never shorter`() async throws {
        try await WebhookReceiver.with(answers: ["/": .status(500)]) { receiver in
            try await withTestDeployment { deployment in
                try await deployment.subscribe(
                    receiver.url(),
                    options: #"{"_retry_policy": {"retries_with_no_delay": 1, "minimum_delay_retries": 1,"#
                        + #""minimum_delay": 1, "maximum_delay": 11}}"#)
                try await deployment.withNotifier {
                    try await deployment.post("1")
                    try await receiver.waitFor(count: 4)
                }
                let times = receiver.requests.map(\.arrivedAt)
                try #require(times.count >= 4)
                for (before, after) in [(1, 2), (2, 3)] { #expect(times[after] - times[before] >= .seconds(1)) }
            }
        }
    }

    @Test func `A policy without further attempts ends the delivery as exhausted`() async throws {
        try await WebhookReceiver.with(answers: ["/": .status(500)]) { receiver in
            try await withTestDeployment { deployment in
                try await deployment.subscribe(
                    receiver.url(),
                    options: #"{"_retry_policy": {"retries_with_no_delay": 0, "minimum_delay_retries": 0,"#
                        + #""minimum_delay": 0, "maximum_delay": 10, "maximum_delay_retries": 0}}"#)
                try await deployment.withNotifier {
                    try await deployment.post("1", ttl: 60)
                    let deadLetter = try #require(try await deployment.deadLetters(waitingFor: 1).first)
                    #expect(deadLetter.reason == .exhausted && deadLetter.attempts == 3)
                    #expect(deadLetter.summary == "deferred 500")
                }
            }
        }
    }

    @Test(arguments: ["subscription", "queue", "deployment"])
    func `A schedule of waits is followed to its end, wherever it is set`(place: String) async throws {
        let waits = RetryPolicy(waits: [0, 1])
        var settings = EngineSettings()
        if place == "deployment" { settings.retryPolicyDefault = waits }
        let chosen = settings
        try await WebhookReceiver.with(answers: ["/": .status(500)]) { receiver in
            try await withTestDeployment { deployment in
                if place == "queue" { try await deployment.setQueuePolicy(waits) }
                let options = place == "subscription" ? #"{"_retry_policy": {"schedule": [0, 1]}}"# : "{}"
                try await deployment.subscribe(receiver.url(), options: options)
                try await deployment.withNotifier(settings: chosen) {
                    try await deployment.post("1")
                    let deadLetter = try #require(try await deployment.deadLetters(waitingFor: 1).first)
                    #expect(deadLetter.reason == .exhausted && deadLetter.attempts == 3)
                }
                let times = receiver.requests.map(\.arrivedAt)
                try #require(times.count == 3)
                #expect(times[2] - times[1] >= .seconds(1))
            }
        }
    }

    @Test func `A queue's policy that changes counts from the next attempt on`() async throws {
        try await WebhookReceiver.with(answers: ["/": .status(500)]) { receiver in
            try await withTestDeployment { deployment in
                var first = RetryPolicy()
                (first.retriesWithoutDelay, first.delayMin, first.delayMax) = (0, 2, 12)
                try await deployment.setQueuePolicy(first)
                try await deployment.subscribe(receiver.url())
                try await deployment.withNotifier {
                    try await deployment.post("1", ttl: 60)
                    try await receiver.waitFor(count: 1)
                    try await deployment.setQueuePolicy(self.policy(immediate: 4))
                    let deadLetter = try #require(try await deployment.deadLetters(waitingFor: 1).first)
                    #expect(deadLetter.attempts == 5 && deadLetter.reason == .expired)
                }
            }
        }
    }

    @Test func `A subscription that changes is attempted as it is now`() async throws {
        let answers: [String: ReceiverAnswer] = ["/": .sequence([.status(500), .status(204)])]
        try await WebhookReceiver.with(answers: answers) { receiver in
            try await withTestDeployment { deployment in
                @Sendable func options(_ word: String) -> String {
                    #"{"post_data": "\#(word)", "post_headers": {"X-Word": "\#(word)"},"#
                        + #""_retry_policy": {"retries_with_no_delay": 0, "minimum_delay": 2, "maximum_delay": 12}}"#
                }
                let subscription = try await deployment.subscribe(receiver.url(), options: options("old"))
                try await deployment.withNotifier {
                    try await deployment.post("1")
                    try await receiver.waitFor(count: 1)
                    try await deployment.change(subscription, options: options("new"))
                    try await receiver.waitFor(count: 2)
                    #expect(try await deployment.isSettled())
                }
                #expect(receiver.requests.map(\.text) == ["old", "new"])
                #expect(receiver.requests.map { $0["x-word"] } == ["old", "new"])
                #expect(Set(receiver.requests.map { $0["webhook-id"] }).count == 1)
            }
        }
    }
}
