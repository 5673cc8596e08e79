import API
import Documents
import Domain
import Foundation
import Logging
import NIOCore
import Operations
import Redis
import TestKit
import Testing

/// Health, and who may ask for it.
struct AdministrationTests {
    private static let steps: Set<String> = [
        "create_queue", "post_messages", "claim_messages", "list_messages", "delete_messages", "delete_claim",
        "bulk_delete_messages", "delete_queue",
    ]

    private static var rules: AccessRules {
        var rules = AccessRules()
        rules.hasAdministration = true
        return rules
    }

    @Test func `P-2, P-4, P-6, P-7: a healthy deployment says so, as often as it is asked, and leaves nothing behind`()
        async throws
    {
        try await withAPI(rules: Self.rules) { api async throws in
            let client = api.client()
            for _ in 0..<2 {
                let reply = try await client.send("GET", "/v2/health", headers: [("X-Roles", "member, Admin")])
                #expect(reply.status == 200 && Set(reply.json.keys) == ["storage_reachable", "operation_status"])
                #expect(reply.json["storage_reachable"] as? Bool == true)
                let status = try #require(reply.json["operation_status"] as? [String: [String: Any]])
                #expect(Set(status.keys) == Self.steps)
                for (name, step) in status {
                    #expect(Set(step.keys) == ["succeeded", "seconds", "ref"], "\(name)")
                    #expect(step["succeeded"] as? Bool == true && step["ref"] is NSNull, "\(name): \(reply)")
                    #expect((step["seconds"] as? Double ?? -1) >= 0, "\(name)")
                }
            }
            let left = try await api.redis.command("KEYS", "*herald-health*").array ?? []
            #expect(left.isEmpty)
        }
    }

    @Test func `P-3, A-40: a step that fails is named, the others go on, and the last always runs`() async throws {
        struct Failed: Error {}
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let report = await HealthReport.of(
            [("post_messages", {}), ("delete_messages", { throw Failed() }), ("delete_claim", {})],
            finally: ("delete_queue", {}), logger: logger)
        let document = HealthDocument.health(.store(report))
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(document.readableBytesView)) as? [String: Any])
        let status = try #require(json["operation_status"] as? [String: [String: Any]])
        for (name, step) in status {
            #expect(step["succeeded"] as? Bool == (name != "delete_messages"), "\(name)")
            #expect((step["ref"] as? String).flatMap { UUID(uuidString: $0) } != nil || name != "delete_messages")
        }
        #expect(status.count == 4)
    }

    @Test func `P-5, CV-25: health of a dead store is 503, in time`() async throws {
        try await withAPI(rules: Self.rules) { api async throws in
            await api.redis.kill()
            let client = api.client()
            let reply = try await client.caller.send(
                "GET", "/v2/health", headers: client.headers + [("X-Roles", "admin")], within: .seconds(5))
            #expect(reply.status == 503 && reply.title == "Service temporarily unavailable")
        }
    }

    @Test func `CV-24, O-1: only administrators see it, and only where it is switched on`() async throws {
        try await withAPI(rules: Self.rules) { api async throws in
            let client = api.client()
            for roles in [[], [("X-Roles", "")], [("X-Roles", "administrator,member")], [("EXTRA-SPEC", "admin")]] {
                let reply = try await client.send("GET", "/v2/health", headers: roles)
                #expect(reply.status == 403 && reply.title == "Not authorized")
            }
            #expect(try await client.send("GET", "/v2/health", headers: [("X-ROLES", "admin")]).status == 200)
            #expect(try await client.send("POST", "/v2/health").status == 405)
            let xml = try await HTTPCaller(api.address).send(
                "GET", "/v2/health", headers: [("Accept", "application/xml")])
            #expect(xml.status == 406)
            let homeDocument = try await client.get("/v2/")
            let health = (homeDocument.json["resources"] as? [String: [String: Any]])?["rel/health"]
            #expect(health?["href"] as? String == "/v2/health" && health?["href-template"] == nil)
        }
        try await withAPI { api async throws in
            let reply = try await api.client().send("GET", "/v2/health", headers: [("X-Roles", "admin")])
            #expect(reply.status == 404 && reply.text == #"{"title":"404 Not Found"}"#)
        }
    }

    @Test func `CV-8, O-21: clients may have names that are no UUID, where they are allowed`() async throws {
        var rules = AccessRules()
        rules.clients = .any(characters: 10...36)
        try await withAPI(rules: rules) { api async throws in
            for id in [String(repeating: "1", count: 10), String(repeating: "2", count: 35), "A client of ours"] {
                var client = api.client()
                client.client = id
                #expect(try await client.get("/v2/queues/q/stats").status == 200)
                #expect(try await client.put("/v2/queues/q").status == 201)
                #expect(try await client.get("/v2/queues/q").status == 200)
                #expect(try await client.postMessages(["1"], to: "q").count == 1)
                #expect(try await client.get("/v2/queues/q/messages").objects("messages").isEmpty)
                var other = client
                other.client = id.lowercased() + "x"
                #expect(try await other.get("/v2/queues/q/messages").objects("messages").count == 1)
                #expect(try await client.delete("/v2/queues/q").status == 204)
            }
            for id in [String(repeating: "1", count: 9), String(repeating: "1", count: 37), ""] {
                var client = api.client()
                client.client = id
                let reply = try await client.get("/v2/queues")
                #expect(reply.status == 400 && reply.title == "Wrong UUID value")
            }
        }
    }
}
