import Redis
import Runtime
import Settings
import TestKit
import Testing

extension DeploymentTests {
    /// A deployment is no way into itself.
    struct OwnListenersTests {
        @Test func `The policy as it comes calls none of the deployment's own listeners`() async throws {
            try await withDeployment(redisListens: true) { deployment in
                let api = try await deployment.startAPI()
                let notifier = try await deployment.startNotifier(opening: nil)
                let redisPort = try #require(
                    try await deployment.redis.command("CONFIG", "GET", "port").array?.last?.text)
                let caller = HTTPCaller(api.address)
                let own = [
                    api.address, try #require(api.ready.admin), try #require(notifier.ready.admin),
                    "127.0.0.1:\(redisPort)",
                ]
                let before = try await self.connections(of: deployment)
                var attempts: [String] = []
                for address in own {
                    for host in [address, address.replacing("127.0.0.1", with: "localhost")] {
                        let made = try await caller.send(
                            "POST", "/v2/queues/q/subscriptions", headers: Load.headers,
                            body: #"{"subscriber": "http://\#(host)/v2/queues/loop/messages"}"#)
                        #expect(made.status == 201)
                        let id = try #require(made.text.firstMatch(of: /"subscription_id":"([^"]*)"/)?.output.1)
                        attempts.append("/v2/queues/q/subscriptions/\(id)/attempts")
                    }
                }
                let posted = try await caller.send(
                    "POST", "/v2/queues/q/messages", headers: Load.headers, body: #"{"messages": [{"body": 1}]}"#)
                #expect(posted.status == 201)
                for path in attempts {
                    let listed = try await eventually {
                        let text = try await caller.send("GET", path, headers: Load.headers).text
                        return text.contains(#""attempts":[]"#) ? nil : text
                    }
                    let text = try #require(listed)
                    #expect(text.contains(#""error":"forbidden","address":"loopback""#), "\(text)")
                }
                #expect(try await self.connections(of: deployment) == before)
            }
        }

        @Test func `Where loopback is opened, a webhook may post to the deployment itself`() async throws {
            try await withDeployment { deployment in
                let api = try await deployment.startAPI()
                _ = try await deployment.startNotifier()
                let caller = HTTPCaller(api.address)
                let made = try await caller.send(
                    "POST", "/v2/queues/source/subscriptions", headers: Load.headers,
                    body:
                        #"{"subscriber": "http://\#(api.address)/v2/queues/target/messages", "options": {"post_headers":"#
                        + #"{"Client-ID": "3381af92-2b9e-11e3-b191-71861300734d", "X-Project-Id": "deployment"},"#
                        + #""post_data": "{\"messages\": [{\"body\": \"$zaqar_message$\"}]}"}}"#)
                #expect(made.status == 201, "\(made)")
                let posted = try await caller.send(
                    "POST", "/v2/queues/source/messages", headers: Load.headers, body: #"{"messages": [{"body": 1}]}"#)
                #expect(posted.status == 201)
                let arrived = try await eventually {
                    let text = try await caller.send("GET", "/v2/queues/target/messages", headers: Load.headers).text
                    return text.contains(#""queue_name":"source""#) ? text : nil
                }
                #expect(arrived?.contains(#""Message_Type":"Notification""#) == true)
            }
        }

        /// Connections to the port of Redis: the deployment itself comes by the socket.
        private func connections(of deployment: Deployment) async throws -> Int {
            let clients = try await deployment.redis.command("CLIENT", "LIST").text ?? ""
            return clients.split(separator: "\n").count { $0.contains(" laddr=127.0.0.1:") }
        }
    }
}
