import API
import Domain
import Foundation
import NIOPosix
import Redis
import Store
import TestKit
import Testing

/// Messages that a connection acknowledges, sent by a notifier that this file plays over the same Redis.
struct WebSocketAcknowledgementTests {
    private static let options = #"{"_ack": true, "_ack_timeout": 30}"#
    private static let message = MessageID(position: Position(1 << 40), tag: Array("0123456789abcdef".utf8))

    /// One notifier, and the connection it sends to.
    private struct Notifier {
        let api: RunningAPI
        let client: ActionClient
        let connection: RedisBlockingConnection
        var name = "n1"

        var queue: QueueAddress {
            get throws { QueueAddress(project: try ProjectID(self.client.project), name: try QueueName("jobs")) }
        }

        /// Where the connection is, as its subscription says.
        func address(of subscription: String) async throws -> SessionAddress {
            let id = try #require(SubscriptionID(subscription))
            let found = try await self.api.store.subscriptions.get(try self.queue, id: id)
            return try #require(SessionAddress(found?.subscriber ?? ""))
        }

        func send(
            _ attempt: UInt64, _ delivery: String, to address: SessionAddress, body: Int = 1, number: Int = 1
        ) async throws {
            let notification = #"{"body":\#(body),"ttl":60,"queue_name":"jobs","Message_Type":"Notification"}"#
            let target = SessionInbox.Target(
                attempt: attempt, session: address.session,
                delivery: SessionInbox.Delivery(
                    id: DeliveryID(text: delivery), message: WebSocketAcknowledgementTests.message,
                    number: number))
            let entry = SessionInbox.Entry(
                from: self.name, of: try self.queue, to: [target], Array(notification.utf8))
            #expect(try await self.api.store.sessionInbox.append([entry], to: address.node) == [.appended])
        }

        /// What the node says next of the attempts.
        func outcomes() async throws -> [String] {
            let inbox = self.api.store.sessionInbox
            let outcomes = try await inbox.outcomes(on: self.connection, of: self.name, for: .seconds(10))
            try await inbox.remove(outcomes, of: self.name)
            return outcomes.all.map { "\($0.attempt) \($0.outcome)" }
        }
    }

    private func withNotifier(_ api: RunningAPI, _ body: (Notifier) async throws -> Void) async throws {
        let connection = RedisBlockingConnection(
            url: RedisURL(api.redis.endpoint), eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: quietLogger())
        let result: Result<Void, any Error>
        do {
            result = .success(
                try await body(Notifier(api: api, client: try await api.actions(), connection: connection)))
        } catch { result = .failure(error) }
        await connection.shutDown()
        try result.get()
    }

