import Foundation
import Runtime
import TestKit
import Testing

extension DeploymentTests {
    /// Endpoints that are called with a token of the user who subscribed them, by a trust of a real Keystone.
    struct TrustTests {
        /// A deployment with a trustee, and how its tests talk to it.
        struct Parts: Sendable {
            let keystone: KeystoneServer
            let deployment: Deployment
            let address: String
            let token: String

            func send(
                _ method: String, _ path: String, _ body: String? = nil, token: String? = nil,
                headers: [(String, String)] = []
            ) async throws -> HTTPReply {
                let own = [
                    ("Client-ID", "3381af92-2b9e-11e3-b191-71861300734c"), ("Content-Type", "application/json"),
                    ("X-Auth-Token", token ?? self.token),
                ]
                let caller = HTTPCaller(self.address)
                let reply = try await caller.send(method, "/v2/queues/\(path)", headers: own + headers, body: body)
                await caller.close()
                return reply
            }

            func object(_ reply: HTTPReply) throws -> [String: Any] {
                try JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any] ?? [:]
            }

            /// Subscribes, and gives the path of the subscription.
            func subscribe(
                _ queue: String, _ subscriber: String, ttl: Int = 1200, _ options: String = "{}", token: String? = nil
            ) async throws -> String {
                let body = #"{"subscriber": "\#(subscriber)", "ttl": \#(ttl), "options": \#(options)}"#
                let made = try await self.send("POST", "\(queue)/subscriptions", body, token: token)
                let id = try self.object(made)["subscription_id"] as? String
                return "\(queue)/subscriptions/\(try #require(id, "\(made)"))"
            }

            func options(_ subscription: String) async throws -> [String: Any] {
                let options = try self.object(try await self.send("GET", subscription))["options"]
                return try #require(options as? [String: Any])
            }

            func trust(_ subscription: String) async throws -> String? {
                try await self.options(subscription)["trust_id"] as? String
            }

