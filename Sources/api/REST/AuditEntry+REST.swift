import HTTPServer
import Policy

extension AuditEntry {
    /// - Parameters:
    ///   - match: nil for a path that is not served.
    ///   - id: nil when the answer has another one.
    /// - Returns: nil for a request that changes nothing, whatever is answered.
    init?(_ match: PathTree.Match?, _ head: RequestHead, id: String?) {
        guard let match, let route = match.path.route(for: head.method), route.changes else { return nil }
        self.init(.rest, call: "\(head.method.rawValue) \(match.path.template)", rule: route.rule?.name)
        self.request = id
        self.globalRequest = head.globalRequestID
        self.names = zip(match.path.variables, [match.name, match.id]).map { (name: Self.member($0), value: $1) }
    }

    /// What a variable of a path is called in the line, where `project` is that of the caller.
    private static func member(_ variable: String) -> String { variable == "project" ? "of_project" : variable }
}
