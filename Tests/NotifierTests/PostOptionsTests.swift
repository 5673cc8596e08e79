import Domain
import Notifier
import Signing
import Store
import TestKit
import Testing
import Wire

/// What a subscription may change of its requests.
struct PostOptionsTests {
    /// The request that one message makes.
    private func request(options: String, of body: String = "1") async throws -> ReceivedRequest {
        try await WebhookReceiver.with { receiver in
            try await withDeployment { house in
                try await house.subscribe(receiver.url(), options: options)
                try await house.withNotifier {
                    try await house.post(body)
                    try await receiver.waitFor(count: 1)
                }
                return try #require(receiver.requests.first)
            }
        }
    }

    @Test func `Headers are sent as given, beside ours, and win over what every webhook has`() async throws {
        let request = try await self.request(
            options: #"{"post_headers": {"X-Project-ID": "p-1", "Client-ID": "c é", "content-type": "text/plain","#
                + #""User-Agent": "mine", "X-Empty": "", "Authorization": "Bearer a:b;c"}}"#)
        #expect(request["x-project-id"] == "p-1" && request["client-id"] == "c é" && request["x-empty"] == "")
        #expect(request["user-agent"] == "mine" && request["authorization"] == "Bearer a:b;c")
        #expect(request.headers.filter { $0.name == "content-type" }.map(\.value) == ["text/plain"])
        #expect(request["webhook-id"] != nil && request["herald-attempt"] == "1" && request["host"] != nil)
        #expect(request["content-length"] == "\(request.body.count)")
    }

    @Test(arguments: ["", "constant", #"{\"a\": \"x $zaqar_message$\"}"#])
    func `A template without the token is sent as it stands, once a message`(template: String) async throws {
        let request = try await self.request(options: #"{"post_data": "\#(template)"}"#)
        #expect(request.text == template.replacing(#"\""#, with: #"""#))
        #expect(request["content-length"] == "\(request.body.count)")
    }

    @Test func `Unknown options change nothing`() async throws {
        let request = try await self.request(options: #"{"a": 1, "uri": "http://fake.com", "post_data": null}"#)
        #expect(request.text == #"{"body":1,"ttl":3600,"queue_name":"orders","Message_Type":"Notification"}"#)
    }

    @Test func `A recipient with large options is forgotten sooner`() throws {
        let secret = try MasterKey(MasterKey.generate()).webhookSecret(
            project: ProjectID("p"), subscription: try #require(SubscriptionID(String(repeating: "0", count: 27))),
            version: 1)
        let template = try PostTemplate(String(repeating: "x", count: 1000))
        let large = Recipient(
            subscriber: try Subscriber("http://a"), isConfirmed: true, secrets: WebhookSecrets(current: secret),
            options: DeliveryOptions(template: template))
        let cache = SubscriptionCache(generationMax: 1000, bytesMax: 10_000)
        let id = try #require(SubscriptionID(String(repeating: "1", count: 27)))
        let keys = (0..<100).map { SubscriptionCache.Key(subscription: id, version: $0) }
        for key in keys { cache.insert(large, for: key) }
        #expect(cache[keys[99]] != nil && cache[keys[79]] == nil)
        #expect((11...20).contains(keys.count { cache[$0] != nil }))
    }
}