            func post(_ queue: String, _ body: String) async throws {
                let posted = try await self.send("POST", "\(queue)/messages", #"{"messages": [{"body": \#(body)}]}"#)
                #expect(posted.status == 201, "\(posted)")
            }

            /// What is eventually listed at a path.
            func list(_ path: String, _ name: String, count: Int = 1) async throws -> [[String: Any]] {
                let found = try await eventually { () -> Data? in
                    let reply = try await self.send("GET", path)
                    let items = try self.object(reply)[name] as? [Any] ?? []
                    return items.count >= count ? Data(reply.body) : nil
                }
                let document = try JSONSerialization.jsonObject(with: try #require(found)) as? [String: Any]
                return document?[name] as? [[String: Any]] ?? []
            }

            /// Subscribes a queue to another one, as clients of the messaging API do.
            func forward(_ source: String, to target: String) async throws {
                let post = #"{\"messages\": [{\"body\": \"$zaqar_message$\", \"ttl\": 300}]}"#
                let project = self.keystone.project("alpha")
                let headers = #"{"X-Project-ID": "\#(project)", "Client-ID": "\#(UUID().uuidString)"}"#
                _ = try await self.subscribe(
                    source, "trust+http://\(self.address)/v2/queues/\(target)/messages",
                    #"{"post_data": "\#(post)", "post_headers": \#(headers)}"#)
            }
        }

        /// - Parameter suite: Whose Keystone it is; nil: one that stays as it is.
        private static func with(
            _ suite: Any.Type? = nil, user: String = "member", settings own: [String: String] = [:],
            _ body: (Parts) async throws -> Void
        ) async throws {
            let keystone =
                if let suite { try await KeystoneServer.shared(by: suite) } else { try await KeystoneServer.shared() }
            let settings = keystone.settings.merging(keystone.trusteeSettings) { $1 }.merging(own) { $1 }
            try await withDeployment(settings: settings) { deployment in
                let address = try await deployment.startAPI().address
                _ = try await deployment.startNotifier()
                let token = try await keystone.token(of: user)
                try await body(Parts(keystone: keystone, deployment: deployment, address: address, token: token))
            }
        }

        @Test func `S-25: a message of one queue comes into another one`() async throws {
            try await Self.with { parts in
                try await parts.forward("source", to: "target")
                try await parts.post("source", #"{"event": "é", "n": 1}"#)
                let arrived = try #require(try await parts.list("target/messages?echo=true", "messages").first)
                let body = try #require(arrived["body"] as? [String: Any])
                #expect(Set(body.keys) == ["body", "ttl", "queue_name", "Message_Type"])
                #expect(body["body"] as? NSDictionary == ["event": "é", "n": 1])
                #expect(body["queue_name"] as? String == "source" && body["Message_Type"] as? String == "Notification")
            }
        }

        @Test func `Queues that forward to each other stop after five hops, and say so`() async throws {
            try await Self.with { parts in
                try await parts.forward("a", to: "b")
                try await parts.forward("b", to: "a")
                try await parts.post("a", "1")
                let dead = try #require(try await parts.list("b/dead_letters", "dead_letters").first)
                #expect(dead["reason"] as? String == "hops", "\(dead)")
                #expect(try await parts.list("a/messages?echo=true", "messages", count: 3).count == 3)
                #expect(try await parts.list("b/messages?echo=true", "messages", count: 3).count == 3)
            }
        }

        @Test func `S-20: a trust has the user, project and roles of the token, and ends with the subscription`()
            async throws
        {
            try await Self.with(user: "reader") { parts in
                let before = Set(try await parts.keystone.trusts(of: "reader").map(\.id))
                let subscription = try await parts.subscribe(
                    "q", "trust+https://endpoint.example/x", ttl: 220_367_260_800, #"{"a": 1, "b": {"c": [null]}}"#)
                let options = try await parts.options(subscription)
                let trust = try #require(
                    try await parts.keystone.trusts(of: "reader").first { !before.contains($0.id) })
                #expect(options as NSDictionary == ["a": 1, "b": ["c": [NSNull()]], "trust_id": trust.id])
                #expect(trust.project == parts.keystone.project("alpha") && trust.roles == ["reader"])
                #expect(trust.expires > "9000-01-01")
                // Again: nothing is made, and nothing changes.
                #expect(try await parts.subscribe("q", "trust+https://endpoint.example/x") == subscription)
                #expect(try await parts.keystone.trusts(of: "reader").count == before.count + 1)
                // Senlin's.
                let long = try await parts.subscribe("q", "trust+https://endpoint.example/y", ttl: 1 << 36)
                #expect(try await parts.trust(long) != nil)
                for path in [subscription, long] { #expect(try await parts.send("DELETE", path).status == 204) }
                #expect(try await parts.keystone.trusts(of: "reader").count == before.count)
            }
        }

        @Test func `A change keeps the trust, names another one, or has one made`() async throws {
            try await Self.with(user: "member") { parts in
                let given = try await parts.keystone.giveTrust(of: "member", role: "member")
                let path = try await parts.subscribe("q", "trust+http://endpoint.example/")
                let first = try #require(try await parts.trust(path))
                func change(_ body: String) async throws -> String? {
                    let changed = try await parts.send("PATCH", path, body)
                    #expect(changed.status == 204, "\(body): \(changed)")
                    return try await parts.trust(path)
                }
                func ids() async throws -> Set<String> { Set(try await parts.keystone.trusts(of: "member").map(\.id)) }
                #expect(try await change(#"{"options": {"a": 1}}"#) == first)
                #expect(try await parts.options(path) as NSDictionary == ["a": 1, "trust_id": first])
                #expect(try await change(#"{"subscriber": "trust+https://endpoint.example/2"}"#) == first)
                let longer = try #require(try await change(#"{"ttl": 7200}"#))
                #expect(longer != first)
                #expect(try await !ids().contains(first))
                let anew = try #require(try await change(#"{"options": {"trust_id": null}}"#))
                #expect(anew != longer)
                #expect(try await !ids().contains(longer))
                #expect(try await change(#"{"options": {"trust_id": "\#(given)"}}"#) == given)
                #expect(try await !ids().contains(anew))
                // One that its user made is not made longer, nor removed.
                #expect(try await change(#"{"ttl": 14400}"#) == given)
                #expect(try await change(#"{"subscriber": "https://endpoint.example/", "options": {"b": 2}}"#) == nil)
                #expect(try await ids().contains(given))
                #expect(try await change(#"{"subscriber": "trust+https://endpoint.example/"}"#) != nil)
                #expect(try await parts.send("DELETE", path).status == 204)
                try await parts.keystone.removeTrust(given)
            }
        }

        @Test func `Trusts of others, and tokens that cannot give any, are refused`() async throws {
            try await Self.with { parts in
                let stranger = try await parts.keystone.giveTrust(of: "boss", role: "admin")
                let elsewhere = try await parts.keystone.giveTrust(of: "member", role: "member", to: "nova")
                // Its tokens would be those of the trustee itself, or soon none.
                let own = try await parts.keystone.giveTrust(of: "member", role: "member", impersonates: false)
                let once = try await parts.keystone.giveTrust(of: "member", role: "member", uses: 1)
                let restricted = try await parts.keystone.restrictedToken(
                    of: "member", rules: [("messaging", "POST", "/v2/queues/**")])
                let subscriber = #""subscriber": "trust+http://endpoint.example/""#
                let cases: [(body: String, token: String?, status: Int, words: String)] = [
                    (#"{\#(subscriber), "options": {"trust_id": "\#(stranger)"}}"#, nil, 403, "trust_id"),
                    (#"{\#(subscriber), "options": {"trust_id": "\#(elsewhere)"}}"#, nil, 403, "trust_id"),
                    (#"{\#(subscriber), "options": {"trust_id": "\#(own)"}}"#, nil, 403, "trust_id"),
                    (#"{\#(subscriber), "options": {"trust_id": "\#(once)"}}"#, nil, 403, "trust_id"),
                    (#"{\#(subscriber), "options": {"trust_id": "0123456789abcdef"}}"#, nil, 403, "trust_id"),
                    (#"{\#(subscriber), "options": {"trust_id": "../../v3/users"}}"#, nil, 400, "trust_id"),
                    (#"{\#(subscriber), "options": {"trust_id": 7}}"#, nil, 400, "trust_id"),
                    (
                        #"{\#(subscriber), "options": {"post_headers": {"x-auth-TOKEN": "t"}}}"#, nil, 400,
                        "X-Auth-Token"
                    ),
                    (#"{\#(subscriber)}"#, restricted, 403, "Keystone makes no trust"),
                    (#"{"subscriber": "trust+zaqar://?queue_name=q"}"#, nil, 400, "must be supported in the list"),
                    (#"{"subscriber": "trust+http:///nowhere"}"#, nil, 400, "URL"),
                ]
                for one in cases {
                    let reply = try await parts.send("POST", "q/subscriptions", one.body, token: one.token)
                    #expect(reply.status == one.status && reply.text.contains(one.words), "\(one.body): \(reply)")
                }
                #expect(try await parts.list("q/subscriptions", "subscriptions", count: 0).isEmpty)
                for trust in [stranger, elsewhere, own, once] { try await parts.keystone.removeTrust(trust) }
            }
        }

        @Test func `Only its user says where the tokens of a trust go and what is sent with them`() async throws {
            try await Self.with(settings: ["HERALD_SIGNED_URL_KEYS": "a-key-of-enough-characters"]) { parts in
                let path = try await parts.subscribe("q", "trust+http://endpoint.example/", #"{"a": 1}"#)
                let first = try #require(try await parts.trust(path))
                let boss = try await parts.keystone.token(of: "boss")
                let shared = try await parts.send(
                    "POST", "q/share", #"{"paths": ["subscriptions"], "methods": ["PATCH", "POST"]}"#)
                let share = try parts.object(shared)
                let paths = try #require(share["paths"] as? [String], "\(shared)").joined(separator: ",")
                let signed = [
                    ("URL-Signature", share["signature"] as? String ?? ""), ("URL-Paths", paths),
                    ("URL-Expires", share["expires"] as? String ?? ""), ("URL-Methods", "PATCH,POST"),
                    ("X-Project-Id", parts.keystone.project("alpha")),
                ]
                let other = #""subscriber": "trust+http://other.example/""#
                let changes = [
                    "{\(other)}", #"{"options": {"a": 2}}"#, #"{"ttl": 7200}"#, #"{"options": {"trust_id": null}}"#,
                    #"{"subscriber": "trust+https://other.example/", "ttl": 600}"#,
                ]
                for change in changes {
                    let refused = try await parts.send("PATCH", path, change, token: boss)
                    #expect(refused.status == 403 && refused.text.contains("another user"), "\(change): \(refused)")
                    let byShare = try await parts.send("PATCH", path, change, headers: signed)
                    #expect([403, 404].contains(byShare.status), "\(change): \(byShare)")
                }
                let made = try await parts.send("POST", "q/subscriptions", "{\(other)}", headers: signed)
                #expect(made.status == 403, "\(made)")
                #expect(try await parts.options(path) as NSDictionary == ["a": 1, "trust_id": first])
                #expect(try await parts.send("PATCH", path, #"{"ttl": 600}"#, token: boss).status == 204)
                #expect(try await parts.trust(path) == first)
                // With a trust of its own it takes the subscription over.
                let taken = try await parts.send("PATCH", path, #"{\#(other), "options": {"b": 1}}"#, token: boss)
                #expect(taken.status == 204, "\(taken)")
                let second = try #require(try await parts.trust(path))
                #expect(try await parts.keystone.trusts(of: "boss").contains { $0.id == second })
                #expect(try await parts.send("PATCH", path, #"{"options": {"c": 1}}"#).status == 403)
                #expect(try await parts.send("DELETE", path, token: boss).status == 204)
            }
        }

        @Test func `At the limit of subscriptions no trust is made`() async throws {
            try await Self.with(user: "reader", settings: ["HERALD_LIMITS_PROJECT_SUBSCRIPTIONS": "1"]) { parts in
                _ = try await parts.subscribe("q", "http://endpoint.example/")
                let before = try await parts.keystone.trusts(of: "reader").count
                let refused = try await parts.send(
                    "POST", "q/subscriptions", #"{"subscriber": "trust+http://endpoint.example/"}"#)
                #expect(refused.status == 403 && refused.text.contains("subscriptions"), "\(refused)")
                #expect(try await parts.keystone.trusts(of: "reader").count == before)
            }
        }

        @Test func `Heat's trigger of a workflow is sent as Mistral takes it`() async throws {
            try await Self.with { parts in
                try await WebhookReceiver.with(answers: ["/v2/executions": .status(201)]) { receiver in
                    let execution =
                        #"{\"workflow_id\": \"w\", \"input\": {\"n\": 1}, \"params\": "#
                        + #"{\"env\": {\"notification\": \"$zaqar_message$\"}}}"#
                    _ = try await parts.subscribe(
                        "q", "trust+http://127.0.0.1:\(receiver.port)/v2/executions", ttl: 220_367_260_800,
                        "{\"post_data\": \"\(execution)\"}")
                    try await parts.post("q", #"{"event": 1}"#)
                    let request = try #require(try await receiver.waitFor(count: 1).first)
                    let sent = try JSONSerialization.jsonObject(with: Data(request.body)) as? [String: Any]
                    let environment = (sent?["params"] as? [String: Any])?["env"] as? [String: Any]
                    let message = environment?["notification"] as? [String: Any]
                    #expect(sent?["workflow_id"] as? String == "w" && sent?["input"] as? NSDictionary == ["n": 1])
                    #expect(message?["body"] as? NSDictionary == ["event": 1], "\(request.text)")
                    #expect(request["x-auth-token"]?.isEmpty == false)
                }
            }
        }

        @Test func `A token is used again, and replaced once where an endpoint refuses it`() async throws {
            try await Self.with { parts in
                let answers: [String: ReceiverAnswer] = [
                    "/once": .sequence([.status(204), .status(401), .status(204)]), "/never": .status(401),
                ]
                try await WebhookReceiver.with(answers: answers) { receiver in
                    let base = "trust+http://127.0.0.1:\(receiver.port)"
                    let headers = #"{"post_headers": {"X-Own": "1"}}"#
                    _ = try await parts.subscribe("q", base + "/once", headers)
                    try await parts.post("q", "1")
                    _ = try await receiver.waitFor(count: 1)
                    try await parts.post("q", "2")
                    let all = try await receiver.waitFor(count: 3)
                    let tokens = all.compactMap { $0["x-auth-token"] }
                    #expect(tokens.count == 3 && tokens[0] == tokens[1] && tokens[1] != tokens[2])
                    #expect(all.allSatisfy { $0["x-own"] == "1" && $0["content-type"] == "application/json" })
                    #expect(all.allSatisfy { $0["herald-hops"] == "1" && $0["webhook-signature"] != nil })
                    let policy =
                        #"{"_retry_policy": {"retries_with_no_delay": 0, "minimum_delay_retries": 0, "#
                        + #""maximum_delay_retries": 0, "minimum_delay": 5, "maximum_delay": 30}}"#
                    let path = try await parts.subscribe("other", base + "/never", policy)
                    try await parts.post("other", "3")
                    let attempts = try await parts.list(path + "/attempts", "attempts")
                    #expect(attempts.first?["status"] as? Int == 401, "\(attempts)")
                    #expect(receiver.requests(at: "/never").count == 2 * attempts.count)
                    for (token, _) in zip(tokens, 0..<3) { #expect(!parts.deployment.logs.contains(token)) }
                }
            }
        }

        @Test func `W-61: subscriptions over WebSocket have trusts too`() async throws {
            let keystone = try await KeystoneServer.shared()
            let settings = keystone.settings.merging(keystone.trusteeSettings) { $1 }
            try await withDeployment(settings: settings) { deployment in
                let api = try await deployment.startAPI()
                let client = try await WebSocketClient.connect(try #require(api.ready.websocket))
                let headers =
                    #""Client-ID": "3381af92-2b9e-11e3-b191-71861300734c", "X-Project-ID": "#
                    + "\"\(keystone.project("alpha"))\""
                let token = try await keystone.token(of: "member")
                func call(_ action: String, _ more: String, _ body: String = "{}") async throws -> String {
                    try await client.send(
                        text: #"{"action": "\#(action)", "headers": {\#(headers)\#(more)}, "body": \#(body)}"#)
                    return try await client.next()?.text ?? ""
                }
                #expect(try await call("authenticate", #", "X-Auth-Token": "\#(token)""#).contains("200"))
                let made = try await call(
                    "subscription_create", "",
                    #"{"queue_name": "q", "subscriber": "trust+http://endpoint.example/", "ttl": 600}"#)
                let id = try #require(made.firstMatch(of: /"subscription_id":"([^"]*)"/)?.output.1, "\(made)")
                let named = #"{"queue_name": "q", "subscription_id": "\#(id)"}"#
                let shown = try await call("subscription_get", "", named)
                let trust = try #require(shown.firstMatch(of: /"options":{"trust_id":"([^"]*)"}/)?.output.1, "\(shown)")
                #expect(try await keystone.trusts(of: "member").contains { $0.id == trust })
                #expect(try await call("subscription_delete", "", named).contains("204"))
                #expect(try await !keystone.trusts(of: "member").contains { $0.id == trust })
            }
        }

        @Test func `The trust of a purged subscription is removed by a notifier`() async throws {
            try await Self.with(user: "boss") { parts in
                let path = try await parts.subscribe("q", "trust+http://endpoint.example/")
                let trust = try #require(try await parts.trust(path))
                let purged = try await parts.send("POST", "q/purge", #"{"resource_types": ["subscriptions"]}"#)
                #expect(purged.status == 204)
                let isGone = try await eventually {
                    try await parts.keystone.trusts(of: "boss").contains { $0.id == trust } ? nil : true
                }
                #expect(isGone == true)
            }
        }

        @Test func `Deliveries wait for Keystone without an attempt, and a trust that is over is a failed one`()
            async throws
        {
            try await Self.with(Self.self) { parts in
                try await WebhookReceiver.with(answers: ["/": .status(204)]) { receiver in
                    let subscriber = "trust+http://127.0.0.1:\(receiver.port)/"
                    let path = try await parts.subscribe("q", subscriber)
                    await parts.keystone.stop()
                    try await parts.post("q", "1")
                    let isSaid = try await eventually {
                        parts.deployment.logs.contains("No token for a subscriber") ? true : nil
                    }
                    #expect(isSaid == true && receiver.count == 0)
                    try await parts.keystone.restart()
                    let arrived = try await receiver.waitFor(count: 1)
                    #expect(arrived.first?["herald-attempt"] == "1")
                    let other = try await parts.subscribe("r", subscriber)
                    try await parts.keystone.removeTrust(try #require(try await parts.trust(other)))
                    try await parts.post("r", "2")
                    let attempts = try await parts.list(other + "/attempts", "attempts")
                    #expect(attempts.first?["error"] as? String == "trust", "\(attempts)")
                    #expect(receiver.count == 1)
                    _ = try await parts.send("DELETE", path)
                }
            }
        }

        @Test func `Without a trustee, and with API keys, there are no such subscribers`() async throws {
            let keystone = try await KeystoneServer.shared()
            try await withDeployment(settings: keystone.settings) { deployment in
                let parts = Parts(
                    keystone: keystone, deployment: deployment, address: try await deployment.startAPI().address,
                    token: try await keystone.token(of: "member"))
                let reply = try await parts.send(
                    "POST", "q/subscriptions", #"{"subscriber": "trust+http://endpoint.example/"}"#)
                #expect(reply.status == 400 && reply.text.contains("list http, https"), "\(reply)")
            }
        }
    }
}
