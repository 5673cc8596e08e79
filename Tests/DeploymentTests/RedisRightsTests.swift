import Foundation
import Redis
import Runtime
import TestKit
import Testing

extension DeploymentTests {
    /// The rights that docs/operations.md gives Herald's user of Redis.
    struct RedisRightsTests {
        private static let page = URL(fileURLWithPath: "docs/operations.md")

        private struct Missing: Error {}

        private static func command(password: String) throws -> [String] {
            let text = try String(contentsOf: self.page, encoding: .utf8)
            guard
                let line = text.split(separator: "\n").first(where: {
                    $0.hasPrefix("ACL SETUSER herald on >PASSWORD resetkeys")
                })
            else { throw Missing() }
            return line.split(separator: " ").map { $0 == ">PASSWORD" ? ">\(password)" : String($0) }
        }

        @Test func `A user with these rights and no other is all that both processes need`() async throws {
            try await withRedis(appendOnly: true) { redis in
                try await redis.run(try Self.command(password: "secret"))
                guard case .unix(let path) = redis.endpoint.address else { throw Missing() }
                let deployment = Deployment(
                    redis: redis, at: "unix://herald:secret@\(path)", settings: ["HERALD_REDIS_DURABILITY": "disk"])
                try await withProcesses(of: deployment) { deployment async throws in
                    let api = try await deployment.startAPI()
                    _ = try await deployment.startNotifier()
                    try await WebhookReceiver.with { receiver in
                        try await Self.use(HTTPCaller(api.address), receiver)
                        // A session, whose node listens to a channel.
                        let socket = try await WebSocketClient.connect(try #require(api.ready.websocket))
                        try await socket.send(text: Self.subscription)
                        _ = try await socket.next()
                    }
                }
                let refused = try await redis.command("ACL", "LOG")
                #expect(refused.array?.isEmpty == true, "\(refused)")
            }
        }

        private static let subscription =
            #"{"action": "subscription_create", "headers": {"Client-ID": "3381af92-2b9e-11e3-b191-71861300734c", "#
            + #""X-Project-ID": "p"}, "body": {"queue_name": "orders", "ttl": 600}}"#

        private static func use(_ caller: HTTPCaller, _ receiver: WebhookReceiver) async throws {
            func send(_ method: String, _ path: String, _ body: String? = nil, _ status: Int) async throws -> HTTPReply
            {
                let reply = try await caller.send(method, "/v2" + path, headers: Load.headers, body: body)
                #expect(reply.status == status, "\(method) \(path): \(reply.text)")
                return reply
            }
            _ = try await send("PUT", "/queues/orders", #"{"_dead_letter_queue": "dead", "_max_claim_count": 1}"#, 201)
            let subscriber = #"{"subscriber": "\#(receiver.url("/"))", "ttl": 300}"#
            _ = try await send("POST", "/queues/orders/subscriptions", subscriber, 201)
            _ = try await send("POST", "/queues/orders/messages", #"{"messages": [{"body": 1}, {"body": 2}]}"#, 201)
            _ = try await receiver.waitFor(count: 2)
            _ = try await send("GET", "/queues/orders/messages?echo=true", nil, 200)
            _ = try await send("POST", "/queues/orders/claims?limit=1", #"{"ttl": 60, "grace": 60}"#, 201)
            _ = try await send("GET", "/queues/orders/stats", nil, 200)
            _ = try await send("DELETE", "/queues/orders/messages?pop=1", nil, 200)
            _ = try await send("GET", "/queues?detailed=true", nil, 200)
            _ = try await send(
                "POST", "/queues/orders/purge", #"{"resource_types": ["messages", "subscriptions"]}"#, 204)
            _ = try await send("DELETE", "/queues/orders", nil, 204)
        }
    }
}
