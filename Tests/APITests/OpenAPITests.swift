import API
import Foundation
import HTTPServer
import TestKit
import Testing

/// The OpenAPI document against what is routed, both ways.
struct OpenAPITests {
    @Test func `The document describes every route, and no other, and any client may read it`() async throws {
        var rules = AccessRules()
        rules.hasAdministration = true
        try await withAPI(rules: rules) { api async throws in
            let reply = try await HTTPCaller(api.address).send("GET", "/v2/openapi.json")
            #expect(reply.status == 200 && reply["Content-Type"] == "application/json")
            #expect((reply.json["openapi"] as? String)?.hasPrefix("3.1.") == true)
            let paths = try #require(reply.json["paths"] as? [String: [String: Any]])
            #expect(Set(paths.keys) == Set(RouteTable.paths.map(\.template)))
            for path in RouteTable.paths {
                let described = Set((paths[path.template] ?? [:]).keys.map { $0.uppercased() })
                #expect(described == Set(path.methods.map(\.rawValue)), "\(path.template)")
                // The router has the same opinion.
                let example = path.template.replacing(/\{[^}]*\}/, with: "x")
                let options = try await HTTPCaller(api.address).send("OPTIONS", example)
                let allowed = try #require(options["Allow"]).split(separator: ",").map { $0.filter { $0 != " " } }
                #expect(Set(allowed) == described, "\(example)")
            }
        }
    }

    @Test func `Every operation that has a rule of the policy may be denied by it`() async throws {
        try await withAPI { api async throws in
            let document = try await api.client().get("/v2/openapi.json").json
            let paths = try #require(document["paths"] as? [String: [String: [String: Any]]])
            for route in RouteTable.routes where route.rule != nil {
                let operation = paths[route.template]?[route.method.rawValue.lowercased()]
                let responses = operation?["responses"] as? [String: Any]
                #expect(responses?["403"] != nil, "\(route.method) \(route.template)")
            }
        }
    }

    @Test func `Every operation tells its parameters, and every reference leads somewhere`() async throws {
        try await withAPI { api async throws in
            let document = try await api.client().get("/v2/openapi.json").json
            #expect(JSONReferences(root: document).dangling == [])
            for (path, item) in document["paths"] as? [String: [String: [String: Any]]] ?? [:] {
                let variables = path.matches(of: /\{([^}]*)\}/).map { String($0.1) }
                for (method, operation) in item {
                    let names = (operation["parameters"] as? [[String: Any]] ?? []).compactMap {
                        ($0["$ref"] as? String)?.split(separator: "/").last.map { $0.lowercased() }
                    }
                    for variable in variables {
                        #expect(names.contains(variable.filter { $0 != "_" }), "\(method) \(path)")
                    }
                    #expect(operation["operationId"] != nil && operation["responses"] != nil, "\(method) \(path)")
                }
            }
        }
    }
}
