import JSON
import Policy

extension AuditEntry {
    /// - Returns: nil for a request that changes nothing, whatever is answered.
    init?(_ action: Action, _ request: SessionRequest, _ envelope: Envelope) {
        guard action.changes else { return nil }
        self.init(.websocket, call: action.name, rule: action.rule?.name)
        self.session = request.session.description
        self.from = request.caller
        if case .known(let identity) = request.access { self.identity = identity }
        guard let body = envelope.body else { return }
        self.names = action.names.compactMap { name, member in
            body[member].flatMap { body.text($0) }.map { (name: name, value: $0) }
        }
    }
}
