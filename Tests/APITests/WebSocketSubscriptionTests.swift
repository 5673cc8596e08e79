import API
import Domain
import Foundation
import Operations
import Redis
import Signing
import Store
import TestKit
import Testing

/// Subscriptions over WebSocket.
struct WebSocketSubscriptionTests {
    @Test func `W-62, W-63: A subscriber is subscribed, also to a queue that is not there, shown, listed and removed`()
        async throws
    {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let headers = client.headers()
            let body = #"{"queue_name": "orders", "subscriber": "http://a", "ttl": 600, "options": {"post_data": "x"}}"#
            let created = try await client.call("subscription_create", body)
            let id = try #require(created["subscription_id"] as? String)
            #expect(
                try created.equals(
                    #"{"body": {"message": "Subscription orders created.", "subscription_id": "\#(id)"}, "headers": {"status": 201}, "request": {"action": "subscription_create", "body": \#(body), "api": "v2", "headers": \#(headers)}}"#
                ))
            #expect(try await client.call("queue_get_stats", #"{"queue_name": "orders"}"#).status == 200)
            let one = #"{"queue_name": "orders", "subscription_id": "\#(id)"}"#
            let shown = try await client.call("subscription_get", one)
            #expect(shown.status == 200)
            #expect(
                Set(shown.body.keys) == ["subscriber", "source", "options", "id", "ttl", "age", "confirmed"])
            #expect(shown["subscriber"] as? String == "http://a" && shown["source"] as? String == "orders")
            #expect(shown["ttl"] as? Int == 600 && shown["confirmed"] as? Bool == false)
            #expect(shown["options"] as? NSDictionary == ["post_data": "x"])
            let listed = try await client.call("subscription_list", #"{"queue_name": "orders"}"#)
            #expect(listed.status == 200 && listed.body.count == 1 && listed.objects("subscriptions").count == 1)
            #expect(listed.objects("subscriptions").first?["id"] as? String == id)
            let rest = try await api.client(project: client.project).get("/v2/queues/orders/subscriptions/\(id)")
            #expect(rest.json["subscriber"] as? String == "http://a")
            let removed = try await client.call("subscription_delete", one)
            #expect(
                try removed.equals(
                    #"{"body": "Subscription \#(id) removed.", "headers": {"status": 204}, "request": {"action": "subscription_delete", "body": \#(one), "api": "v2", "headers": \#(headers)}}"#
                ))
            #expect(
                try await client.call("subscription_list", #"{"queue_name": "orders"}"#).objects("subscriptions")
                    .isEmpty)
            #expect(try await client.call("subscription_delete", one).status == 204)
            #expect(try await client.call("subscription_get", one).status == 404)
        }
    }

    @Test func `Defaults, pages and limits of subscriptions are those of REST`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            for index in 0..<12 {
                let reply = try await client.call(
                    "subscription_create", #"{"queue_name": "q", "subscriber": "http://a/\#(index)", "ttl": null}"#)
                #expect(reply.status == 201)
            }
            let first = try await client.call("subscription_list", #"{"queue_name": "q"}"#).objects("subscriptions")
            #expect(first.count == 10 && first.allSatisfy { $0["ttl"] as? Int == 3600 })
            let marker = try #require(first.last?["id"] as? String)
            let rest = try await client.call("subscription_list", #"{"queue_name": "q", "marker": "\#(marker)"}"#)
            #expect(rest.objects("subscriptions").count == 2)
            for limit in [0, 21] {
                #expect(
                    try await client.call("subscription_list", #"{"queue_name": "q", "limit": \#(limit)}"#).status
                        == 400)
            }
            for body in [
                #""subscriber": "gopher://a""#, #""subscriber": "a""#, #""subscriber": "http://a", "ttl": 59"#,
                #""subscriber": "http://a", "ttl": 99999999999999999"#,
                #""subscriber": "http://a", "options": {"post_data": 1}"#,
            ] {
                let reply = try await client.call("subscription_create", #"{"queue_name": "q", \#(body)}"#)
                #expect(reply.status == 400 && reply.exception != nil && reply["error"] is NSNull, "\(body)")
            }
        }
    }

    @Test func `A subscriber is asked to confirm as over REST, and one that did is 409`() async throws {
        let rules = ConfirmationRules(key: try #require(SignedURLKey("key")), publicURL: nil)
        try await withAPI(signedURLKeys: ["key"], confirmation: rules) { api async throws in
            let client = try await api.actions()
            let body = #"{"queue_name": "q", "subscriber": "http://a"}"#
            let id = try #require(try await client.call("subscription_create", body)["subscription_id"] as? String)
            #expect(try await client.call("subscription_create", body)["subscription_id"] as? String == id)
            // The question is a delivery that a notifier leases.
            #expect(try await api.leaseDue().count == 1)
            let confirmed = try await api.client(project: client.project).put(
                "/v2/queues/q/subscriptions/\(id)/confirm", #"{"confirmed": true}"#)
            #expect(confirmed.status == 204)
            let again = try await client.call("subscription_create", body)
            #expect(again.status == 409 && again.word == "Subscription q not created.")
        }
    }

    // MARK: - Of the connection

    @Test func `W-60, W-64: A connection that subscribes itself is listed and shown, and gone once it is closed`()
        async throws
    {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let created = try await client.call("subscription_create", #"{"queue_name": "orders", "ttl": 600}"#)
            let id = try #require(created["subscription_id"] as? String)
            #expect(
                try created.equals(
                    #"{"body": {"message": "Subscription orders created.", "subscription_id": "\#(id)"}, "headers": {"status": 201}, "request": {"action": "subscription_create", "body": {"queue_name": "orders", "ttl": 600}, "api": "v2", "headers": \#(client.headers())}}"#
                ))
            let rest = api.client(project: client.project)
            let path = "/v2/queues/orders/subscriptions"
            let shown = try await rest.get("\(path)/\(id)").json
            let subscriber = try #require(shown["subscriber"] as? String)
            #expect(subscriber.hasPrefix("websocket://") && shown["source"] as? String == "orders")
            #expect(shown["ttl"] as? Int == 600 && shown["confirmed"] as? Bool == true)
            // It is no address that a caller may name.
            #expect(try await rest.post(path, #"{"subscriber": "\#(subscriber)", "ttl": 600}"#).status == 400)
            let named = #"{"queue_name": "orders", "subscriber": "\#(subscriber)"}"#
            #expect(try await client.call("subscription_create", named).status == 400)
            for body in [#""subscriber": """#, #""subscriber": null"#] {
                let again = try await client.call("subscription_create", #"{"queue_name": "orders", \#(body)}"#)
                #expect(again.status == 409)
            }
            await client.socket.close()
            let isGone = try await eventually {
                try await rest.get(path).objects("subscriptions").isEmpty ? true : nil
            }
            #expect(isGone == true)
        }
    }

    @Test func `W-60: A subscription of a connection lives for as long as the connection, whatever its ttl`()
        async throws
    {
        try await withAPI(time: .running()) { api async throws in
            let client = try await api.actions()
            let created = try await client.call("subscription_create", #"{"queue_name": "q", "ttl": 60}"#)
            #expect(created.status == 201)
            // It is renewed after a third of its life.
            let age = try await eventually(within: .seconds(60)) { () -> Int? in
                let listed = try await client.call("subscription_list", #"{"queue_name": "q"}"#)
                let age = listed.objects("subscriptions").first?["age"] as? Int ?? -1
                return age >= 19 ? age : nil
            }
            #expect(age != nil)
            let renewed = try await eventually(within: .seconds(60)) { () -> Bool? in
                let listed = try await client.call("subscription_list", #"{"queue_name": "q"}"#)
                return (listed.objects("subscriptions").first?["age"] as? Int ?? 99) < 10 ? true : nil
            }
            #expect(renewed == true)
        }
    }

    @Test func `A subscription of whose creation the store did not say is the connection's when it asks again`()
        async throws
    {
        try await withAPI { api async throws in
            let first = try await api.actions()
            #expect(try await first.call("subscription_create", #"{"queue_name": "q"}"#).status == 201)
            let rest = api.client(project: first.project)
            let subscriber = try #require(
                try await rest.get("/v2/queues/q/subscriptions").objects("subscriptions").first?["subscriber"]
                    as? String)
            // As the request left it whose answer was lost: it is there, and the node knows nothing of it.
            let queue = QueueAddress(project: try ProjectID(first.project), name: try QueueName("lost"))
            let (id, _) = try await api.store.subscriptions.create(
                queue, subscriber: Subscriber(stored: subscriber), ttl: 3600, options: Array("{}".utf8), pace: Pace())
            let again = try await first.call("subscription_create", #"{"queue_name": "lost"}"#)
            #expect(again.status == 201 && again["subscription_id"] as? String == id.text)
            #expect(try await first.call("subscription_create", #"{"queue_name": "lost"}"#).status == 409)
            await first.socket.close()
            let isGone = try await eventually {
                try await rest.get("/v2/queues/lost/subscriptions").objects("subscriptions").isEmpty ? true : nil
            }
            #expect(isGone == true)
        }
    }

    @Test func `A connection that subscribes again and again leaves nothing behind`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            for _ in 0..<20 {
                let id = try #require(
                    try await client.call("subscription_create", #"{"queue_name": "q"}"#)["subscription_id"] as? String)
                let one = #"{"queue_name": "q", "subscription_id": "\#(id)"}"#
                #expect(try await client.call("subscription_delete", one).status == 204)
            }
            let key = try #require(
                try await api.redis.command("KEYS", "*session-subscriptions*").array?.first?.text)
            let isBounded = try await eventually {
                try await api.redis.command("SCARD", key).int ?? 99 <= 1 ? true : nil
            }
            #expect(isBounded == true)
        }
    }

    @Test func `What a dead node's connections subscribed is ended by another node`() async throws {
        try await withAPI { api async throws in
            let (nodes, dead) = (api.store.sessionNodes, "0123456789abcdef")
            let queue = QueueAddress(project: try ProjectID("p"), name: try QueueName("q"))
            let address = SessionAddress(node: dead, session: "6f1b7a52-9d53-4a0e-9a55-0d0f8f3d7c11")
            let (id, _) = try await api.store.subscriptions.create(
                queue, subscriber: Subscriber(.session(address)), ttl: 3600, options: Array("{}".utf8), pace: Pace())
            _ = try await nodes.beat(dead)
            try await nodes.register(SessionNodes.Entry(id, of: queue), of: dead)
            #expect(try await api.store.subscriptions.get(queue, id: id) != nil)
            api.time.pass(seconds: 16)
            let isGone = try await eventually {
                try await api.store.subscriptions.get(queue, id: id) == nil ? true : nil
            }
            #expect(isGone == true)
            let isRemoved = try await eventually { try await nodes.endSilent(limit: 10).isEmpty ? true : nil }
            #expect(isRemoved == true)
        }
    }

    @Test func `A connection subscribes itself by leaving the subscriber out, and is ended once`() async throws {
        let recorder = SubscriptionRecorder()
        try await withAPI(subscriptions: recorder) { api async throws in
            let (text, other) = (try await api.actions(), try await api.actions())
            var binary = text
            binary.isBinary = true
            let first = try await text.call(
                "subscription_create", #"{"queue_name": "q", "ttl": 600, "options": {"a": 1}}"#)
            #expect(first.status == 201 && first["message"] as? String == "Subscription q created.")
            #expect(
                try await binary.call("subscription_create", #"{"queue_name": "r", "subscriber": ""}"#).status == 201)
            let twice = try await text.call("subscription_create", #"{"queue_name": "q"}"#)
            #expect(twice.status == 409 && twice.word == "Subscription q not created.")
            for body in [#""ttl": 59"#, #""options": {"post_headers": 1}"#] {
                #expect(try await text.call("subscription_create", #"{"queue_name": "s", \#(body)}"#).status == 400)
            }
            #expect(try await other.call("queue_list").status == 200)
            let asked = recorder.asked
            #expect(asked.map(\.queue) == ["q", "r", "q"] && Set(asked.map(\.session)).count == 1)
            #expect(asked[0].ttl == 600 && asked[0].options == #"{"a": 1}"# && asked[0].format == .text)
            #expect(asked[1].ttl == nil && asked[1].options == "{}" && asked[1].format == .binary)
            #expect(UUID(uuidString: "\(asked[0].session)") != nil)
            await text.socket.close()
            await other.socket.close()
            let isOver = try await eventually { recorder.ended.isEmpty || api.sessions.count > 0 ? nil : true }
            #expect(isOver == true && recorder.ended == [asked[0].session], "the other one subscribed nothing")
        }
        #expect(recorder.ended.count == 1)
    }
}
