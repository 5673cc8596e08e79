import Foundation
import Redis
import Runtime
import Settings
import TestKit
import Testing

extension DeploymentTests {
    /// The limits of projects, over two API processes.
    struct ProjectLimitTests {
        /// Runs `herald limits …`.
        private func limits(
            _ deployment: Deployment, _ arguments: String...
        ) async throws -> (exit: ChildProcess.Exit?, output: String) {
            try await deployment.herald(["limits"] + arguments)
        }

        private static func headers(_ project: String) -> [(String, String)] {
            [("Client-ID", "3381af92-2b9e-11e3-b191-71861300734c"), ("X-Project-Id", project), ("X-Roles", "admin")]
        }

        private func send(
            _ api: Deployment.Running, _ method: String, _ path: String, _ body: String? = nil, as project: String = "a"
        ) async throws -> HTTPReply {
            let caller = HTTPCaller(api.address)
            let reply = try await caller.send(method, path, headers: Self.headers(project), body: body)
            await caller.close()
            return reply
        }

        /// Repeats a request until it is answered so.
        private func eventuallyAnswers(
            _ status: Int, _ api: Deployment.Running, _ method: String, _ path: String,
            _ body: () -> String? = { nil }
        ) async throws {
            let reply = try await eventually { () -> HTTPReply? in
                let reply = try await self.send(api, method, path, body())
                return reply.status == status ? reply : nil
            }
            #expect(reply != nil, "\(method) \(path) is not answered \(status)")
        }

        private func withTwo(
            _ settings: [Setting: String],
            _ body: (Deployment, Deployment.Running, Deployment.Running) async throws -> Void
        ) async throws {
            var environment = [Setting.apiAdminMode.environment: "true"]
            for (setting, value) in settings { environment[setting.environment] = value }
            try await withDeployment(settings: environment) { deployment in
                try await body(deployment, try await deployment.startAPI(), try await deployment.startAPI())
            }
        }

        @Test func `Stored bytes and subscriptions are limited over all processes`() async throws {
            try await self.withTwo([
                Setting.limitsProjectBytes: "1000", Setting.limitsProjectSubscriptions: "1",
            ]) { _, one, two in
                let large = #"{"messages": [{"body": "\#(String(repeating: "x", count: 600))"}]}"#
                #expect(try await self.send(one, "POST", "/v2/queues/a/messages", large).status == 201)
                // Each process sums up once a second: the other sees it then at the latest.
                try await self.eventuallyAnswers(403, two, "POST", "/v2/queues/b/messages") { large }
                #expect(try await self.send(two, "POST", "/v2/queues/a/messages", large, as: "neighbour").status == 201)
                let another: @Sendable () -> String = {
                    #"{"subscriber": "http://\#(UUID().uuidString).example", "ttl": 600}"#
                }
                #expect(try await self.send(one, "POST", "/v2/queues/a/subscriptions", another()).status == 201)
                try await self.eventuallyAnswers(403, two, "POST", "/v2/queues/a/subscriptions") { another() }
                #expect(
                    try await self.send(two, "POST", "/v2/queues/a/subscriptions", another(), as: "neighbour").status
                        == 201
                )
                let limits = #"{"bytes": 1000000, "subscriptions": 100}"#
                #expect(try await self.send(one, "PUT", "/v2/projects/a/limits", limits).status == 204)
                try await self.eventuallyAnswers(201, two, "POST", "/v2/queues/b/messages") { large }
                try await self.eventuallyAnswers(201, two, "POST", "/v2/queues/a/subscriptions") { another() }
            }
        }

