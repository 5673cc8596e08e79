package import Foundation
import Signing

/// The demonstration: a queue, subscribers of our own, messages, and the webhook and the mail that come of them.
package struct Demo: Sendable {
    /// How long a webhook may take to arrive; unloaded it takes milliseconds.
    private static let arrivalLimit = Duration.seconds(10)
    /// Standard Webhooks: a timestamp further away than this is not to be trusted.
    private static let clockToleranceSeconds: Int64 = 300

    private let url: URL
    private let terminal: Terminal
    private let client: HeraldClient
    private let queue: String
    /// nil: the deployment sends its mail elsewhere, or none.
    private let catcher: MailCatcher?

    package init(url: URL, terminal: Terminal, catcher: MailCatcher? = nil) {
        self.url = url
        self.terminal = terminal
        self.catcher = catcher
        self.client = HeraldClient(url: url, project: "demo")
        self.queue = "demo-\(UUID().uuidString.prefix(8).lowercased())"
    }

    /// - Throws: ``Failure``, in words, when anything is not as it should be.
    package func run() async throws {
        try await Receiver.run { port, arrivals in
            let path = "/v2/queues/\(self.queue)"
            _ = try await self.client.expect(201, "PUT", path)
            self.terminal.step("made the queue", self.queue)
            let result: Result<Void, any Error>
            do {
                try await self.deliver(to: port, queue: path, arrivals: arrivals)
                if let catcher = self.catcher {
                    self.terminal.line()
                    try await MailDemo(client: self.client, catcher: catcher, terminal: self.terminal, path: path).run()
                }
                result = .success(())
            } catch {
                result = .failure(error)
            }
            // Also after a failure, and without hiding it.
            await self.cleanUp(path)
            try result.get()
        }
        self.terminal.line()
    }

    private func deliver(to port: Int, queue path: String, arrivals: AsyncStream<Arrival>) async throws {
        let subscriber = "http://127.0.0.1:\(port)/orders"
        let subscription = try await self.subscribe(subscriber, path: path)
        self.terminal.step("subscribed", subscriber)
        let secret = try await self.secret(of: subscription, path: path)
        let body = "{\"event\": \"order.placed\", \"order\": 4711}"
        var posted = try await self.post(body, to: path)
        var arrival = try await Self.next(of: arrivals)
        if Self.isQuestion(arrival) {
            try await self.confirm(arrival)
            self.terminal.step("confirmed", "with the signed link the subscriber was sent")
            // What was posted before is not sent to it.
            posted = try await self.post(body, to: path)
            arrival = try await Self.next(of: arrivals)
        }
        self.show(arrival)
        try Self.check(arrival, body: body, queue: self.queue)
        let verdict = SignatureCheck.verdict(
            on: arrival, secret: secret, now: Int64(Date().timeIntervalSince1970),
            toleranceSeconds: Self.clockToleranceSeconds)
        guard verdict == .genuine else { throw Failure("the webhook arrived, but \(verdict.words)") }
        let milliseconds = (arrival.at - posted) / .milliseconds(1)
        self.terminal.line()
        self.terminal.good("the signature is genuine", "checked with the subscription's secret (Standard Webhooks)")
        self.terminal.good("from post to arrival", String(format: "%.1f ms", milliseconds))
    }

    /// - Returns: When it was posted.
    private func post(_ body: String, to path: String) async throws -> ContinuousClock.Instant {
        let posted = ContinuousClock.now
        _ = try await self.client.expect(
            201, "POST", "\(path)/messages", json: Data("{\"messages\": [{\"body\": \(body), \"ttl\": 300}]}".utf8))
        self.terminal.step("posted a message", body)
        return posted
    }

    private func subscribe(_ subscriber: String, path: String) async throws -> String {
        struct Created: Decodable {
            let subscription_id: String
        }
        let request = try JSONSerialization.data(withJSONObject: ["subscriber": subscriber, "ttl": 300])
        let answer = try await self.client.expect(201, "POST", "\(path)/subscriptions", json: request)
        return try Self.decoded(Created.self, from: answer, what: "the answer to the subscription").subscription_id
    }

    private func secret(of subscription: String, path: String) async throws -> WebhookSecret {
        struct Answer: Decodable {
            let secret: String
        }
        let answer = try await self.client.expect(200, "GET", "\(path)/subscriptions/\(subscription)/secret")
        let text = try Self.decoded(Answer.self, from: answer, what: "the subscription's secret").secret
        guard let secret = WebhookSecret(text: text) else { throw Failure("the subscription's secret is no secret") }
        return secret
    }

    /// Does what a subscriber does that wants to be notified: answers with the headers it was sent.
    private func confirm(_ question: Arrival) async throws {
        struct Document: Decodable {
            enum CodingKeys: String, CodingKey {
                case signature = "URL-Signature"
                case methods = "URL-Methods"
                case paths = "URL-Paths"
                case project = "X-Project-ID"
                case expires = "URL-Expires"
            }
            let signature: String
            let methods: String
            let paths: String
            let project: String
            let expires: String
        }
        let document = try Self.decoded(Document.self, from: Data(question.body), what: "the confirmation")
        _ = try await self.client.expect(
            204, document.methods, document.paths, json: Data(#"{"confirmed": true}"#.utf8),
            headers: [
                "URL-Signature": document.signature, "URL-Methods": document.methods, "URL-Paths": document.paths,
                "X-Project-ID": document.project, "URL-Expires": document.expires,
            ])
    }

    private func cleanUp(_ path: String) async {
        struct Listing: Decodable {
            struct Item: Decodable {
                let id: String
            }
            let subscriptions: [Item]
        }
        do {
            let listing = try await self.client.expect(200, "GET", "\(path)/subscriptions")
            for item in try Self.decoded(Listing.self, from: listing, what: "the list").subscriptions {
                _ = try await self.client.expect(204, "DELETE", "\(path)/subscriptions/\(item.id)")
            }
            _ = try await self.client.expect(204, "DELETE", path)
        } catch {
            self.terminal.line("  could not delete what was made: \(error)")
        }
    }

    private static func decoded<Value: Decodable>(_ type: Value.Type, from data: Data, what: String) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch {
            throw Failure("\(what) is not as expected: \(String(decoding: data.prefix(300), as: UTF8.self))")
        }
    }

    private static func next(of arrivals: AsyncStream<Arrival>) async throws -> Arrival {
        if let arrival = try await arrivals.next(within: self.arrivalLimit) { return arrival }
        throw Failure(
            "no webhook arrived within \(self.arrivalLimit). Does a notifier run, and may it reach loopback "
                + "(egress.allow \(DevDeployment.egressAllow))?")
    }

    /// Whether it asks the subscriber to confirm (docs/delivery.md, "Confirmation").
    private static func isQuestion(_ arrival: Arrival) -> Bool {
        struct Payload: Decodable {
            let Message_Type: String
        }
        // A body of any other form is no question.
        return (try? JSONDecoder().decode(Payload.self, from: Data(arrival.body)))?.Message_Type
            == "SubscriptionConfirmation"
    }

    /// The payload must be the message, its ttl and its queue (docs/delivery.md, "What a receiver gets").
    private static func check(_ arrival: Arrival, body: String, queue: String) throws {
        struct Payload: Decodable {
            struct Body: Decodable, Equatable {
                let event: String
                let order: Int
            }
            let body: Body
            let queue_name: String
            let Message_Type: String
        }
        let payload = try self.decoded(Payload.self, from: Data(arrival.body), what: "the webhook's body")
        let posted = try self.decoded(Payload.Body.self, from: Data(body.utf8), what: "the message")
        guard payload.body == posted, payload.queue_name == queue, payload.Message_Type == "Notification" else {
            throw Failure("the webhook is not about the message that was posted")
        }
    }

    // MARK: What one sees

    private func show(_ arrival: Arrival) {
        self.terminal.line()
        self.terminal.line(self.terminal.styled("  the webhook that arrived", .bold))
        self.terminal.line()
        self.terminal.line("    POST \(arrival.path)")
        for field in arrival.headers {
            let isOurs = field.name.hasPrefix("webhook-") || field.name.hasPrefix("herald-")
            self.terminal.line("    \(self.terminal.styled(field.name, isOurs ? .cyan : .dim)): \(field.value)")
        }
        self.terminal.line()
        self.terminal.line("    \(String(decoding: arrival.body, as: UTF8.self))")
    }
}
