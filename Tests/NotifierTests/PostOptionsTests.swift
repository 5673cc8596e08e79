import Documents
import Domain
import Notifier
import Signing
import Store
import TestKit
import Testing

/// What a subscription may change of its requests.
struct PostOptionsTests {
    /// The request that one message makes.
    private func request(options: String, of body: String = "1") async throws -> ReceivedRequest {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                try await deployment.subscribe(receiver.url(), options: options)
                try await deployment.withNotifier {
                    try await deployment.post(body)
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

    @Test(arguments: [
        #"{"X-A": "a\r\nX-Injected: 1"}"#, #"{"X-A": "a\r\n\r\nPOST /other HTTP/1.1"}"#, #"{"X-A\r\nX-Injected": "1"}"#,
        #"{"X-Injected: 1, X-A": "a"}"#, #"{"X-A": "a\u0000\nX-Injected: 1"}"#, #"{"Webhook-Id": "forged"}"#,
        #"{"webhook-SIGNATURE": "v1,forged"}"#, #"{"Herald-Attempt": "forged"}"#, #"{"content-LENGTH": "0"}"#,
        #"{"Host": "forged"}"#,
    ])
    func `Of stored headers that may not be sent nothing is sent, and the delivery waits`(headers: String) async throws
    {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let id = try await deployment.subscribe(
                    receiver.url("/refused"), options: #"{"post_headers": \#(headers)}"#)
                try await deployment.subscribe(receiver.url("/sound"))
                try await deployment.withNotifier {
                    try await deployment.post("1")
                    try await receiver.waitFor(count: 1)
                    let waits = try await eventually {
                        let health = try await deployment.store.deliveries.health(
                            of: deployment.queue, subscription: id)
                        return health?.backlog == 1 && health?.inFlight == 0 ? true : nil
                    }
                    #expect(waits == true)
                }
                #expect(receiver.requests.map(\.path) == ["/sound"])
            }
        }
    }

    @Test func `A message that holds the token is sent with it, whole`() async throws {
        let request = try await self.request(
            options: #"{"post_data": "{\"a\": \"$zaqar_message$\"}"}"#, of: #"["$zaqar_message$"]"#)
        #expect(
            request.text
                == #"{"a": {"body":["$zaqar_message$"],"ttl":3600,"queue_name":"orders","Message_Type":"Notification"}}"#
        )
    }

    @Test(arguments: [
        "/\r\nX-Injected: 1", "/ HTTP/1.1\r\nX-Injected: 1\r\n\r\n", "/%0d%0aX-Injected:%201", "/?a=\nX-Injected: 1",
        "/#\r\nX-Injected: 1",
    ])
    func `An address carries no header along`(path: String) async throws {
        try await WebhookReceiver.with { receiver in
            try await withWebhooks { client in
                _ = await client.post(receiver.url(path), options: #"{"post_headers": {"X-Own": "1"}}"#)
            }
            for request in receiver.requests {
                #expect(request["x-injected"] == nil && request["x-own"] == "1", "\(request.uri) \(request.headers)")
            }
            #expect(receiver.count <= 1)
        }
    }

    @Test func `Unknown options change nothing`() async throws {
        let request = try await self.request(options: #"{"a": 1, "uri": "http://fake.com", "post_data": null}"#)
        #expect(request.text == #"{"body":1,"ttl":3600,"queue_name":"orders","Message_Type":"Notification"}"#)
    }

    @Test func `The bytes of a recipient are those of its address and of all its options`() throws {
        func bytes(_ url: String, _ options: DeliveryOptions = DeliveryOptions()) -> Int {
            webhookTarget(url, options: options).byteCount
        }
        let plain = bytes("http://a")
        #expect(bytes("http://a/" + String(repeating: "p", count: 8000)) >= plain + 8000)
        #expect(bytes("http://" + String(repeating: "a.", count: 120) + "b") >= plain + 3 * 240)
        let statuses = FinalStatuses(statuses: Set(400..<464), classes: [5])
        #expect(bytes("http://a", DeliveryOptions(finalStatuses: statuses)) >= plain + 65 * MemoryLayout<Int>.size)
    }

    @Test func `A recipient with large options leaves the cache sooner`() throws {
        let template = try PostTemplate(String(repeating: "x", count: 1000))
        let large = Recipient(
            destination: .webhook,
            target: webhookTarget("http://a", options: DeliveryOptions(template: template)), isConfirmed: true)
        let cache = SubscriptionCache<Recipient>(generationMax: 1000, bytesMax: 10_000)
        let id = try #require(SubscriptionID(String(repeating: "1", count: 27)))
        let keys = (0..<100).map { SubscriptionVersion(subscription: id, version: $0) }
        for key in keys { cache.insert(large, bytes: large.byteCount, for: key) }
        #expect(cache[keys[99]] != nil && cache[keys[79]] == nil)
        #expect((11...20).contains(keys.count { cache[$0] != nil }))
    }
}
