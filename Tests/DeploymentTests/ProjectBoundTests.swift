import Foundation
import NIOConcurrencyHelpers
import Redis
import TestKit
import Testing

extension DeploymentTests {
    /// What one project may have under way in a process, as it is set, and waits over several processes.
    struct ProjectBoundTests {
        private static func headers(_ project: String) -> [(String, String)] {
            [("Client-ID", "3381af92-2b9e-11e3-b191-71861300734c"), ("X-Project-Id", project)]
        }

        @Test func `A project has as many requests under way as is set, and others are served meanwhile`() async throws
        {
            try await withDeployment(settings: ["HERALD_API_PROJECT_REQUESTS": "1"]) { deployment in
                let address = try await deployment.startAPI().address
                let (one, other) = (HTTPCaller(address), HTTPCaller(address))
                // Scripts are held back, and plain reads are not.
                try await deployment.redis.command("CLIENT", "PAUSE", "60000", "WRITE")
                async let posted = one.send(
                    "POST", "/v2/queues/q/messages", headers: Self.headers("a"), body: #"{"messages": [{"body": 1}]}"#)
                // A read of the project is answered until the post has its turn, and then waits behind it.
                let waiting = try await eventually { () async throws -> Task<HTTPReply, any Error>? in
                    let isAnswered = NIOLockedValueBox(false)
                    let read = Task {
                        let reply = try await HTTPCaller(address).send("GET", "/v2/queues", headers: Self.headers("a"))
                        isAnswered.withLockedValue { $0 = true }
                        return reply
                    }
                    for _ in 0..<20 {
                        #expect(try await other.send("GET", "/v2/queues", headers: Self.headers("b")).status == 200)
                    }
                    return isAnswered.withLockedValue { $0 } ? nil : read
                }
                try await deployment.redis.command("CLIENT", "UNPAUSE")
                #expect(try await waiting?.value.status == 200)
                #expect(try await posted.status == 201)
            }
        }

        @Test func `A project has as many requests that wait as is set, and a post at one process answers another`()
            async throws
        {
            try await withDeployment(settings: ["HERALD_API_PROJECT_WAITS": "1"]) { deployment in
                let (near, far) = (try await deployment.startAPI().address, try await deployment.startAPI().address)
                let (waiting, second, poster) = (HTTPCaller(near), HTTPCaller(near), HTTPCaller(far))
                let claim = "/v2/queues/q/claims?limit=1&wait=20"
                async let claimed = waiting.send("POST", claim, headers: Self.headers("a"))
                // It waits when it has asked Redis for signals.
                let isWaiting = try await eventually {
                    try await deployment.redis.command("KEYS", "*:waited:*:q").array?.isEmpty == false ? true : nil
                }
                #expect(isWaiting == true)
                let refused = try await second.send(
                    "GET", "/v2/queues/other/messages?wait=1", headers: Self.headers("a"))
                #expect(refused.status == 503)
                #expect(refused["Retry-After"] != nil)
                let posted = try await poster.send(
                    "POST", "/v2/queues/q/messages", headers: Self.headers("a"), body: #"{"messages": [{"body": 1}]}"#)
                #expect(posted.status == 201)
                #expect(try await claimed.status == 201)
            }
        }
    }
}
