import Domain
import Notifier
import Signing
import Store
import TestKit
import Testing

/// From a post to a webhook, with a real Redis and a real receiver.
struct DeliveryTests {
    @Test func `A message arrives as a signed webhook`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let subscription = try await deployment.subscribe(receiver.url("/hook?a=b"))
                try await deployment.withNotifier {
                    let ids = try await deployment.post(
                        #"{"event": "BackupStarted", "n": 1.50, "ü": "\u00fc"}"#, ttl: 300)
                    try await receiver.waitFor(count: 1)
                    let request = try #require(receiver.requests.first)
                    #expect(
                        request.text
                            == #"{"body":{"event": "BackupStarted", "n": 1.50, "ü": "\u00fc"},"ttl":300,"#
                            + #""queue_name":"orders","Message_Type":"Notification"}"#)
                    #expect(request.uri == "/hook?a=b")
                    #expect(request["content-type"] == "application/json")
                    #expect(request["herald-attempt"] == "1")
                    #expect(request["herald-message-id"] == ids.first?.text)
                    #expect(request["herald-subscription-id"] == subscription.text)
                    #expect(request["herald-message-type"] == "Notification")
                    let id = try #require(request["webhook-id"])
                    let timestamp = try #require(request["webhook-timestamp"].flatMap { Int64($0) })
                    #expect(abs(Int(timestamp) - request.arrivedAtSeconds) < 60)
                    #expect(
                        request["webhook-signature"]
                            == deployment.secret(of: subscription).signature(
                                id: id, timestamp: timestamp, body: request.body))
                    #expect(try await deployment.isSettled())
                }
                #expect(receiver.count == 1)
                #expect(try await deployment.deadLetters().isEmpty)
            }
        }
    }

    @Test func `What was posted before the notifier came is delivered when it comes`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                try await deployment.subscribe(receiver.url())
                for index in 0..<50 { try await deployment.post("\(index)") }
                try await deployment.withNotifier {
                    try await receiver.waitFor(count: 50)
                    #expect(try await deployment.isSettled())
                }
                #expect(Set(receiver.requests.compactMap { $0["webhook-id"] }).count == 50)
                #expect(receiver.count == 50)
            }
        }
    }

    @Test func `Two failures and a success are three attempts of one delivery`() async throws {
        let answers: [String: ReceiverAnswer] = ["/": .sequence([.status(500), .status(503), .status(200)])]
        try await WebhookReceiver.with(answers: answers) { receiver in
            try await withTestDeployment { deployment in
                try await deployment.subscribe(receiver.url())
                try await deployment.withNotifier {
                    try await deployment.post("1")
                    try await receiver.waitFor(count: 3)
                    #expect(try await deployment.isSettled())
                }
                let requests = receiver.requests
                #expect(requests.map { $0["herald-attempt"] } == ["1", "2", "3"])
                #expect(Set(requests.compactMap { $0["webhook-id"] }).count == 1)
                #expect(Set(requests.map(\.text)).count == 1)
                #expect(try await deployment.deadLetters().isEmpty)
            }
        }
    }

    @Test(arguments: [
        (410, "{}"), (404, #"{"_final_statuses": [400, 404]}"#), (301, #"{"_final_statuses": ["3xx"]}"#),
        (503, #"{"_final_statuses": [404, "5xx"]}"#),
    ])
    func `An answer that is final for the subscription makes it a dead letter`(
        status: Int, options: String
    ) async throws {
        try await WebhookReceiver.with(answers: ["/": .status(status)]) { receiver in
            try await withTestDeployment { deployment in
                let subscription = try await deployment.subscribe(receiver.url(), options: options)
                try await deployment.withNotifier {
                    try await deployment.post(#"{"keep": "me"}"#)
                    let deadLetter = try #require(try await deployment.deadLetters(waitingFor: 1).first)
                    #expect(deadLetter.reason == .refused)
                    #expect(deadLetter.attempts == 1)
                    #expect(deadLetter.subscription == subscription)
                    #expect(deadLetter.summary == "refused \(status)")
                    let kept = try await deployment.store.deliveries.deadLetter(
                        of: deployment.queue, subscription: subscription, position: deadLetter.position)
                    #expect(kept.map { String(decoding: $0.content.body, as: UTF8.self) } == #"{"keep": "me"}"#)
                    #expect(try await deployment.isSettled())
                }
                #expect(receiver.count == 1)
            }
        }
    }

    @Test(arguments: [301, 400, 403, 404, 408, 413, 501])
    func `A receiver that answers anything but 2xx and 410 for a while gets the message by the policy`(
        status: Int
    ) async throws {
        let answers = ["/": ReceiverAnswer.sequence([.status(status), .status(status), .status(204)])]
        try await WebhookReceiver.with(answers: answers) { receiver in
            try await withTestDeployment { deployment in
                let id = try await deployment.subscribe(receiver.url(), options: #"{"_final_statuses": [410, 499]}"#)
                try await deployment.withNotifier {
                    try await deployment.post("1")
                    try await receiver.waitFor(count: 3)
                    #expect(try await deployment.isSettled())
                }
                let health = try await deployment.store.deliveries.health(of: deployment.queue, subscription: id)
                #expect(
                    health?.log.attempts.map(\.report.end)
                        == [204, status, status].map { .answered(code: $0) })
                #expect(try await deployment.deadLetters().isEmpty)
            }
        }
    }

    @Test func `A kept connection that closes at the next message costs no attempt, and the log says so`() async throws
    {
        try await WebhookReceiver.with(answers: ["/": .oncePerConnection]) { receiver in
            try await withTestDeployment { deployment in
                let id = try await deployment.subscribe(receiver.url())
                try await deployment.withNotifier {
                    try await deployment.post("1")
                    try await receiver.waitFor(count: 1)
                    #expect(try await deployment.isSettled())
                    try await deployment.post("2")
                    try await receiver.waitFor(count: 3)
                    #expect(try await deployment.isSettled())
                }
                let health = try await deployment.store.deliveries.health(of: deployment.queue, subscription: id)
                #expect(health?.log.attempts.map(\.report.exchange.reconnected) == [true, false])
                #expect(health?.log.attempts.allSatisfy { $0.attempt == 1 && $0.report.isSuccess } == true)
                #expect(receiver.requests.map { $0["herald-attempt"] } == ["1", "1", "1"])
            }
        }
    }

    @Test func `A dead letter that is sent again arrives under the same webhook-id`() async throws {
        try await WebhookReceiver.with(answers: ["/": .sequence([.status(410), .status(200)])]) { receiver in
            try await withTestDeployment { deployment in
                try await deployment.subscribe(receiver.url())
                try await deployment.withNotifier {
                    try await deployment.post(#"{"keep": "me"}"#)
                    let deadLetter = try #require(try await deployment.deadLetters(waitingFor: 1).first)
                    let (outcomes, _) = try await deployment.store.deliveries.redrive(
                        [(deadLetter.subscription, deadLetter.position)], of: deployment.queue, confirmedOnly: [])
                    #expect(outcomes == [.enqueued])
                    try await receiver.waitFor(count: 2)
                    #expect(try await deployment.isSettled())
                }
                let requests = receiver.requests
                #expect(requests.count == 2 && Set(requests.map(\.text)).count == 1)
                #expect(Set(requests.compactMap { $0["webhook-id"] }).count == 1)
                #expect(requests.map { $0["herald-attempt"] } == ["1", "1"])
                #expect(try await deployment.deadLetters().isEmpty)
            }
        }
    }

    @Test func `An address the policy forbids is a dead letter, and nothing was called`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                try await deployment.subscribe(receiver.url())
                try await deployment.withNotifier(opening: []) {
                    try await deployment.post("1")
                    #expect(try await deployment.deadLetters(waitingFor: 1).map(\.reason) == [.forbidden])
                }
                #expect(receiver.connections == 0)
            }
        }
    }

    @Test func `A wait longer than the message lives ends the delivery as expired`() async throws {
        // The policy's longest wait is 30 s and the shortest life of a message 60 s: a message that is about to end.
        let answers: [String: ReceiverAnswer] = ["/": .status(503, headers: [("retry-after", "3600")])]
        try await WebhookReceiver.with(answers: answers) { receiver in
            try await withTestDeployment { deployment in
                try await deployment.subscribe(receiver.url())
                try await deployment.withNotifier {
                    try await deployment.post("1", ttl: 20)
                    let deadLetter = try #require(try await deployment.deadLetters(waitingFor: 1).first)
                    #expect(deadLetter.reason == .expired)
                    #expect(deadLetter.summary == "deferred 503")
                }
                #expect(receiver.count == 1)
            }
        }
    }

    @Test func `A message that has expired before its first attempt is a dead letter`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                try await deployment.subscribe(receiver.url())
                try await deployment.post("1", ttl: 1)
                // Redis' own clock: there is no other way to make its time pass than to wait for it.
                let posted = try await deployment.store.deliveries.status(of: [0])[0].now
                _ = try await eventually {
                    try await deployment.store.deliveries.status(of: [0])[0].now > posted.adding(seconds: 2)
                        ? true : nil
                }
                try await deployment.withNotifier {
                    let deadLetter = try #require(try await deployment.deadLetters(waitingFor: 1).first)
                    #expect(deadLetter.reason == .expired)
                }
                #expect(receiver.count == 0)
            }
        }
    }

    @Test func `Three immediate retries come at once and the fourth waits five seconds, never less`() async throws {
        try await WebhookReceiver.with(answers: ["/": .close]) { receiver in
            try await withTestDeployment { deployment in
                try await deployment.subscribe(receiver.url())
                try await deployment.withNotifier {
                    try await deployment.post("1")
                    try await receiver.waitFor(count: 5)
                }
                let requests = receiver.requests.prefix(5)
                #expect(requests.map { $0["herald-attempt"] } == ["1", "2", "3", "4", "5"])
                let wait = requests[4].arrivedAt - requests[3].arrivedAt
                #expect(wait >= .seconds(5))
                #expect(wait < .seconds(15), "a generous bound: the machine may be busy")
            }
        }
    }

    @Test func `A subscription that is gone gets nothing and leaves nothing`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let gone = try await deployment.subscribe(receiver.url("/gone"))
                try await deployment.subscribe(receiver.url("/stays"))
                try await deployment.withNotifier {
                    try await deployment.post("1")
                    try await receiver.waitFor(count: 2)
                    try await deployment.store.subscriptions.delete(deployment.queue, id: gone)
                    try await deployment.post("2")
                    try await receiver.waitFor(count: 3)
                    #expect(try await deployment.isSettled())
                }
                #expect(receiver.requests(at: "/gone").count == 1)
                #expect(receiver.requests(at: "/stays").count == 2)
            }
        }
    }

    @Test func `A wide fan-out reaches everyone once`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for index in 0..<1000 {
                        group.addTask { try await deployment.subscribe(receiver.url("/\(index)")) }
                    }
                    try await group.waitForAll()
                }
                try await deployment.withNotifier {
                    try await deployment.post("1", "2")
                    try await receiver.waitFor(count: 2000)
                    #expect(try await deployment.isSettled())
                }
                #expect(receiver.count == 2000)
                #expect(Set(receiver.requests.compactMap { $0["webhook-id"] }).count == 2000)
                #expect(Set(receiver.requests.map(\.uri)).count == 1000)
            }
        }
    }

    @Test func `One slot is enough for everything, over all shards`() async throws {
        var settings = EngineSettings()
        settings.concurrency = 1
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { [settings] deployment in
                let queues = try (0..<8).map {
                    QueueAddress(project: deployment.queue.project, name: try QueueName("queue-\($0)"))
                }
                for queue in queues {
                    try await deployment.subscribe(receiver.url("/\(queue.name.text)"), queue: queue)
                    try await deployment.post(["1", "2", "3", "4", "5"], to: queue)
                }
                try await deployment.withNotifier(settings: settings) {
                    try await receiver.waitFor(count: 40)
                    #expect(try await deployment.isSettled())
                }
                #expect(receiver.count == 40)
            }
        }
    }

    @Test func `A dead endpoint does not keep a message from the living`() async throws {
        try await WebhookReceiver.with(answers: ["/dead": .hang]) { receiver in
            try await withTestDeployment { deployment in
                try await deployment.subscribe(receiver.url("/dead"))
                try await deployment.subscribe(receiver.url("/alive"))
                var settings = EngineSettings()
                settings.drain = .milliseconds(100)
                try await deployment.withNotifier(settings: settings) {
                    for index in 0..<100 { try await deployment.post("\(index)") }
                    let arrived = try await eventually {
                        receiver.requests(at: "/alive").count == 100 ? true : nil
                    }
                    #expect(arrived == true)
                }
            }
        }
    }
}
