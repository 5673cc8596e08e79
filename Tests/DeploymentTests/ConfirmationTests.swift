import Domain
import Foundation
import Redis
import TestKit
import Testing

extension DeploymentTests {
    /// A deployment that asks, and a subscriber that answers: real processes, real webhooks.
    struct ConfirmationTests {
        private static let settings = [
            "HERALD_CONFIRMATION_REQUIRED": "true", "HERALD_SIGNED_URL_KEYS": "a-key-of-sixteen-and-more",
        ]
        private static let client = [
            ("Client-ID", "3381af92-2b9e-11e3-b191-71861300734c"), ("Content-Type", "application/json"),
        ]
        private let queue = "/v2/queues/orders"

        private func answer(_ caller: HTTPCaller, to request: ReceivedRequest, confirmed: Bool) async throws -> Int {
            let document = try #require(try JSONSerialization.jsonObject(with: Data(request.body)) as? [String: Any])
            let names = ["URL-Signature", "URL-Methods", "URL-Paths", "X-Project-ID", "URL-Expires"]
            let headers = names.compactMap { name in (document[name] as? String).map { (name, $0) } }
            return try await caller.send(
                "PUT", try #require(document["URL-Paths"] as? String), headers: headers + Self.client,
                body: "{\"confirmed\": \(confirmed)}"
            ).status
        }

        private func areEventsTaken(_ deployment: Deployment) async throws -> Bool {
            try await deployment.redis.command("KEYS", "herald:{s*}:events:*").array?.isEmpty ?? true
        }

        /// Has the minute be over in which the address is asked nothing more.
        private func endMinute(_ deployment: Deployment) async throws {
            let keys =
                try await deployment.redis.command("KEYS", "herald:{control}:confirmations:*").array?.compactMap {
                    $0.text
                }
                ?? []
            #expect(keys.count == 1)
            for key in keys { try await deployment.redis.command("DEL", key) }
        }

        @Test func `A subscriber is asked, then notified, then no longer, then again`() async throws {
            try await withDeployment(settings: Self.settings) { deployment in
                let caller = HTTPCaller(try await deployment.startAPI().address)
                _ = try await deployment.startNotifier()
                try await WebhookReceiver.with { receiver in
                    func types() -> [String] { receiver.requests.compactMap { $0["herald-message-type"] } }
                    func post(_ body: Int) async throws {
                        let posted = try await caller.send(
                            "POST", "\(self.queue)/messages", headers: Self.client + [("X-Project-Id", "p")],
                            body: "{\"messages\": [{\"body\": \(body)}]}")
                        #expect(posted.status == 201)
                        // Who is notified is decided when the event is taken.
                        #expect(try await eventually { try await self.areEventsTaken(deployment) ? true : nil } == true)
                    }
                    let made = try await caller.send(
                        "POST", "\(self.queue)/subscriptions", headers: Self.client + [("X-Project-Id", "p")],
                        body: "{\"subscriber\": \"\(receiver.url())\"}")
                    #expect(made.status == 201)
                    try await post(1)  // not for one that has not agreed
                    try await receiver.waitFor(count: 1)
                    #expect(types() == ["SubscriptionConfirmation"])
                    #expect(try await self.answer(caller, to: receiver.requests[0], confirmed: true) == 204)
                    try await post(2)
                    try await receiver.waitFor(count: 2)
                    #expect(types() == ["SubscriptionConfirmation", "Notification"])
                    #expect(receiver.requests[1].text.contains(#""body":2,"#))
                    try await self.endMinute(deployment)
                    #expect(try await self.answer(caller, to: receiver.requests[0], confirmed: false) == 204)
                    try await receiver.waitFor(count: 3)
                    try await post(3)
                    #expect(try await self.answer(caller, to: receiver.requests[2], confirmed: true) == 204)
                    try await post(4)
                    try await receiver.waitFor(count: 4)
                    #expect(
                        types() == [
                            "SubscriptionConfirmation", "Notification", "UnsubscribeConfirmation", "Notification",
                        ])
                    #expect(receiver.requests[3].text.contains(#""body":4,"#))
                }
            }
        }

        @Test func `Every kind of webhook is as the AsyncAPI document says`() async throws {
            try await withDeployment(settings: Self.settings) { deployment in
                let caller = HTTPCaller(try await deployment.startAPI().address)
                _ = try await deployment.startNotifier()
                try await WebhookReceiver.with { receiver in
                    let headers = Self.client + [("X-Project-Id", "p")]
                    let made = try await caller.send(
                        "POST", "\(self.queue)/subscriptions", headers: headers,
                        body: "{\"subscriber\": \"\(receiver.url())\"}")
                    let id = try #require(made.text.firstMatch(of: /"subscription_id":"([^"]+)"/)).1
                    try await receiver.waitFor(count: 1)
                    #expect(try await self.answer(caller, to: receiver.requests[0], confirmed: true) == 204)
                    for (path, body) in [
                        ("messages", #"{"messages": [{"body": {"order": 81}, "delay": 0}]}"#),
                        ("subscriptions/\(id)/test", "{}"),
                    ] {
                        let count = receiver.count
                        let reply = try await caller.send("POST", "\(self.queue)/\(path)", headers: headers, body: body)
                        #expect((200...202).contains(reply.status), "\(reply.text)")
                        try await receiver.waitFor(count: count + 1)
                    }
                    try await self.endMinute(deployment)
                    #expect(try await self.answer(caller, to: receiver.requests[0], confirmed: false) == 204)
                    let messages = [
                        "SubscriptionConfirmation": "webhook_confirmation", "Notification": "webhook_notification",
                        "Test": "webhook_test", "UnsubscribeConfirmation": "webhook_unsubscribed",
                    ]
                    try await receiver.waitFor(count: messages.count)
                    var (cases, missing) = (SchemaCases(), SchemaCases())
                    var kinds: Set<String> = []
                    for request in receiver.requests {
                        let kind = try #require(request["herald-message-type"])
                        kinds.insert(kind)
                        let message = "#/components/messages/\(try #require(messages[kind]))"
                        let headers = Dictionary(request.headers) { first, _ in first }
                        cases.add("\(message)/headers", headers)
                        cases.add("\(message)/payload", try JSONSerialization.jsonObject(with: Data(request.body)))
                        for name in headers.keys where name.hasPrefix("webhook-") || name.hasPrefix("herald-") {
                            missing.add("\(message)/headers", headers.filter { $0.key != name })
                        }
                    }
                    #expect(kinds == Set(messages.keys))
                    let document = try await caller.send("GET", "/v2/asyncapi.json").text
                    #expect(try await cases.faults(in: document) == [])
                    // No header of ours is left out of the document.
                    let found = Set(try await missing.faults(in: document).map { $0.prefix { $0 != ":" } })
                    #expect(found.count == missing.count && missing.count >= 24, "\(found)")
                }
            }
        }

        @Test func `A deployment that is to ask and cannot sign does not start`() async throws {
            let message = await #expect(throws: Deployment.DidNotStart.self) {
                try await withDeployment(settings: ["HERALD_CONFIRMATION_REQUIRED": "true"]) { deployment in
                    _ = try await deployment.startAPI()
                }
            }
            let words = try #require(message).description
            #expect(words.contains("confirmation.required") && words.contains("signed.url.keys"), "\(words)")
            #expect(words.contains("78"), "\(words)")
        }
    }
}
