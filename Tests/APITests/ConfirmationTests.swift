import API
import Domain
import Foundation
import Operations
import Signing
import Store
import TestKit
import Testing

/// The confirmations that the API enqueues, and the answers it accepts (docs/delivery.md, "Confirmation").
struct ConfirmationTests {
    private static let key = "a key of sixteen and more characters"
    private let path = "/v2/queues/orders/subscriptions"

    private func withAskingAPI(_ body: (RunningAPI) async throws -> Void) async throws {
        let key = try #require(SignedURLKey(Self.key))
        try await withAPI(
            signedURLKeys: [Self.key], confirmation: ConfirmationRules(key: key, publicURL: "https://m.example/prefix"),
            body)
    }

    /// The documents that wait to be delivered.
    private func questions(_ api: RunningAPI) async throws -> [[String: Any]] {
        try await api.leaseDue().sorted { $0.position < $1.position }.compactMap { lease in
            try JSONSerialization.jsonObject(with: Data(lease.body)) as? [String: Any]
        }
    }

    private func subscribe(_ client: APIClient, _ uri: String = "http://a/", ttl: Int = 600) async throws -> String {
        let made = try await client.post(self.path, #"{"subscriber": "\#(uri)", "ttl": \#(ttl)}"#)
        #expect(made.status == 201)
        return try #require(made.json["subscription_id"] as? String)
    }

    /// The answer of a subscriber that holds nothing but the document.
    private func answer(
        _ api: RunningAPI, _ document: [String: Any], _ body: String = #"{"confirmed": true}"#
    ) async throws -> Int {
        let names = ["URL-Signature", "URL-Methods", "URL-Paths", "X-Project-ID", "URL-Expires"]
        let headers = names.compactMap { name in (document[name] as? String).map { (name, $0) } }
        let client = ("Client-ID", "3381af92-2b9e-11e3-b191-71861300734c")
        return try await HTTPCaller(api.address).send(
            "PUT", try #require(document["URL-Paths"] as? String), headers: headers + [client], body: body
        ).status
    }

    @Test func `Who withdraws while Redis is full has withdrawn`() async throws {
        try await self.withAskingAPI { api in
            let client = api.client()
            let id = try await self.subscribe(client)
            let question = try #require(try await self.questions(api).first)
            #expect(try await self.answer(api, question) == 204)
            try await api.redis.command("CONFIG", "SET", "maxmemory", "1")
            #expect(try await self.answer(api, question, #"{"confirmed": false}"#) == 204)
            #expect(try await self.answer(api, question, #"{"confirmed": false}"#) == 204)
            try await api.redis.command("CONFIG", "SET", "maxmemory", "0")
            let queue = QueueAddress(project: try ProjectID(client.project), name: try QueueName("orders"))
            let subscription = try await api.store.subscriptions.get(queue, id: try #require(SubscriptionID(id)))
            #expect(subscription?.confirmed == false)
        }
    }

    @Test func `T-9: one question, which a subscriber can answer with what it holds`() async throws {
        try await self.withAskingAPI { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client)
            let questions = try await self.questions(api)
            let question = try #require(questions.first)
            #expect(questions.count == 1)
            #expect(
                question.keys.sorted() == [
                    "Message", "Message_Type", "SubscribeBody", "URL-Expires", "URL-Methods", "URL-Paths",
                    "URL-Signature", "UnsubscribeBody", "WSGISubscribeURL", "X-Project-ID", "queue_name",
                ])
            #expect(question["Message_Type"] as? String == "SubscriptionConfirmation")
            #expect((question["Message"] as? String)?.contains("orders") == true)
            #expect(question["URL-Methods"] as? String == "PUT" && question["queue_name"] as? String == "orders")
            #expect(question["URL-Paths"] as? String == "\(self.path)/\(id)/confirm")
            #expect(question["WSGISubscribeURL"] as? String == "https://m.example/prefix\(self.path)/\(id)/confirm")
            #expect(question["SubscribeBody"] as? NSDictionary == ["confirmed": true])
            #expect(question["UnsubscribeBody"] as? NSDictionary == ["confirmed": false])
            var forged = question
            forged["X-Project-ID"] = "another"
            #expect(try await self.answer(api, forged) == 404)
            #expect(try await client.get("\(self.path)/\(id)").json["confirmed"] as? Bool == false)
            #expect(try await self.answer(api, question) == 204)
            #expect(try await client.get("\(self.path)/\(id)").json["confirmed"] as? Bool == true)
        }
    }

