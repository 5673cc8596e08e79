import Foundation
import Redis
import TestKit
import Testing

extension DeploymentTests {
    /// What may wait of one project in a process, as it is set, and waits over several processes.
    struct ProjectBoundTests {
        private static func headers(_ project: String) -> [(String, String)] {
            [("Client-ID", "3381af92-2b9e-11e3-b191-71861300734c"), ("X-Project-Id", project)]
        }

        @Test func `A project has as many requests that wait as is set, and a post at one process answers another`()
            async throws
        {
            try await withDeployment(settings: Self.settings) { deployment in
                try await Self.check(deployment, [deployment.redis])
            }
        }

        @Test func `The same over a cluster, whatever node a process listens to`() async throws {
            try await withRedisCluster { cluster in
                let deployment = Deployment(redis: cluster.masters[0], at: cluster.url, settings: Self.settings)
                try await withProcesses(of: deployment) { try await Self.check($0, cluster.masters) }
            }
        }

        private static let settings = ["HERALD_API_PROJECT_WAITS": "1"]

        /// - Parameter servers: Masters, of which one has the queue.
        private static func check(_ deployment: Deployment, _ servers: [RedisServer]) async throws {
            let (near, far) = (try await deployment.startAPI().address, try await deployment.startAPI().address)
            let (waiting, second, poster) = (HTTPCaller(near), HTTPCaller(near), HTTPCaller(far))
            let claim = "/v2/queues/q/claims?limit=1&wait=20"
            async let claimed = waiting.send("POST", claim, headers: Self.headers("a"))
            // It waits when it has asked Redis for signals.
            let isWaiting = try await eventually { () async throws -> Bool? in
                for server in servers {
                    if try await server.command("KEYS", "*:waited:*:q").array?.isEmpty == false { return true }
                }
                return nil
            }
            #expect(isWaiting == true)
            let refused = try await second.send("GET", "/v2/queues/other/messages?wait=1", headers: Self.headers("a"))
            #expect(refused.status == 503)
            #expect(refused["Retry-After"] != nil)
            let posted = try await poster.send(
                "POST", "/v2/queues/q/messages", headers: Self.headers("a"), body: #"{"messages": [{"body": 1}]}"#)
            #expect(posted.status == 201)
            #expect(try await claimed.status == 201)
        }
    }
}
