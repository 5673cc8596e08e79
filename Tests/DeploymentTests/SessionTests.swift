import Foundation
import Glibc
import Redis
import Runtime
import TestKit
import Testing

extension DeploymentTests {
    /// Connections that subscribe themselves, whatever node they are on.
    struct SessionTests {
        private static let headers =
            #"{"Client-ID": "3381af92-2b9e-11e3-b191-71861300734c", "X-Project-ID": "sessions"}"#
        private static let caller = [
            ("Client-ID", "3381af92-2b9e-11e3-b191-71861300734c"), ("X-Project-Id", "sessions"),
        ]

        private func call(_ client: WebSocketClient, _ action: String, _ body: String) async throws -> String {
            try await client.send(text: #"{"action": "\#(action)", "headers": \#(Self.headers), "body": \#(body)}"#)
            return try await self.next(client)
        }

        /// The next message; pings are left out.
        private func next(_ client: WebSocketClient) async throws -> String {
            while true {
                let frame = try #require(try await client.next(), "the connection is over")
                if frame.opcode == 1 { return frame.text }
            }
        }

        /// The code with which the server closes the connection.
        private func closeCode(_ client: WebSocketClient) async throws -> Int? {
            while true {
                let frame = try #require(try await client.next(), "the connection is over")
                if frame.opcode == 8 { return frame.code }
            }
        }

        private func subscribed(_ address: String) async throws -> WebSocketClient {
            let client = try await WebSocketClient.connect(address)
            let answer = try await self.call(client, "subscription_create", #"{"queue_name": "orders", "ttl": 600}"#)
            #expect(answer.contains(#""headers":{"status":201}"#), "\(answer)")
            return client
        }

        private func post(_ body: String, _ api: Deployment.Running) async throws {
            let reply = try await HTTPCaller(api.address).send(
                "POST", "/v2/queues/orders/messages", headers: Self.caller,
                body: #"{"messages": [{"body": \#(body), "ttl": 60}]}"#)
            #expect(reply.status == 201)
        }

        private func subscribers(_ api: Deployment.Running) async throws -> [String] {
            let reply = try await HTTPCaller(api.address).send(
                "GET", "/v2/queues/orders/subscriptions", headers: Self.caller)
            return reply.text.matches(of: /"subscriber":"([^"]*)"/).map { String($0.output.1) }
        }

        private static func notification(_ body: String) -> String {
            #"{"body":\#(body),"ttl":60,"queue_name":"orders","Message_Type":"Notification"}"#
        }

        @Test func `A connection, and what it has subscribed, outlive a failover of Sentinels`() async throws {
            try await withSentinels { sentinels in
                let processes = Deployment(redis: sentinels.servers[0], at: sentinels.url(), settings: [:])
                try await withProcesses(of: processes) { deployment in
                    let api = try await deployment.startAPI()
                    _ = try await deployment.startNotifier()
                    let client = try await self.subscribed(try #require(api.ready.websocket))
                    try await self.post("1", api)
                    #expect(try await self.next(client) == Self.notification("1"))
                    _ = try await sentinels.failOver()
                    let posted = try await eventually { () async throws -> Bool? in
                        let reply = try await HTTPCaller(api.address).send(
                            "POST", "/v2/queues/orders/messages", headers: Self.caller,
                            body: #"{"messages": [{"body": 2, "ttl": 60}]}"#)
                        return reply.status == 201 ? true : nil
                    }
                    #expect(posted == true, "\(deployment.logs)")
                    #expect(try await self.next(client) == Self.notification("2"))
                    #expect(try await self.subscribers(api).count == 1)
                    await client.close()
                }
            }
        }

        @Test func `W-60, W-66: What is posted anywhere reaches the connections of every node, behind the answer`()
            async throws
        {
            try await withDeployment { deployment in
                let (first, second) = (try await deployment.startAPI(), try await deployment.startAPI())
                _ = try await deployment.startNotifier()
                let own = try await self.subscribed(try #require(first.ready.websocket))
                let other = try await self.subscribed(try #require(second.ready.websocket))
                let again = try await self.call(own, "subscription_create", #"{"queue_name": "orders"}"#)
                #expect(again.contains(#""status":409"#))
                let listed = try await self.subscribers(first)
                #expect(listed.count == 2 && listed.allSatisfy { $0.hasPrefix("websocket://") })
                // A post on the subscribed connection is answered first.
                let answer = try await self.call(
                    own, "message_post", #"{"queue_name": "orders", "messages": [{"body": {"n": 1}, "ttl": 60}]}"#)
                #expect(answer.contains(#""status":201"#), "\(answer)")
                for client in [own, other] { #expect(try await self.next(client) == Self.notification(#"{"n": 1}"#)) }
                try await self.post("2", second)
                for client in [own, other] { #expect(try await self.next(client) == Self.notification("2")) }
                await own.close()
                let left = try await eventually { try await self.subscribers(second).count == 1 ? true : nil }
                #expect(left == true, "\(deployment.logs)")
                try await self.post("3", first)
                #expect(try await self.next(other) == Self.notification("3"))
                // A subscription that is removed over REST ends.
                let id = try #require(
                    try await HTTPCaller(second.address).send(
                        "GET", "/v2/queues/orders/subscriptions", headers: Self.caller
                    ).text.firstMatch(of: /"id":"([^"]*)"/)?.output.1)
                _ = try await HTTPCaller(first.address).send(
                    "DELETE", "/v2/queues/orders/subscriptions/\(id)", headers: Self.caller)
                try await self.post("4", first)
                let subscribed = try await self.call(other, "subscription_create", #"{"queue_name": "orders"}"#)
                #expect(subscribed.contains(#""status":201"#), "\(subscribed)")
                try await self.post("5", first)
                #expect(try await self.next(other) == Self.notification("5"))
            }
        }

        @Test func `A node that is killed loses its subscriptions, and what its connections missed is no dead letter`()
            async throws
        {
            try await withDeployment { deployment in
                let (first, second) = (try await deployment.startAPI(), try await deployment.startAPI())
                _ = try await deployment.startNotifier()
                _ = try await self.subscribed(try #require(first.ready.websocket))
                let other = try await self.subscribed(try #require(second.ready.websocket))
                first.process.signal(SIGKILL)
                _ = await first.process.waitForExit(within: .seconds(30))
                try await self.post("1", second)
                #expect(try await self.next(other) == Self.notification("1"))
                let left = try await eventually(within: .seconds(60)) {
                    try await self.subscribers(second).count == 1 ? true : nil
                }
                #expect(left == true, "\(deployment.logs)")
                let deadLetters = try await HTTPCaller(second.address).send(
                    "GET", "/v2/queues/orders/dead-letters", headers: Self.caller)
                #expect(!deadLetters.text.contains("subscription_id"), "\(deadLetters.text)")
                #expect(try await deployment.redis.command("KEYS", "*session-subscriptions*").array?.count == 1)
            }
        }

        @Test func `A stop ends the connections and what they had subscribed`() async throws {
            try await withDeployment { deployment in
                let (first, second) = (try await deployment.startAPI(), try await deployment.startAPI())
                let client = try await self.subscribed(try #require(first.ready.websocket))
                first.process.signal(SIGTERM)
                #expect(try await self.closeCode(client) == 1012)
                #expect(await first.process.waitForExit(within: .seconds(30)) == .status(0))
                #expect(try await self.subscribers(second).isEmpty)
                #expect(try await deployment.redis.command("KEYS", "*session-s*").array?.isEmpty == true)
            }
        }

        @Test func `A node that stood still for longer than it counts as living ends its subscribed connections`()
            async throws
        {
            try await withDeployment { deployment in
                let (first, second) = (try await deployment.startAPI(), try await deployment.startAPI())
                let client = try await self.subscribed(try #require(first.ready.websocket))
                first.process.signal(SIGSTOP)
                let left = try await eventually(within: .seconds(60)) {
                    try await self.subscribers(second).isEmpty ? true : nil
                }
                first.process.signal(SIGCONT)
                #expect(left == true, "\(deployment.logs)")
                #expect(try await self.closeCode(client) == 1012)
                _ = try await self.subscribed(try #require(first.ready.websocket))
                #expect(try await self.subscribers(second).count == 1)
            }
        }
    }
}
