import HTTPServer
import JSON
import NIOCore

/// `GET /v2/`: every route below `/v2/` that a deployment has, in the form of draft-nottingham-json-home-03.
enum HomeDocument {
    /// The relations of the table in their order, each with its routes.
    ///
    /// A route without a relation is not listed: the document itself, what stands outside of `/v2/`, and `HEAD`.
    private static func relations(for rules: AccessRules) -> [(relation: Route.Relation, routes: [Route])] {
        var relations: [(relation: Route.Relation, routes: [Route])] = []
        for route in RouteTable.routes where route.availability.isGiven(by: rules) {
            guard let relation = route.relation else { continue }
            if let known = relations.firstIndex(where: { $0.relation.name == relation.name }) {
                relations[known].routes.append(route)
            } else {
                relations.append((relation, [route]))
            }
        }
        return relations
    }

    static func reply(for rules: AccessRules) -> Reply {
        let body = JSONWriter.object(capacity: 8192) { object in
            object.object("resources") { resources in
                for (relation, routes) in Self.relations(for: rules) {
                    resources.object(named: "rel/\(relation.name)") { Self.write(relation, routes, to: &$0) }
                }
            }
        }
        return Reply.json(.ok, body)
            .with(.contentType, "application/json-home").with(.cacheControl, "max-age=86400")
    }

    private static func write(_ relation: Route.Relation, _ routes: [Route], to entry: inout JSONObjectWriter) {
        let (template, variables) = Self.template(of: relation, routes[0].template)
        // Health is known by a plain reference, all else by templates, with variables or without.
        if relation.name == "health" {
            entry.member("href", template)
        } else {
            entry.member("href-template", template)
        }
        if !variables.isEmpty {
            entry.object("href-vars") { object in
                for (name, parameter) in variables { object.member(named: name, "param/\(parameter)") }
            }
        }
        let methods = routes.map(\.method)
        entry.object("hints") { hints in
            hints.member("allow", methods.map(\.rawValue))
            hints.object("formats") { formats in formats.object("application/json") { _ in } }
            if methods == [.post] || methods == [.patch] { hints.member("accept-post", ["application/json"]) }
        }
    }

    /// The template as the document spells it (RFC 6570), and its variables with the parameters they stand for.
    private static func template(
        of relation: Route.Relation, _ path: String
    ) -> (template: String, variables: [(name: String, parameter: String)]) {
        var template = path
        var variables: [(name: String, parameter: String)] = []
        for variable in PathTree.variables(of: path) {
            let name = Self.name(of: variable)
            template.replace("{\(variable)}", with: "{\(name)}")
            variables.append((name, name))
        }
        if !relation.query.isEmpty {
            template += "{?\(relation.query.map(\.name).joined(separator: ","))}"
            variables += relation.query
        }
        return (template, variables)
    }

    /// The variable parts of a path as clients of the API know them.
    private static func name(of variable: String) -> String {
        switch variable {
        case "queue", "topic", "pool", "flavor": "\(variable)_name"
        case "subscription": "subscriptions_id"
        case "address": "address"
        default: "\(variable)_id"
        }
    }
}
