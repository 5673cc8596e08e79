import API
import Foundation
import HTTPServer
import Policy
import TestKit
import Testing

/// What is derived from the table of routes.
struct RouteTableTests {
    private static func withAdministration(_ body: (RunningAPI) async throws -> Void) async throws {
        var rules = AccessRules()
        rules.hasAdministration = true
        try await withAPI(rules: rules, body)
    }

    private static func resources(_ api: RunningAPI) async throws -> [String: [String: Any]] {
        let client = api.client()
        let reply = try await client.get("/v2/")
        return try #require(reply.json["resources"] as? [String: [String: Any]])
    }

    @Test func `The home document lists every route below /v2/, each in one entry`() async throws {
        try await Self.withAdministration { api async throws in
            var listed: [String] = []
            for (relation, resource) in try await Self.resources(api) {
                let template = try #require((resource["href-template"] ?? resource["href"]) as? String)
                let path = template.replacing(/\{\?[^}]*\}/, with: "").replacing(/\{[^}]*\}/, with: "{}")
                let hints = try #require(resource["hints"] as? [String: Any])
                for method in try #require(hints["allow"] as? [String]) { listed.append("\(method) \(path)") }
                // Every variable of the template is explained, and no other.
                let names = template.matches(of: /\{\??([^}]*)\}/).flatMap {
                    $0.1.split(separator: ",").map(String.init)
                }
                let variables = resource["href-vars"] as? [String: String] ?? [:]
                #expect(Set(names) == Set(variables.keys), "\(relation)")
            }
            let expected = RouteTable.routes.filter {
                $0.method != .head && !["/", "/v2/"].contains($0.template) && !$0.isPage
            }
            .map { "\($0.method.rawValue) \($0.template.replacing(/\{[^}]*\}/, with: "{}"))" }
            #expect(listed.sorted() == expected.sorted())
        }
    }

    @Test func `What a deployment does not serve is neither listed nor found`() async throws {
        try await withAPI { api async throws in
            let relations = try await Self.resources(api).keys
            for relation in ["rel/health", "rel/pools", "rel/pool", "rel/flavors", "rel/flavor", "rel/admin_queues"] {
                #expect(!relations.contains(relation))
            }
            #expect(try await HTTPCaller(api.address).send("OPTIONS", "/v2/pools")["Allow"] == nil)
        }
    }

    @Test func `Every operation has a rule of the policy, and only administrators pass some of them`() {
        for route in RouteTable.routes where route.rule == nil && !route.isPage {
            #expect(["/", "/v2/", "/v2/openapi.json", "/v2/asyncapi.json"].contains(route.template))
        }
        let names = RouteTable.policyRules.map(\.name)
        #expect(Set(names).count == names.count)
        let administrators = Set(RouteTable.policyRules.filter { !$0.text.isEmpty }.map(\.name))
        #expect(
            administrators == [
                "health:get", "pools:get_all", "pools:get", "pools:create", "pools:update", "pools:delete",
                "flavors:create", "flavors:update", "flavors:delete", "admin:projects", "admin:queues",
                "admin:subscriptions", "project_limits:get", "project_limits:update",
                "project_limits:delete",
            ])
        for (group, actions) in [
            ("queues", "get_all create get delete update stats share purge"),
            ("messages", "get_all create delete_all get delete"), ("claims", "create get delete update"),
            ("subscription", "get_all create get delete update confirm"),
            ("topics", "get_all create get delete update stats purge"), ("ping", "get"), ("flavors", "get_all get"),
        ] {
            for action in actions.split(separator: " ") { #expect(names.contains("\(group):\(action)")) }
        }
    }

    @Test func `Only the list of versions and the pages for subscribers are answered without authentication`() {
        #expect(RouteTable.paths.filter(\.isOpen).map(\.template) == ["/", "/confirm", "/unsubscribe"])
        #expect(RouteTable.paths.filter(\.isPage).map(\.template) == ["/confirm", "/unsubscribe"])
    }

    @Test func `A path is found by its parts as they came, and a literal part goes before a variable one`() async throws
    {
        try await Self.withAdministration { api async throws in
            let caller = HTTPCaller(api.address)
            func allow(_ path: String) async throws -> String? { try await caller.send("OPTIONS", path)["Allow"] }
            #expect(try await allow("/v2/queues/q/dead_letters/redrive") == "POST")
            #expect(try await allow("/v2/queues/q/dead_letters/redrives") == "GET, DELETE")
            #expect(try await allow("/v2/queues/a%2Fb") == "GET, PUT, PATCH, DELETE")
            #expect(try await allow("/v2/queues/") == "GET, PUT, PATCH, DELETE")
            #expect(try await allow("/v2/ping") == "GET, HEAD")
            for path in [
                "/v2", "/v2/queues/q/", "/v2/queues/q/stats/", "//v2/queues", "/v1/queues", "/v2/Queues",
                "/v2/%71ueues",
            ] {
                #expect(try await allow(path) == nil, "\(path)")
            }
        }
    }
}