    @Test func `T-10: without the setting no subscriber is asked`() async throws {
        try await withAPI(signedURLKeys: [Self.key]) { api async throws in
            let id = try await self.subscribe(api.client())
            #expect(!id.isEmpty)
            #expect(try await self.questions(api).isEmpty)
        }
    }

    @Test func `S-12, T-12: each request asks for one confirmation, a minute apart`() async throws {
        try await self.withAskingAPI { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client)
            #expect(try await self.subscribe(client, ttl: 6000) == id)
            #expect(try await self.questions(api).count == 1)
            api.time.pass(seconds: 60)
            #expect(try await self.questions(api).count == 1)
            #expect(try await self.subscribe(client, ttl: 6000) == id)
            #expect(try await self.questions(api).isEmpty)
            #expect(try await client.get("\(self.path)/\(id)").json["ttl"] as? Int == 600)
        }
    }

    @Test func `T-13: who has confirmed is not asked again`() async throws {
        try await self.withAskingAPI { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client)
            #expect(try await client.put("\(self.path)/\(id)/confirm", #"{"confirmed": true}"#).status == 204)
            #expect(try await self.questions(api).count == 1)
            api.time.pass(seconds: 61)
            #expect(try await client.post(self.path, #"{"subscriber": "http://a/"}"#).status == 409)
            #expect(try await self.questions(api).isEmpty)
        }
    }

    @Test func `T-14: an answer that is none is refused`() async throws {
        try await self.withAskingAPI { api async throws in
            let client = api.client()
            let confirm = "\(self.path)/\(try await self.subscribe(client))/confirm"
            let broken = try await client.put(confirm, "{confirmed:123}")
            #expect(broken.status == 400 && broken.words.contains("body could not be parsed"))
            let number = try await client.put(confirm, #"{"confirmed": 123}"#)
            #expect(number.status == 400 && number.words == "The 'confirmed' should be boolean.")
            #expect(try await client.put("\(self.path)/x/confirm", #"{"confirmed": true}"#).status == 404)
        }
    }

    @Test func `Who withdraws is sent the way back when the minute of the question is over, and can take it`()
        async throws
    {
        try await self.withAskingAPI { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client)
            let question = try #require(try await self.questions(api).first)
            #expect(try await self.answer(api, question) == 204)
            #expect(try await self.answer(api, question, #"{"confirmed": false}"#) == 204)
            #expect(try await self.questions(api).isEmpty)
            api.time.pass(seconds: 60)
            let back = try #require(try await self.questions(api).first)
            #expect(back["Message_Type"] as? String == "UnsubscribeConfirmation")
            #expect(try await client.get("\(self.path)/\(id)").json["confirmed"] as? Bool == false)
            #expect(try await self.answer(api, back) == 204)
            #expect(try await client.get("\(self.path)/\(id)").json["confirmed"] as? Bool == true)
        }
    }

    @Test func `Another subscriber has to confirm for itself; another ttl changes nothing`() async throws {
        try await self.withAskingAPI { api async throws in
            let client = api.client()
            let subscription = "\(self.path)/\(try await self.subscribe(client))"
            #expect(try await client.put("\(subscription)/confirm", #"{"confirmed": true}"#).status == 204)
            #expect(try await self.questions(api).count == 1)
            #expect(try await client.patch(subscription, #"{"ttl": 700, "subscriber": "http://a/"}"#).status == 204)
            #expect(try await client.get(subscription).json["confirmed"] as? Bool == true)
            #expect(try await self.questions(api).isEmpty)
            #expect(try await client.patch(subscription, #"{"subscriber": "http://b/"}"#).status == 204)
            #expect(try await client.get(subscription).json["confirmed"] as? Bool == false)
            #expect(try await self.questions(api).count == 1)
        }
    }

    @Test func `A link confirms the address it was sent to, and no other that the subscription is given`() async throws
    {
        try await self.withAskingAPI { api async throws in
            let client = api.client()
            let subscription = "\(self.path)/\(try await self.subscribe(client))"
            var links = [try #require(try await self.questions(api).first)]
            // With this ttl the second link would expire in the same second, and have the same signature.
            for (number, uri) in ["http://b/", "http://a/", "http://b/"].enumerated() {
                if number > 0 { api.time.pass(seconds: 60) }
                let change = #"{"subscriber": "\#(uri)", "ttl": 600}"#
                #expect(try await client.patch(subscription, change).status == 204)
                for link in links { #expect(try await self.answer(api, link) == 404, "link before change \(number)") }
                #expect(try await client.get(subscription).json["confirmed"] as? Bool == false)
                let link = try #require(try await self.questions(api).first)
                #expect(!links.contains { $0["URL-Signature"] as? String == link["URL-Signature"] as? String })
                #expect(try await self.answer(api, link) == 204)
                #expect(try await client.get(subscription).json["confirmed"] as? Bool == true)
                links.append(link)
            }
        }
    }

    @Test func `One link confirms and withdraws, as often as it is used, after every other change too`() async throws {
        try await self.withAskingAPI { api async throws in
            let client = api.client()
            let subscription = "\(self.path)/\(try await self.subscribe(client))"
            let link = try #require(try await self.questions(api).first)
            #expect(try await client.patch(subscription, #"{"ttl": 700, "options": {"a": 1}}"#).status == 204)
            _ = try await client.post("\(subscription)/secret/rotate", "{}")
            for confirmed in [true, true, false, false, true] {
                #expect(try await self.answer(api, link, #"{"confirmed": \#(confirmed)}"#) == 204)
                #expect(try await client.get(subscription).json["confirmed"] as? Bool == confirmed)
            }
        }
    }

    @Test func `An address is asked once a minute by a project, and what is held back is sent, not dropped`()
        async throws
    {
        try await self.withAskingAPI { api async throws in
            let client = api.client()
            for queue in ["orders", "bills", "notes"] {
                let body = #"{"subscriber": "http://a/", "ttl": 600}"#
                #expect(try await client.post("/v2/queues/\(queue)/subscriptions", body).status == 201)
            }
            var asked: [String] = []
            for _ in 0..<3 {
                let questions = try await self.questions(api)
                #expect(questions.count == 1)
                asked += questions.compactMap { $0["queue_name"] as? String }
                api.time.pass(seconds: 60)
            }
            #expect(asked == ["orders", "bills", "notes"])
            #expect(try await self.questions(api).isEmpty)
            #expect(try await api.client().post(self.path, #"{"subscriber": "http://a/"}"#).status == 201)
            #expect(try await self.questions(api).count == 1)
        }
    }

    @Test func `A link that is sent later works as long as one that is sent at once`() async throws {
        try await self.withAskingAPI { api async throws in
            let client = api.client()
            _ = try await self.subscribe(client)
            let first = try #require(try await self.questions(api).first?["URL-Expires"] as? String)
            #expect(
                try await client.post("/v2/queues/b/subscriptions", #"{"subscriber": "http://a/", "ttl": 600}"#).status
                    == 201)
            api.time.pass(seconds: 60)
            let later = try #require(try await self.questions(api).first?["URL-Expires"] as? String)
            let seconds = [first, later].compactMap { SignedURLExpiry($0)?.seconds }
            #expect(seconds.count == 2 && seconds[1] - seconds[0] >= 59)
        }
    }

    @Test func `S-21: web and mail addresses can be subscribed`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            for uri in ["http://a/", "https://a/", "mailto:user@example.com"] {
                #expect(try await self.subscribe(client, uri).isEmpty == false)
            }
        }
    }
}
