import API
import HTTPServer
import Policy
import Testing

/// The list of rules that the command line shares, beside the tables that routes and actions are served by.
struct PolicyRuleTests {
    @Test func `The list of rules says what each route and action is guarded by, and nothing else`() {
        var routes: [String: [String]] = [:]
        for route in RouteTable.routes {
            guard let rule = route.rule else { continue }
            #expect(PolicyCatalog.rule(named: rule.name) == rule)
            routes[rule.name, default: []].append("\(route.method.rawValue) \(route.template)")
        }
        var actions: [String: [String]] = [:]
        for action in ActionTable.actions {
            if let rule = action.rule { actions[rule.name, default: []].append(action.name) }
        }
        for rule in PolicyCatalog.rules {
            #expect(rule.routes.sorted() == routes[rule.name, default: []].sorted(), "\(rule.name)")
            #expect(rule.actions.sorted() == actions[rule.name, default: []].sorted(), "\(rule.name)")
        }
        #expect(PolicyCatalog.rules.filter(\.guards.isEmpty) == [.contextIsAdmin, .adminOrOwner])
        #expect(Set(routes.keys) == Set(RouteTable.policyRules.map(\.name)))
    }
}
