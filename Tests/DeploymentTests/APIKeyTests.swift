import Foundation
import Redis
import Runtime
import Settings
import TestKit
import Testing

extension DeploymentTests {
    /// API keys: made on the command line, and proven to real processes.
    struct APIKeyTests {
        private static let client = "3381af92-2b9e-11e3-b191-71861300734c"

        /// Runs `herald key …`.
        private func key(
            _ deployment: Deployment, _ arguments: [String]
        ) async throws -> (exit: ChildProcess.Exit?, output: String) {
            try await deployment.herald(["key"] + arguments)
        }

        /// Creates a key and returns it.
        private func create(_ deployment: Deployment, _ project: String, _ more: String...) async throws -> String {
            let (exit, output) = try await self.key(
                deployment, ["create", "--project", project, "-o", "json"] + more)
            #expect(exit == .status(0), "\(output)")
            let document = try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any]
            return try #require(document?["key"] as? String, "\(output)")
        }

        private func ask(
            _ api: Deployment.Running, _ key: String?, _ method: String = "GET", _ path: String = "/v2/queues",
            body: String? = nil, more: [(String, String)] = []
        ) async throws -> HTTPReply {
            let headers = [("Client-ID", Self.client)] + (key.map { [("Authorization", "Bearer \($0)")] } ?? []) + more
            return try await HTTPCaller(api.address).send(method, path, headers: headers, body: body)
        }

        private func withKeys(
            _ settings: [String: String] = [:], _ body: @escaping (Deployment, Deployment.Running) async throws -> Void
        ) async throws {
            try await withDeployment(settings: settings.merging(["HERALD_API_AUTH": "keys"]) { $1 }) { deployment in
                try await body(deployment, try await deployment.startAPI())
            }
        }