    private func subscribe(_ client: ActionClient, _ options: String = Self.options) async throws -> String {
        let reply = try await client.call("subscription_create", #"{"queue_name": "jobs", "options": \#(options)}"#)
        return try #require(reply["subscription_id"] as? String, "\(reply.text)")
    }

    private func settle(
        _ client: ActionClient, _ action: String, _ deliveries: [String], queue: String = "jobs"
    ) async throws -> ActionReply {
        let ids = deliveries.map { "\"\($0)\"" }.joined(separator: ", ")
        return try await client.call(action, #"{"queue_name": "\#(queue)", "delivery_ids": [\#(ids)]}"#)
    }

    @Test(arguments: [false, true])
    func `Frames and answers are as the document says`(isBinary: Bool) async throws {
        try await withAPI { api async throws in
            try await self.withNotifier(api) { notifier in
                let document = try await HTTPCaller(api.address).send("GET", "/v2/asyncapi.json").text
                var client = notifier.client
                client.isBinary = isBinary
                var (cases, wrong) = (SchemaCases(), SchemaCases())
                let id = try await self.subscribe(client)
                try await notifier.send(1, "d1", to: try await notifier.address(of: id))
                let frame = try #require(try await client.reply().document as? [String: Any])
                let payload = "#/components/messages/acknowledged_notification/payload"
                cases.add(payload, frame)
                for name in frame.keys { wrong.add(payload, frame.filter { $0.key != name }) }
                wrong.add(payload, frame.merging(["more": 1]) { $1 })
                let reply = try await self.settle(client, "notification_ack", ["d1", "d2"])
                #expect(reply["settled"] as? Int == 1 && reply["unknown"] as? [String] == ["d2"])
                cases.add("#/components/messages/notification_ack.reply/payload", reply.document)
                #expect(try await cases.faults(in: document) == [])
                #expect(try await wrong.faults(in: document).count == wrong.count)
            }
        }
    }

    @Test func `A node says that it has a message, and then what its client says`() async throws {
        try await withAPI { api async throws in
            try await self.withNotifier(api) { notifier in
                let client = notifier.client
                let address = try await notifier.address(of: try await self.subscribe(client))
                for (attempt, delivery) in [(1, "d1"), (2, "d2"), (3, "d3")] {
                    try await notifier.send(UInt64(attempt), delivery, to: address)
                    #expect(try await client.reply().document["delivery_id"] as? String == delivery)
                    #expect(try await notifier.outcomes() == ["\(attempt) unacknowledged(seconds: 30)"])
                }
                #expect(try await self.settle(client, "notification_ack", ["d1", "d1"])["settled"] as? Int == 1)
                #expect(try await notifier.outcomes() == ["1 written"])
                #expect(try await self.settle(client, "notification_reject", ["d2"])["settled"] as? Int == 1)
                #expect(try await notifier.outcomes() == ["2 rejected(seconds: nil)"])
                let body = #"{"queue_name": "jobs", "delivery_ids": ["d3"], "delay": 7}"#
                #expect(try await client.call("notification_reject", body)["settled"] as? Int == 1)
                #expect(try await notifier.outcomes() == ["3 rejected(seconds: Optional(7))"])
            }
        }
    }

    @Test func `Another notifier that takes a message over causes no second frame, and gets the answer`() async throws {
        try await withAPI { api async throws in
            try await self.withNotifier(api) { notifier in
                let client = notifier.client
                let address = try await notifier.address(of: try await self.subscribe(client))
                try await notifier.send(1, "d1", to: address)
                #expect(try await client.reply().document["delivery_id"] as? String == "d1")
                _ = try await notifier.outcomes()
                var second = notifier
                second.name = "n2"
                try await second.send(9, "d1", to: address)
                // What is left of the time, rounded up.
                #expect(try await second.outcomes().first?.hasPrefix("9 unacknowledged") == true)
                try await second.send(10, "d2", to: address, body: 2)
                #expect(try await client.reply().document["body"] as? Int == 2)
                _ = try await second.outcomes()
                #expect(try await self.settle(client, "notification_ack", ["d1"])["settled"] as? Int == 1)
                #expect(try await second.outcomes() == ["9 written"])
                // One that has not heard of the answer gets it again, and the client no second frame.
                try await second.send(11, "d1", to: address, number: 2)
                #expect(try await second.outcomes() == ["11 written"])
                #expect(try await self.settle(client, "notification_reject", ["d2"])["settled"] as? Int == 1)
                #expect(try await second.outcomes() == ["10 rejected(seconds: nil)"])
                try await second.send(12, "d2", to: address)
                #expect(try await second.outcomes() == ["12 rejected(seconds: nil)"])
                // But what was asked for again comes again.
                try await second.send(13, "d2", to: address, body: 3, number: 2)
                #expect(try await client.reply().document["body"] as? Int == 3)
            }
        }
    }

    @Test func `Options of a connection's subscription are not changed from elsewhere`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let path = "/v2/queues/jobs/subscriptions/\(try await self.subscribe(client))"
            let rest = api.client(project: client.project)
            for body in ["{}", #"{"_retry_policy": {"retries_with_no_delay": 1}}"#] {
                #expect(try await rest.patch(path, "{\"options\": \(body)}").status == 400)
            }
            #expect(try await rest.patch(path, #"{"subscriber": "http://a"}"#).status == 400)
            #expect(try await rest.patch(path, #"{"ttl": 120}"#).status == 204)
        }
    }

