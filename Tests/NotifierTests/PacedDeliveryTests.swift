import Domain
import Notifier
import Store
import TestKit
import Testing

/// What subscriptions ask of their delivery, and what they can tell of it, through a whole notifier.
struct PacedDeliveryTests {
    @Test func `An ordered subscription gets one message at a time, and a failing one first`() async throws {
        let answers = ["/": ReceiverAnswer.sequence([.status(503), .status(503), .status(204)])]
        try await WebhookReceiver.with(answers: answers) { receiver in
            try await withTestDeployment { deployment in
                let id = try await deployment.subscribe(receiver.url("/"), pace: Pace(isOrdered: true))
                try await deployment.post("0", "1", "2", "3")
                try await deployment.withNotifier { () async throws in
                    #expect(try await deployment.isSettled())
                }
                let bodies = receiver.requests.map { $0.text.prefix { $0 != "," } }
                #expect(bodies == [0, 0, 0, 1, 2, 3].map { "{\"body\":\($0)" })
                let log = try #require(
                    try await deployment.store.deliveries.attempts(of: deployment.queue, subscription: id))
                #expect(log.attempts.reversed().map(\.attempt) == [1, 2, 3, 1, 1, 1])
                #expect(log.succeeded == 4 && log.failed == 2)
                #expect(log.attempts.last?.report.end == .answered(code: 503))
                #expect(log.attempts.allSatisfy { $0.report.exchange.address == .loopback })
            }
        }
    }

    @Test func `A limited subscription is served at its pace, without a look in between`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let id = try await deployment.subscribe(receiver.url("/"), pace: Pace(maxPerSecond: 50))
                try await deployment.post((0..<60).map { "\($0)" })
                try await deployment.withNotifier { () async throws in #expect(try await deployment.isSettled()) }
                #expect(receiver.requests.count == 60)
                let log = try #require(
                    try await deployment.store.deliveries.attempts(of: deployment.queue, subscription: id))
                let starts = log.attempts.map(\.report.startedAt.milliseconds)
                // The clock of a notifier runs a little behind the one that lets attempts start.
                let (newest, oldest) = (starts.max() ?? 0, starts.min() ?? 0)
                #expect(newest - oldest >= 900, "fifty of them take most of a second")
            }
        }
    }

    @Test func `A paused subscription gets nothing until it is resumed`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let paused = try await deployment.subscribe(receiver.url("/paused"))
                try await deployment.subscribe(receiver.url("/other"))
                let deliveries = deployment.store.deliveries
                #expect(try await deliveries.pause(deployment.queue, subscription: paused))
                try await deployment.withNotifier {
                    try await deployment.post("1", "2")
                    #expect(try await eventually { receiver.requests.count == 2 ? true : nil } == true)
                    #expect(receiver.requests.allSatisfy { $0.uri == "/other" })
                    #expect(try await deliveries.resume(deployment.queue, subscription: paused))
                    #expect(try await deployment.isSettled())
                }
                #expect(receiver.requests.count { $0.uri == "/paused" } == 2)
            }
        }
    }

    @Test(arguments: [200, 503, 410])
    func `A test is attempted once and leaves its entry in the log, and nothing else`(status: Int) async throws {
        try await WebhookReceiver.with(answers: ["/": .status(status)]) { receiver in
            try await withTestDeployment { deployment in
                let options = #"{"_disable_on_gone": true, "post_headers": {"X-Team": "billing"}}"#
                let id = try await deployment.subscribe(receiver.url("/"), options: options)
                let document = #"{"body":1,"ttl":300,"queue_name":"orders","Message_Type":"Test"}"#
                let position = try await deployment.store.subscriptions.test(
                    deployment.queue, id: id, document: Array(document.utf8), ttl: 300)
                #expect(position != nil)
                try await deployment.withNotifier { () async throws in #expect(try await deployment.isSettled()) }
                let request = try #require(receiver.requests.first)
                #expect(receiver.count == 1 && request.text == document && request["x-team"] == "billing")
                #expect(request["herald-message-type"] == "Test" && request["herald-message-id"] == nil)
                let health = try #require(
                    try await deployment.store.deliveries.health(of: deployment.queue, subscription: id))
                #expect(health.log.attempts.map(\.report.kind) == [.test])
                #expect(health.log.attempts.first?.report.end == .answered(code: status))
                #expect(health.failures == nil && health.disabledSince == nil && health.backlog == 0)
                #expect(try await deployment.deadLetters().isEmpty)
            }
        }
    }

    @Test(arguments: [(#"{"_disable_on_gone": true}"#, true), ("{}", false)])
    func `Who answers 410 gets nothing more when the subscription says so`(options: String, isLast: Bool) async throws {
        try await WebhookReceiver.with(answers: ["/": .sequence([.status(410), .status(204)])]) { receiver in
            try await withTestDeployment { deployment in
                let id = try await deployment.subscribe(receiver.url("/"), options: options)
                let deliveries = deployment.store.deliveries
                try await deployment.withNotifier {
                    try await deployment.post("1")
                    #expect(try await deployment.deadLetters(waitingFor: 1).map(\.reason) == [.refused])
                    try await deployment.post("2")
                    let health = try await deliveries.health(of: deployment.queue, subscription: id)
                    #expect((health?.disabledSince != nil) == isLast)
                    if isLast {
                        let backlog = try await eventually {
                            let health = try await deliveries.health(of: deployment.queue, subscription: id)
                            return health?.backlog == 1 ? 1 : nil
                        }
                        #expect(backlog == 1)
                        #expect(receiver.count == 1)
                        #expect(try await deliveries.resume(deployment.queue, subscription: id))
                    }
                    #expect(try await deployment.isSettled())
                }
                #expect(receiver.count == 2)
            }
        }
    }

    @Test func `A notifier disables a subscription that did nothing but fail for notifier.disable.after`() async throws
    {
        try await withTestDeployment { deployment in
            var settings = EngineSettings()
            settings.disableAfter = .milliseconds(1)
            let id = try await deployment.subscribe("http://127.0.0.1:\(try await freeLoopbackPort())/")
            let deliveries = deployment.store.deliveries
            try await deployment.withNotifier(settings: settings) {
                try await deployment.post((0..<8).map { "\($0)" })
                let health = try await eventually {
                    let health = try await deliveries.health(of: deployment.queue, subscription: id)
                    return health?.disabledSince == nil ? nil : health
                }
                #expect(health?.backlog ?? 0 > 0)
                #expect(health?.log.attempts.first?.report.end == .unreachable(.connect))
            }
        }
    }
}
