import Domain
import Signing
import Store
import TestKit
import Testing

/// Filter policies through a whole notifier, from the post to the subscriber.
struct FilteredDeliveryTests {
    private static let filtered = Pace(isFiltered: true)

    private func subscribe(
        _ deployment: TestDeployment, _ url: String, _ policy: String, pace: Pace = Self.filtered
    ) async throws -> SubscriptionID {
        try await deployment.subscribe(url, options: #"{"_filter": \#(policy)}"#, pace: pace)
    }

    /// The body of each notification.
    private func bodies(_ receiver: WebhookReceiver, at path: String) -> [String] {
        receiver.requests.filter { $0.uri == path }.compactMap { request in
            request.text.firstMatch(of: #/^\{"body":(.*),"ttl"/#).map { String($0.output.1) }
        }
    }

    @Test func `Each subscriber gets what its policy lets through, and everything without one`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                _ = try await self.subscribe(deployment, receiver.url("/created"), #"{"event": ["created"]}"#)
                _ = try await self.subscribe(
                    deployment, receiver.url("/large"), #"{"order": {"total": [{"numeric": [">=", 100]}]}}"#)
                try await deployment.subscribe(receiver.url("/all"))
                let messages = [
                    #"{"event":"created","order":{"total":5}}"#, #"{"event":"deleted","order":{"total":100}}"#, "7",
                ]
                try await deployment.withNotifier {
                    try await deployment.post(messages)
                    try await deployment.postSealed(
                        #"{"event":"created","order":{"total":200}}"#, with: Vault(masterKey: deployment.masterKey))
                    #expect(try await deployment.isSettled())
                }
                let sealed = #"{"event":"created","order":{"total":200}}"#
                #expect(self.bodies(receiver, at: "/all").sorted() == (messages + [sealed]).sorted())
                #expect(self.bodies(receiver, at: "/created") == [messages[0], sealed])
                #expect(self.bodies(receiver, at: "/large").sorted() == [messages[1], sealed].sorted())
                #expect(try await deployment.deadLetters().isEmpty)
            }
        }
    }

    @Test func `What is refused takes nothing of a limit: ten a second, and the last of a thousand comes at once`()
        async throws
    {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let id = try await self.subscribe(
                    deployment, receiver.url("/"), #"{"last": [true]}"#, pace: Pace(maxPerSecond: 10, isFiltered: true))
                try await deployment.withNotifier {
                    for _ in 0..<50 { try await deployment.post(Array(repeating: "{}", count: 20)) }
                    try await deployment.post(#"{"last":true}"#)
                    #expect(try await deployment.isSettled())
                }
                #expect(self.bodies(receiver, at: "/") == [#"{"last":true}"#])
                let health = try #require(
                    try await deployment.store.deliveries.health(of: deployment.queue, subscription: id))
                #expect(
                    health.backlog == 0 && health.expired == 0 && health.log.succeeded == 1 && health.log.failed == 0)
            }
        }
    }

    @Test func `A policy counts for the next message, and a paused subscription keeps only what it lets through`()
        async throws
    {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let id = try await self.subscribe(deployment, receiver.url("/"), #"{"n": [1]}"#)
                let deliveries = deployment.store.deliveries
                #expect(try await deliveries.pause(deployment.queue, subscription: id))
                try await deployment.withNotifier {
                    try await deployment.post(#"{"n":1}"#, #"{"n":2}"#)
                    let waits = try await eventually {
                        let health = try await deliveries.health(of: deployment.queue, subscription: id)
                        return health?.backlog == 1 ? true : nil
                    }
                    #expect(waits == true)
                    let change = SubscriptionChange(
                        options: Array(#"{"_filter": {"n": [2]}}"#.utf8), pace: Pace(isFiltered: true))
                    _ = try await deployment.store.subscriptions.update(
                        deployment.queue, id: id, change, resettingConfirmation: false)
                    try await deployment.post(#"{"n":1}"#, #"{"n":2}"#)
                    #expect(try await deliveries.resume(deployment.queue, subscription: id))
                    #expect(try await deployment.isSettled())
                }
                #expect(self.bodies(receiver, at: "/") == [#"{"n":1}"#, #"{"n":2}"#])
            }
        }
    }

    @Test func `A body that does not open is not refused`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let id = try await self.subscribe(deployment, receiver.url("/"), #"{"n": [1]}"#)
                let stranger = try Vault(masterKey: MasterKey(MasterKey.generate()))
                try await deployment.postSealed("{}", with: stranger)
                try await deployment.withNotifier {
                    let fails = try await eventually {
                        let log = try await deployment.store.deliveries.attempts(of: deployment.queue, subscription: id)
                        return log?.attempts.first?.report.end.error == "sealed" ? true : nil
                    }
                    #expect(fails == true)
                }
                #expect(receiver.count == 0)
            }
        }
    }

    @Test func `Two notifiers serve a queue of many policies, and nothing comes twice`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                for number in 0..<30 {
                    _ = try await self.subscribe(deployment, receiver.url("/\(number)"), #"{"for": [\#(number)]}"#)
                }
                try await deployment.withNotifier {
                    try await deployment.withNotifier {
                        for round in 0..<4 {
                            try await deployment.post(
                                (0..<15).map { #"{"for":[\#($0),\#($0 + 15)],"round":\#(round)}"# })
                        }
                        #expect(try await deployment.isSettled())
                    }
                }
                #expect(receiver.count == 120)
                for number in 0..<30 { #expect(Set(self.bodies(receiver, at: "/\(number)")).count == 4) }
            }
        }
    }
}