        @Test
        func `Only a key opens the API, for its own project, and what a request says of itself counts for nothing`()
            async throws
        {
            try await self.withKeys([Setting.apiAdminMode.environment: "true"]) { deployment, api in
                let key = try await self.create(deployment, "one")
                let other = try await self.create(deployment, "two")
                let path = "/v2/queues/orders"
                #expect(try await self.ask(api, key, "PUT", path).status == 201)
                func queues(_ key: String, _ more: [(String, String)] = []) async throws -> String {
                    try await self.ask(api, key, "GET", "/v2/queues", more: more).text
                }
                // A scaler can send one header.
                let reading = try await self.create(deployment, "one", "--queues", "orders", "--allow", "inspect")
                let stats = try await HTTPCaller(api.address).send(
                    "GET", path + "/stats", headers: [("Authorization", "Bearer \(reading)")])
                #expect(stats.status == 200 && stats.text.contains(#""free":0"#), "\(stats.text)")
                #expect(try await queues(key).contains("orders"))
                #expect(try await !queues(other).contains("orders"))
                // The same where a token of Keystone is sent; a header that names another project changes nothing.
                let forged = [("X-Project-Id", "one"), ("X-Roles", "admin"), ("X-User-Id", "root")]
                let token = try await self.ask(api, nil, "GET", path, more: [("X-Auth-Token", key)] + forged)
                #expect(token.status == 200)
                #expect(try await !queues(other, forged).contains("orders"))
                #expect(try await self.ask(api, other, "GET", "/v2/pools", more: forged).status == 403)
                for bad in [nil, "", "hk_", String(key.dropLast()) + "0", key + "0", "Bearer", key.uppercased()] {
                    let reply = try await self.ask(api, bad, "GET", path, more: forged)
                    #expect(
                        reply.status == 401 && reply["WWW-Authenticate"] == #"Bearer realm="herald""#, "\(bad ?? "")")
                    #expect(reply.text.contains(#""code":401"#) && !reply.text.contains("hk_"))
                }
                let basic = try await self.ask(api, nil, "GET", path, more: [("Authorization", "Basic \(key)")])
                #expect(basic.status == 401)
                #expect(try await self.ask(api, nil, "GET", "/nowhere").status == 401)
                #expect(try await self.ask(api, nil, "GET", "/").status == 300)
                // An empty signature, and one of nothing, open nothing beside a key.
                for signature in ["", "0"] {
                    let reply = try await self.ask(api, key, "GET", path, more: [("URL-Signature", signature)])
                    #expect(reply.status == 404)
                }
                #expect(
                    try await self.ask(api, nil, "GET", path, more: [("EXTRA-SPEC", "messagecode:1")]).status == 401)
                // The command line is a client like others.
                let list = try await withTemporaryFolder { folder in
                    let log = folder.appendingPathComponent("list.log")
                    let process = try ChildProcess(
                        Deployment.executable("herald"), arguments: ["queue", "list", "--project", "one"],
                        environment: ["HERALD_URL": "http://\(api.address)", "HERALD_TOKEN": key], log: log)
                    #expect(await process.waitForExit(within: .seconds(60)) == .status(0))
                    return String(decoding: try Data(contentsOf: log), as: UTF8.self)
                }
                #expect(list.contains("orders"))
                // What is logged and listed has no secret.
                let listed = try await self.key(deployment, ["list"])
                #expect(listed.exit == .status(0) && listed.output.contains("one") && listed.output.contains("two"))
                let secrets = [key, other].compactMap { $0.split(separator: "_").last }
                #expect(!secrets.contains { listed.output.contains($0) || deployment.logs.contains($0) })
            }
        }

        @Test func `A key does what its verbs and queues allow, over REST and over WebSocket`() async throws {
            try await self.withKeys { deployment, api in
                let all = try await self.create(deployment, "shop")
                let poster = try await self.create(
                    deployment, "shop", "--queues", "orders*", "--allow", "post,list", "--label", "of the till")
                let post = #"{"messages": [{"body": 1, "ttl": 60}]}"#
                for queue in ["orders", "orders-eu", "payments"] {
                    #expect(try await self.ask(api, all, "PUT", "/v2/queues/\(queue)").status == 201)
                    let isOwn = queue.hasPrefix("orders")
                    let path = "/v2/queues/\(queue)/messages"
                    #expect(try await self.ask(api, poster, "POST", path, body: post).status == (isOwn ? 201 : 403))
                    #expect(try await self.ask(api, poster, "GET", path).status == (isOwn ? 200 : 403))
                    #expect(try await self.ask(api, poster, "POST", "/v2/queues/\(queue)/claims").status == 403)
                    #expect(try await self.ask(api, poster, "DELETE", "/v2/queues/\(queue)").status == 403)
                }
                #expect(try await self.ask(api, poster, "GET", "/v2/queues").status == 403)
                #expect(try await self.ask(api, poster, "GET", "/v2/ping").status == 204)

                // Dead letters do not lead out of them, and a member that an action does not know opens nothing.
                let keeper = try await self.create(deployment, "shop", "--queues", "orders*")
                for (target, status) in [("payments", 403), ("orders-dead", 201)] {
                    let metadata = #"{"_dead_letter_queue": "\#(target)", "_max_claim_count": 1}"#
                    #expect(
                        try await self.ask(api, keeper, "PUT", "/v2/queues/orders-x", body: metadata).status == status)
                }

                let socket = try await WebSocketClient.connect(try #require(api.ready.websocket))
                func call(_ action: String, _ body: String, token: String? = nil, project: String = "shop") async throws
                    -> String
                {
                    let token = token.map { #", "X-Auth-Token": "\#($0)""# } ?? ""
                    try await socket.send(
                        text:
                            #"{"action": "\#(action)", "headers": {"Client-ID": "\#(Self.client)", "X-Project-ID": "\#(project)"\#(token)}, "body": \#(body)}"#
                    )
                    while let frame = try await socket.next() {
                        if frame.opcode == 1 { return frame.text }
                    }
                    return ""
                }
                let message = #""messages": [{"body": 1, "ttl": 60}]"#
                #expect(
                    try await call("message_post", #"{"queue_name": "orders", \#(message)}"#).contains(#""status":403"#)
                )
                #expect(try await call("authenticate", "{}", token: poster + "0").contains(#""status":401"#))
                #expect(try await call("authenticate", "{}", token: poster).contains(#""status":200"#))
                #expect(
                    try await call("message_post", #"{"queue_name": "orders", \#(message)}"#).contains(#""status":201"#)
                )
                for refused in ["payments", "order"] {
                    let answer = try await call("message_post", #"{"queue_name": "\#(refused)", \#(message)}"#)
                    #expect(answer.contains(#""status":403"#), "\(answer)")
                }
                for body in ["{}", #"{"queue_name": "orders", "detailed": true}"#] {
                    #expect(try await call("queue_list", body).contains(#""status":403"#))
                }
                let foreign = try await call("message_list", #"{"queue_name": "orders"}"#, project: "other")
                #expect(foreign.contains(#""status":403"#))
            }
        }

        @Test
        func `A key that is revoked ends within five seconds, and a rotated one keeps its secret for the overlap`()
            async throws
        {
            try await self.withKeys { deployment, api in
                let key = try await self.create(deployment, "p")
                let id = try #require(key.split(separator: "_").dropFirst().first.map(String.init))
                #expect(try await self.ask(api, key).status == 200)
                let rotated = try await self.key(deployment, ["rotate", id, "--overlap", "1h", "-o", "json"])
                let document = try JSONSerialization.jsonObject(with: Data(rotated.output.utf8)) as? [String: Any]
                let next = try #require(document?["key"] as? String, "\(rotated.output)")
                let isKnown = try await eventually { try await self.ask(api, next).status == 200 ? true : nil }
                #expect(isKnown == true)
                #expect(try await self.ask(api, key).status == 200)
                // Without an overlap the one before ends.
                _ = try await self.key(deployment, ["rotate", id, "--overlap", "0m"])
                let hasEnded = try await eventually { try await self.ask(api, next).status == 401 ? true : nil }
                #expect(hasEnded == true)
                #expect(try await self.ask(api, key).status == 401)

                let second = try await self.create(deployment, "p")
                #expect(try await self.ask(api, second).status == 200)
                let secondID = try #require(second.split(separator: "_").dropFirst().first.map(String.init))
                #expect(try await self.key(deployment, ["revoke", secondID, "--yes"]).exit == .status(0))
                let isRevoked = try await eventually { try await self.ask(api, second).status == 401 ? true : nil }
                #expect(isRevoked == true)
                #expect(try await self.key(deployment, ["revoke", secondID, "--yes"]).exit == .status(66))
            }
        }

        @Test func `The first key is in a file, which the API makes, and one that an operator made is taken`()
            async throws
        {
            try await withTemporaryFolder { folder in
                let file = folder.appendingPathComponent("first.key")
                let settings = [
                    Setting.apiKeysBootstrapFile.environment: file.path,
                    Setting.apiKeysBootstrapProject.environment: "ops",
                ]
                try await self.withKeys(settings) { deployment, api in
                    let key = try String(contentsOf: file, encoding: .utf8).trimmingCharacters(
                        in: .whitespacesAndNewlines)
                    let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
                    #expect(mode == 0o600)
                    #expect(try await self.ask(api, key, "PUT", "/v2/queues/q").status == 201)
                    // Again with the same file: the same key.
                    let second = try await deployment.startAPI()
                    #expect(try await self.ask(second, key, "GET", "/v2/queues/q").status == 200)
                    #expect(
                        try await self.key(deployment, ["list", "--project", "ops"]).output.split(separator: "\n").count
                            == 2)
                    #expect(!deployment.logs.contains(key))
                    // One that was revoked does not come back with the file.
                    let id = try #require(key.split(separator: "_").dropFirst().first.map(String.init))
                    let revoked = try await self.key(deployment, ["revoke", key, "--yes"])
                    #expect(revoked.exit == .status(0))
                    let third = try await deployment.startAPI()
                    #expect(try await self.ask(third, key, "GET", "/v2/queues/q").status == 401)
                    let again = try await self.key(deployment, ["revoke", key, "--yes"])
                    #expect(again.exit == .status(66) && again.output.contains(id) && !again.output.contains(key))
                }
                // A deployment of its own takes the key that the file has.
                let key = try String(contentsOf: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
                try await self.withKeys(settings) { _, api async throws in
                    #expect(try await self.ask(api, key, "PUT", "/v2/queues/q").status == 201)
                }
            }
        }

        @Test(arguments: [
            ["--roles", ""], ["--roles", "a b,c"], ["--expires", "1y"], ["--expires", "-1d"], ["--queues", "a*b"],
            ["--queues", ""], ["--allow", "levitate"], ["--allow", ","], ["--expires", "99999999999d"],
        ])
        func `What a key cannot be is refused, and nothing is made`(arguments: [String]) async throws {
            try await self.withKeys { deployment, _ in
                let refused = try await self.key(deployment, ["create", "--project", "p"] + arguments)
                #expect(refused.exit == .status(64), "\(refused.output)")
                let keys = try await deployment.redis.command("KEYS", "*api-key*").array
                #expect(keys?.isEmpty == true)
            }
        }
    }
}