        @Test func `Posts in a second are limited over all processes, over REST and WebSocket`() async throws {
            try await self.withTwo([Setting.limitsProjectPosts: "1"]) { deployment, one, two in
                let many = (0..<200).map { #"{"body": \#($0)}"# }.joined(separator: ", ")
                let path = "/v2/queues/q/messages"
                #expect(try await self.send(one, "POST", path, #"{"messages": [\#(many)]}"#).status == 201)
                let single = #"{"messages": [{"body": 1, "ttl": 60}]}"#
                for api in [one, two] {
                    let refused = try await self.send(api, "POST", path, single)
                    #expect(refused.status == 503 && refused["Retry-After"] != nil && refused.text.contains("'posts'"))
                    let client = try await WebSocketClient.connect(try #require(api.ready.websocket))
                    try await client.send(
                        text: #"{"action": "message_post", "headers": {"Client-ID": "\#(UUID().uuidString)", "#
                            + #""X-Project-ID": "a"}, "body": {"queue_name": "q", "messages": [{"body": 1, "ttl": 60}]}}"#
                    )
                    let answer = try await client.next()
                    #expect(answer?.text.contains(#""status":503"#) == true && answer?.text.contains("'posts'") == true)
                    await client.close()
                    #expect(
                        try await self.send(api, "POST", path, single, as: "neighbour-\(api.address)").status == 201)
                }
                #expect(try await self.limits(deployment, "set", "a", "posts=0").exit == .status(0))
                for api in [one, two] { try await self.eventuallyAnswers(201, api, "POST", path) { single } }
            }
        }

        /// Lists queues over a connection.
        private func list(_ client: WebSocketClient, as project: String = "a") async throws -> String {
            try await client.send(
                text: #"{"action": "queue_list", "headers": {"Client-ID": "3381af92-2b9e-11e3-b191-71861300734c", "#
                    + #""X-Project-ID": "\#(project)"}}"#)
            var answer = try await client.next()
            while answer?.opcode == 9 { answer = try await client.next() }
            return answer?.text ?? ""
        }

        @Test func `Connections are limited over all processes, and those of one that died lapse`() async throws {
            try await self.withTwo([Setting.limitsProjectConnections: "1"]) { _, one, two in
                let first = try await WebSocketClient.connect(try #require(one.ready.websocket))
                #expect(try await self.list(first).contains(#""status":200"#))
                let second = try await WebSocketClient.connect(try #require(two.ready.websocket))
                let refused = try await self.list(second)
                #expect(refused.contains(#""status":503"#) && refused.contains("'connections'"), "\(refused)")
                let stream = try await self.send(two, "GET", "/v2/queues/q/stream")
                #expect(stream.status == 503 && stream["Retry-After"] != nil && stream.text.contains("'connections'"))
                let neighbour = try await WebSocketClient.connect(try #require(two.ready.websocket))
                #expect(try await self.list(neighbour, as: "neighbour").contains(#""status":200"#))
                let shown = try await self.send(two, "GET", "/v2/limits")
                #expect(shown.text.contains(#""connections":{"limit":1,"own":false,"used":1}"#), "\(shown.text)")
                one.process.signal(SIGKILL)
                let goesOn = try await eventually(within: .seconds(60), every: .milliseconds(200)) {
                    try await self.list(second).contains(#""status":200"#) ? true : nil
                }
                #expect(goesOn == true)
                let third = try await WebSocketClient.connect(try #require(two.ready.websocket))
                #expect(try await self.list(third).contains(#""status":503"#))
                #expect(
                    try await self.send(two, "PUT", "/v2/projects/a/limits", #"{"connections": 2}"#).status == 204)
                let isRaised = try await eventually {
                    try await self.list(third).contains(#""status":200"#) ? true : nil
                }
                #expect(isRaised == true)
            }
        }

        @Test func `Queues are limited over all processes, and a limit that is changed holds at each`() async throws {
            try await self.withTwo([Setting.limitsProjectQueues: "2"]) { deployment, one, two in
                #expect(try await self.send(one, "PUT", "/v2/queues/a").status == 201)
                #expect(try await self.send(two, "PUT", "/v2/queues/b").status == 201)
                for api in [one, two] {
                    #expect(try await self.send(api, "PUT", "/v2/queues/c").status == 403)
                    #expect(try await self.send(api, "PUT", "/v2/queues/b").status == 204)
                }
                #expect(try await self.send(one, "PUT", "/v2/queues/a", as: "neighbour").status == 201)
                // By a route at one process, which the other goes by too.
                #expect(try await self.send(one, "PUT", "/v2/projects/a/limits", #"{"queues": 3}"#).status == 204)
                try await self.eventuallyAnswers(201, two, "PUT", "/v2/queues/c")
                // By the command line.
                #expect(try await self.limits(deployment, "set", "a", "queues=4").exit == .status(0))
                let shown = try await self.limits(deployment, "show", "a", "-o", "json")
                #expect(shown.output.contains(#""own":4"#) || shown.output.contains(#""own": 4"#), "\(shown.output)")
                try await self.eventuallyAnswers(201, one, "PUT", "/v2/queues/d")
                #expect(try await self.limits(deployment, "clear", "a").exit == .status(0))
                let cleared = try await self.send(two, "GET", "/v2/limits")
                #expect(cleared.text.contains(#""queues":{"limit":2,"own":false,"used":4}"#), "\(cleared.text)")
                for wrong in ["queues", "moons=1", "queues=-1", "queues=x"] {
                    #expect(try await self.limits(deployment, "set", "a", wrong).exit == .status(64), "\(wrong)")
                }
            }
        }
    }
}