    @Test func `A subscription that its connection deletes returns what it had, and may be made anew`() async throws {
        try await withAPI { api async throws in
            try await self.withNotifier(api) { notifier in
                let client = notifier.client
                let id = try await self.subscribe(client)
                try await notifier.send(1, "d1", to: try await notifier.address(of: id))
                _ = try await client.reply()
                _ = try await notifier.outcomes()
                let removed = try await client.call(
                    "subscription_delete", #"{"queue_name": "jobs", "subscription_id": "\#(id)"}"#)
                #expect(removed.status == 204)
                #expect(try await notifier.outcomes() == ["1 returned"])
                #expect(try await self.settle(client, "notification_ack", ["d1"])["settled"] as? Int == 0)
                #expect(try await self.subscribe(client) != id)
            }
        }
    }

    @Test func `Only the connection that has a message settles it, in its queue and its project`() async throws {
        try await withAPI { api async throws in
            try await self.withNotifier(api) { notifier in
                let client = notifier.client
                try await notifier.send(1, "d1", to: try await notifier.address(of: try await self.subscribe(client)))
                _ = try await client.reply()
                let other = try await api.actions(project: client.project)
                #expect(try await self.settle(other, "notification_ack", ["d1"])["settled"] as? Int == 0)
                #expect(try await self.settle(client, "notification_ack", ["d1"], queue: "q")["settled"] as? Int == 0)
                var stranger = client
                stranger.project = UUID().uuidString
                #expect(try await self.settle(stranger, "notification_ack", ["d1"])["settled"] as? Int == 0)
                #expect(try await self.settle(client, "notification_ack", ["d1"])["settled"] as? Int == 1)
            }
        }
    }

    @Test func `An answer that the store does not take can be given again`() async throws {
        try await withRedis(appendOnly: true) { redis in
            try await withAPI(redis: redis) { api async throws in
                try await self.withNotifier(api) { notifier in
                    let client = notifier.client
                    let id = try await self.subscribe(client, #"{"_ack": true, "_ack_timeout": 60}"#)
                    try await notifier.send(1, "d1", to: try await notifier.address(of: id))
                    _ = try await client.reply()
                    await redis.kill()
                    #expect(try await self.settle(client, "notification_ack", ["d1"]).status == 503)
                    try await redis.start()
                    let settled = try await eventually {
                        let reply = try await self.settle(client, "notification_ack", ["d1"])
                        return reply.status == 200 ? reply["settled"] as? Int : nil
                    }
                    #expect(settled == 1)
                }
            }
        }
    }

    @Test func `A name belongs to the connection that said it last, also over nodes`() async throws {
        try await withAPI { api async throws in
            try await self.withNotifier(api) { notifier in
                let (client, names) = (notifier.client, api.store.sessionNames)
                let named = #"{"_ack": true, "_name": "worker"}"#
                let id = try await self.subscribe(client, named)
                let entry = SessionNames.Entry(try #require(SessionName("worker")), of: try notifier.queue)
                let first = try #require(try await names.sessions(of: [entry])[0])
                let shown = try await client.call(
                    "subscription_get", #"{"queue_name": "jobs", "subscription_id": "\#(id)"}"#)
                #expect(shown["subscriber"] as? String == "websocket://name/worker")
                try await notifier.send(1, "d1", to: first)
                _ = try await client.reply()
                _ = try await notifier.outcomes()
                // Another connection of the same node.
                let second = try await api.actions(project: client.project)
                let resumed = try await second.call(
                    "subscription_create", #"{"queue_name": "jobs", "ttl": 120, "options": \#(named)}"#)
                #expect(resumed.status == 200 && resumed["subscription_id"] as? String == id)
                #expect(resumed["message"] as? String == "Subscription jobs resumed.")
                #expect(try await notifier.outcomes() == ["1 returned"])
                #expect(
                    try await client.reply().document == [
                        "detached": true, "queue_name": "jobs", "subscription_id": id,
                    ])
                let changed = try await client.call(
                    "subscription_get", #"{"queue_name": "jobs", "subscription_id": "\#(id)"}"#)
                #expect(changed["ttl"] as? Int == 120)
                // The one before has no subscription there any more, and may have another.
                #expect(try await self.subscribe(client) != id)
                // One of another node.
                let elsewhere = SessionAddress(
                    node: "fedcba9876543210", session: "6f1b7a52-9d53-4a0e-9a55-0d0f8f3d7c11")
                #expect(try await names.take(entry, for: elsewhere) != nil)
                #expect(try await second.reply().document["detached"] as? Bool == true)
                #expect(try await names.sessions(of: [entry]) == [elsewhere])
            }
        }
    }

    @Test func `A connection that ends gives its name up and returns what it had, and the subscription stays`()
        async throws
    {
        try await withAPI { api async throws in
            try await self.withNotifier(api) { notifier in
                let client = notifier.client
                let id = try await self.subscribe(client, #"{"_ack": true, "_name": "worker"}"#)
                let entry = SessionNames.Entry(try #require(SessionName("worker")), of: try notifier.queue)
                let address = try #require(try await api.store.sessionNames.sessions(of: [entry])[0])
                try await notifier.send(1, "d1", to: address)
                _ = try await client.reply()
                _ = try await notifier.outcomes()
                await client.socket.close()
                #expect(try await notifier.outcomes() == ["1 returned"])
                #expect(try await api.store.sessionNames.sessions(of: [entry]) == [nil])
                let left = try await api.store.subscriptions.get(entry.queue, id: try #require(SubscriptionID(id)))
                #expect(left != nil)
                try await notifier.send(2, "d1", to: address)
                #expect(try await notifier.outcomes() == ["2 unknown"])
            }
        }
    }

    @Test func `A subscription of a connection that wants no renewal ends with its ttl`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let lives = try await self.subscribe(client)
            let ends = try await client.call(
                "subscription_create", #"{"queue_name": "other", "ttl": 60, "options": {"_renew": false}}"#)
            #expect(ends.status == 201)
            api.time.pass(seconds: 61)
            #expect(
                try await client.call("subscription_list", #"{"queue_name": "other"}"#).objects("subscriptions").isEmpty
            )
            let listed = try await client.call("subscription_list", #"{"queue_name": "jobs"}"#)
            #expect(listed.objects("subscriptions").map { $0["id"] as? String } == [lives])
            // It may subscribe there again.
            #expect(try await client.call("subscription_create", #"{"queue_name": "other"}"#).status == 201)
        }
    }
}
