import API
import Domain
import Foundation
import HTTPServer
import Logging
import Policy
import Settings
import Signing
import TestKit
import Testing

/// Which requests are in the audit log, and what it says of them.
struct AuditTests {
    /// Runs an API that keeps an audit log.
    private func withAudit(
        rules: AccessRules = AccessRules(), signedURLKeys: [String] = [], authenticator: (any Authenticator)? = nil,
        http: HTTPLimits = HTTPLimits(), proxies: TrustedProxies = TrustedProxies(),
        _ body: (RunningAPI, AuditFile) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let file = AuditFile(folder.appendingPathComponent("audit.log"))
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let audit = try AuditLog.open(.file(file.path), logger: logger)
            try await withAPI(
                signedURLKeys: signedURLKeys, rules: rules, authenticator: authenticator,
                sessionAuthenticator: authenticator, audit: audit, http: http, proxies: proxies
            ) { try await body($0, file) }
        }
    }

    /// Waits for the line of an answer.
    private func line(of reply: HTTPReply, in file: AuditFile) async throws -> AuditFile.Line {
        let id = try #require(reply["X-OpenStack-Request-Id"])
        return try #require(try await file.line { $0["request"] == id }, "\(reply)")
    }

    @Test func `Every route that does more than read has a line, and no other route`() async throws {
        var rules = AccessRules()
        rules.hasAdministration = true
        try await self.withAudit(rules: rules) { api, file async throws in
            var asked: [(route: Route, reply: HTTPReply)] = []
            for route in RouteTable.routes {
                let path = route.template.replacing(/\{[^}]*\}/, with: "named")
                // A stream has no end: its head is enough.
                let hasEnd = route.method != .head && !route.template.hasSuffix("/stream")
                let caller = HTTPCaller(api.address)
                let head =
                    "\(route.method.rawValue) \(path)?secret=in-the-query HTTP/1.1\r\nHost: x\r\nX-Roles: admin\r\n"
                    + "X-Project-Id: p\r\nX-User-Id: u\r\nClient-ID: 3381af92-2b9e-11e3-b191-71861300734c\r\n"
                asked.append(
                    (route, try await caller.send(raw: head + "Content-Length: 2\r\n\r\n{}", hasBody: hasEnd)))
                await caller.close()
            }
            // Lines are in the order of requests: with the last one all are there.
            let last = try await api.client().put("/v2/queues/last")
            _ = try await self.line(of: last, in: file)
            let lines = try file.lines
            for (route, reply) in asked {
                let name = "\(route.method.rawValue) \(route.template)"
                let id = try #require(reply["X-OpenStack-Request-Id"])
                let found = lines.filter { $0["request"] == id }
                #expect(found.count == (["GET", "HEAD"].contains(route.method.rawValue) ? 0 : 1), "\(name)")
                guard let line = found.first else { continue }
                #expect(line["call"] == name && line["rule"] == route.rule?.name, "\(line)")
                #expect(line["transport"] == "rest" && line.status == reply.status, "\(line) \(reply)")
                #expect(line["project"] == (route.isPage ? nil : "p"), "\(line)")
                #expect(line["user"] == (route.isPage ? nil : "u") && line["from"] == "127.0.0.1", "\(line)")
                for name in route.template.matches(of: /\{([^}]*)\}/) {
                    let member = name.output.1 == "project" ? "of_project" : String(name.output.1)
                    #expect(line[member] == "named", "\(line)")
                }
                #expect(!line.text.contains("in-the-query"))
            }
            #expect(lines.count == RouteTable.routes.count { $0.changes } + 1)
        }
    }

    @Test func `Every action that does more than read has a line, and no other action`() async throws {
        let reading: Set = [
            "authenticate", "queue_list", "queue_get", "queue_get_stats", "message_list", "message_get",
            "message_get_many", "claim_get", "subscription_list", "subscription_get",
        ]
        #expect(reading.isSubset(of: ActionTable.actions.map(\.name)))
        try await self.withAudit { api, file async throws in
            let client = try await api.actions(project: "p")
            let named = Self.members.map { #""\#($0)": "named""# }.joined(separator: ", ")
            var statuses: [[Int]] = []
            for action in ActionTable.actions {
                // Without the arrays that some require, and whole.
                let refused = try await client.call(action.name, "{\(named)}")
                let whole = try await client.call(
                    action.name, #"{\#(named), "messages": [], "message_ids": [], "delivery_ids": []}"#)
                statuses.append([refused.status, whole.status])
            }
            _ = try await client.call("queue_create", #"{"queue_name": "last"}"#)
            let last = try await file.line { $0["queue"] == "last" }
            #expect(last != nil)
            self.check(try file.lines, statuses, reading)
        }
    }

    private func check(_ lines: [AuditFile.Line], _ statuses: [[Int]], _ reading: Set<String>) {
        for (action, answered) in zip(ActionTable.actions, statuses) {
            let found = lines.filter { $0["call"] == action.name && $0["queue"] != "last" }
            let written = found.compactMap(\.status)
            #expect(written == (reading.contains(action.name) ? [] : answered), "\(action.name)")
            for line in found { self.check(line, of: action) }
        }
    }

    /// What actions name by a text.
    private static let members = ["queue_name", "message_id", "claim_id", "subscription_id"]

    private func check(_ line: AuditFile.Line, of action: Action) {
        #expect(line["transport"] == "websocket" && line["rule"] == action.rule?.name, "\(line)")
        #expect(line["from"] == "127.0.0.1" && line["session"] != nil, "\(line)")
        for name in Self.members {
            let isRequired = action.members.contains { $0.name == name && $0.isRequired }
            let value = line[String(name.prefix { $0 != "_" })]
            // What is made is named by the server.
            #expect((value == "named") == isRequired, "\(line)")
        }
    }

    @Test func `What a rule guards changes something as a whole, or not at all`() {
        for rule in PolicyCatalog.rules {
            let routes = RouteTable.routes.filter { $0.rule == rule }
            #expect(Set(routes.map(\.changes)).count <= 1, "\(rule.name)")
        }
    }

    @Test func `The button of a page has a line with the subscription that its link leads to`() async throws {
        try await self.withAudit { api, file async throws in
            let address = "mailto:jo@example.com"
            let client = api.client(project: "p")
            let made = try await client.post(
                "/v2/queues/alerts/subscriptions", #"{"subscriber": "\#(address)", "ttl": 3600}"#)
            let id = try #require((made.json["subscription_id"] as? String).flatMap(SubscriptionID.init))
            let queue = QueueAddress(project: try ProjectID("p"), name: try QueueName("alerts"))
            let keys = LinkKeys(masterKey: try MasterKey(RunningAPI.masterKey))
            for (purpose, path, answer) in [
                (.confirm, "/confirm", "confirm"), (.unsubscribe, "/unsubscribe", "unsubscribe"),
            ] as [(LinkToken.Purpose, String, String)] {
                let token = try #require(
                    keys.seal(LinkToken(purpose, of: id, in: queue, sentTo: address, expiry: 4_000_000_000)))
                let reply = try await HTTPCaller(api.address).send(
                    "POST", "\(path)?token=\(token)", headers: [("Content-Type", "application/x-www-form-urlencoded")],
                    body: "answer=\(answer)")
                #expect(reply.status == 200, "\(reply)")
                let line = try await self.line(of: reply, in: file)
                #expect(line["call"] == "POST \(path)" && line["credentials"] == "link", "\(line)")
                #expect(line["project"] == "p" && line["queue"] == "alerts", "\(line)")
                #expect(line["subscription"] == id.text && !line.text.contains(token), "\(line)")
            }
        }
    }

    @Test func `What is made has its id in the line`() async throws {
        try await self.withAudit { api, file async throws in
            let client = api.client(project: "p")
            _ = try await client.postMessages(["1"], to: "orders")
            let claimed = try await client.post("/v2/queues/orders/claims", nil)
            let claim = try #require(claimed["Location"]?.split(separator: "/").last)
            #expect(try await self.line(of: claimed, in: file)["claim"] == String(claim))
            let subscribed = try await client.post("/v2/queues/orders/subscriptions", #"{"subscriber": "http://a"}"#)
            let subscription = try #require(subscribed.json["subscription_id"] as? String)
            #expect(try await self.line(of: subscribed, in: file)["subscription"] == subscription)

            let actions = try await api.actions(project: "p")
            _ = try await client.postMessages(["2"], to: "orders")
            let claimedOver = try await actions.call("claim_create", #"{"queue_name": "orders"}"#)
            let other = try #require(claimedOver["claim_id"] as? String)
            #expect(try await file.line { $0["claim"] == other }?["call"] == "claim_create")
            let subscribedOver = try await actions.call(
                "subscription_create", #"{"queue_name": "orders", "subscriber": "http://b"}"#)
            let second = try #require(subscribedOver["subscription_id"] as? String)
            #expect(try await file.line { $0["subscription"] == second }?["call"] == "subscription_create")
        }
    }

    @Test func `A request that is refused has a line, with what is known of its caller`() async throws {
        let rules = try PolicyTests.rules("queues:create: '!'")
        try await self.withAudit(rules: rules, signedURLKeys: ["key"]) { api, file async throws in
            let client = api.client(project: "p")
            let forbidden = try await client.put("/v2/queues/a")
            #expect(forbidden.status == 403)
            let line = try await self.line(of: forbidden, in: file)
            #expect(line.status == 403 && line["project"] == "p" && line["credentials"] == "none", "\(line)")

            let signed = [("URL-Signature", "0123"), ("URL-Expires", "2100-01-01T00:00:00")]
            let unknown = try await client.send("POST", "/v2/queues/a/messages", "{}", headers: signed)
            #expect(unknown.status == 404)
            let refused = try await self.line(of: unknown, in: file)
            #expect(refused.status == 404 && refused["project"] == nil && refused["credentials"] == nil, "\(refused)")

            let global = "req-3381af92-2b9e-11e3-b191-71861300734c"
            let invalid = try await client.send(
                "DELETE", "/v2/queues/a%0Ab", headers: [("X-OpenStack-Request-Id", global)])
            #expect(invalid.status == 400)
            let named = try await self.line(of: invalid, in: file)
            #expect(named["queue"] == "a\nb" && named["global_request"] == global, "\(named)")

            let actions = try await api.actions(project: "p")
            #expect(try await actions.call("queue_create", #"{"queue_name": "over"}"#).status == 403)
            #expect(try await file.line { $0["queue"] == "over" }?.status == 403)

            await api.redis.stop()
            let failed = try await client.delete("/v2/queues/a")
            #expect(failed.status == 503)
            #expect(try await self.line(of: failed, in: file).status == 503)
        }
    }

    @Test func `Where callers are authenticated, what a request says of itself is not in its line`() async throws {
        try await self.withAudit(authenticator: NoneIsKnown()) { api, file async throws in
            let stated = [("X-Project-Id", "forged"), ("X-User-Id", "root"), ("X-Auth-Token", "a-secret-token")]
            let reply = try await HTTPCaller(api.address).send("PUT", "/v2/queues/a", headers: stated)
            #expect(reply.status == 401)
            let line = try await self.line(of: reply, in: file)
            #expect(line.status == 401 && line.names.isDisjoint(with: ["project", "user", "credentials"]), "\(line)")
            let actions = try await api.actions(project: "forged")
            #expect(try await actions.call("queue_create", #"{"queue_name": "over"}"#).status == 403)
            let over = try #require(try await file.line { $0["queue"] == "over" })
            #expect(over.status == 403 && over.names.isDisjoint(with: ["project", "user", "credentials"]), "\(over)")
            #expect(try file.lines.allSatisfy { !$0.text.contains("secret") && !$0.text.contains("forged") })
        }
    }

    private struct NoneIsKnown: Authenticator {
        func identity(
            of credentials: Credentials, at now: Timestamp
        ) async throws(AuthenticationError) -> Identity { throw .unauthenticated(challenge: "none") }
    }

    @Test func `A body that does not arrive has a line`() async throws {
        var limits = HTTPLimits()
        limits.bytesInFlightMax = 100_000
        try await self.withAudit(http: limits) { api, file async throws in
            let head =
                "POST /v2/queues/broken/messages HTTP/1.1\r\nHost: x\r\nX-Project-Id: p\r\n"
                + "Client-ID: 3381af92-2b9e-11e3-b191-71861300734c\r\nTransfer-Encoding: chunked\r\n\r\n"
            let broken = try await HTTPCaller(api.address).send(raw: head + "no size\r\n")
            #expect(broken.status == 400)
            let line = try #require(try await file.line { $0["queue"] == "broken" })
            // The answer has an id of its own.
            #expect(line.status == 400 && line["project"] == "p" && line["request"] == nil, "\(line)")

            let large = String(repeating: "x", count: 200_000)
            let reply = try await api.client(project: "p").post("/v2/queues/large/messages", large)
            #expect(reply.status == 503)
            #expect(try await file.line { $0["queue"] == "large" }?.status == 503)
        }
    }

    @Test func `A request that is refused before anything is looked at has a line`() async throws {
        var limits = HTTPLimits()
        limits.bytesInFlightMax = 0
        try await self.withAudit(http: limits) { api, file async throws in
            let reply = try await api.client(project: "p").put("/v2/queues/a")
            #expect(reply.status == 503)
            let line = try await self.line(of: reply, in: file)
            #expect(line.status == 503 && line["queue"] == "a" && line["from"] == "127.0.0.1", "\(line)")
            #expect(line["project"] == nil && line["credentials"] == nil, "\(line)")
        }
    }

    @Test func `The address is that of the caller, behind proxies that are believed too`() async throws {
        let proxies = try TrustedProxies(
            SettingReader(
                for: .api, flags: [Setting.apiProxies: "127.0.0.0/8", Setting.masterKey: RunningAPI.masterKey],
                environment: [:]))
        let forwarded = ("X-Forwarded-For", "198.51.100.9, 203.0.113.7, 127.0.0.2")
        let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
        let header = signature + [0x21, 0x11, 0, 12, 192, 0, 2, 33, 127, 0, 0, 1, 0xC0, 0, 0x1F, 0x90]
        let request = "PUT /v2/queues/direct HTTP/1.1\r\nHost: x\r\n\(forwarded.0): \(forwarded.1)\r\n\r\n"
        try await self.withAudit(proxies: proxies) { api, file async throws in
            let client = api.client()
            let reply = try await client.send("PUT", "/v2/queues/a", headers: [forwarded])
            #expect(try await self.line(of: reply, in: file)["from"] == "203.0.113.7")
            let plain = try await client.put("/v2/queues/b")
            #expect(try await self.line(of: plain, in: file)["from"] == "127.0.0.1")
            // Whom such a proxy names has written the other header itself.
            let named = try await HTTPCaller(api.address).send(bytes: header + Array(request.utf8))
            #expect(try await self.line(of: named, in: file)["from"] == "192.0.2.33")

            let socket = try await WebSocketClient.connect(
                api.address, path: WebSocketEndpoint.path, headers: WebSocketClient.headers + [forwarded])
            let actions = ActionClient(socket: socket)
            _ = try await actions.call("queue_create", #"{"queue_name": "over"}"#)
            #expect(try await file.line { $0["queue"] == "over" }?["from"] == "203.0.113.7")
        }
        try await self.withAudit { api, file async throws in
            let reply = try await api.client().send("PUT", "/v2/queues/a", headers: [forwarded])
            #expect(try await self.line(of: reply, in: file)["from"] == "127.0.0.1")
        }
    }
}
