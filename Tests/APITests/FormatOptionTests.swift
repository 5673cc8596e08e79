import API
import Domain
import Store
import TestKit
import Testing

/// The option `_format` of a subscription.
struct FormatOptionTests {
    private let subscriptions = "/v2/queues/orders/subscriptions"

    private func body(_ options: String, subscriber: String = "http://a.example") -> String {
        #"{"subscriber": "\#(subscriber)", "options": \#(options)}"#
    }

    @Test func `A subscription takes each format, shows it, and refuses another`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            for format in DeliveryFormat.allCases.map(\.rawValue) {
                let made = try await client.post(
                    self.subscriptions,
                    self.body(#"{"_format": "\#(format)"}"#, subscriber: "http://\(format).example"))
                #expect(made.status == 201 && made["Herald-Unrecognized"] == nil, "\(made)")
                let id = try #require(made.json["subscription_id"] as? String)
                let shown = try await client.get("\(self.subscriptions)/\(id)").json["options"] as? [String: String]
                #expect(shown == ["_format": format])
                let changed = try await client.patch(
                    "\(self.subscriptions)/\(id)", #"{"options": {"_format": "xml"}}"#)
                #expect(changed.status == 400 && changed.words.contains("cloudevents-binary"), "\(changed)")
            }
            for options in [
                #"{"_format": "xml"}"#, #"{"_format": 1}"#, #"{"_format": "raw", "post_data": "x"}"#,
                #"{"_format": "cloudevents", "post_headers": {"Content-Type": "text/plain"}}"#,
                #"{"_format": "cloudevents-binary", "post_headers": {"ce-id": "1"}}"#,
            ] {
                #expect(try await client.post(self.subscriptions, self.body(options)).status == 400, "\(options)")
            }
        }
    }

    @Test func `A subscriber of mail has no format, also where only its address changes`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let mail = "mailto:a@b.example"
            let refused = try await client.post(
                self.subscriptions, self.body(#"{"_format": "raw"}"#, subscriber: mail))
            #expect(refused.status == 400 && refused.words.contains("_format"), "\(refused)")
            let made = try await client.post(self.subscriptions, self.body(#"{"_format": "raw"}"#))
            let path = "\(self.subscriptions)/\(try #require(made.json["subscription_id"] as? String))"
            let moved = try await client.patch(path, #"{"subscriber": "\#(mail)"}"#)
            #expect(moved.status == 400 && moved.words.contains("_format"), "\(moved)")
            #expect(try await client.patch(path, #"{"subscriber": "http://b.example"}"#).status == 204)
            #expect(try await client.patch(path, #"{"subscriber": "\#(mail)", "options": {}}"#).status == 204)
        }
    }

    @Test func `In a store of an older format no subscription has one, which older notifiers would not see`()
        async throws
    {
        try await withRedis { redis in
            try await withRedisClient(to: redis.endpoint) { pool in
                _ = try await Store.open(
                    on: pool, shards: 16, newFormat: StoreFormat.ofFormats - 1, logger: quietLogger())
            }
            try await withAPI(redis: redis) { api async throws in
                let client = api.client()
                for format in ["raw", "cloudevents", "cloudevents-binary"] {
                    let refused = try await client.post(self.subscriptions, self.body(#"{"_format": "\#(format)"}"#))
                    #expect(refused.status == 400 && refused.words.contains("herald format raise"), "\(refused)")
                }
                let made = try await client.post(self.subscriptions, self.body(#"{"_format": "zaqar"}"#))
                let path = "\(self.subscriptions)/\(try #require(made.json["subscription_id"] as? String))"
                let refused = try await client.patch(path, #"{"options": {"_format": "raw"}}"#)
                #expect(refused.status == 400 && refused.words.contains("herald format raise"), "\(refused)")
            }
        }
    }
}
