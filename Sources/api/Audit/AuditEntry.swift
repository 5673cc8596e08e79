package import Domain
package import NIOCore
import Runtime

/// A request that changes something, or would have: who asked for what, and from where.
///
/// Nothing of its body or its query is in it, and nothing that proves who sends it.
package struct AuditEntry: Sendable {
    package enum Transport: String, Sendable {
        case rest, websocket
    }

    /// Bytes that a text takes of a line, see ``JSONLine``.
    package static let textBytesMax = 512
    /// Bytes of a line, whatever callers send: texts of callers are a project, a user and two names.
    package static let lineBytesMax = 4096

    let transport: Transport
    /// The name of the request in its answer; nil for one whose answer has none.
    package var request: String?
    /// The name that a caller has given the request, over several services.
    package var globalRequest: String?
    /// The connection, over WebSocket.
    package var session: String?
    /// The method and the template of the path, or the action.
    let call: String
    /// The rule of the policy that guards it; nil for a page of subscribers.
    let rule: String?
    /// Where the request comes from.
    package var from: SocketAddress?
    /// What it is about, as the caller has written it.
    package var names: [(name: String, value: String)] = []
    /// nil as long as it is not established.
    package var identity: Identity?
    /// What is found out while the request is carried out.
    let notes = AuditNotes()

    package init(_ transport: Transport, call: String, rule: String?) {
        self.transport = transport
        self.call = call
        self.rule = rule
    }

    /// - Parameters:
    ///   - now: When it was answered.
    ///   - milliseconds: From its arrival until then.
    package func line(status: Int, milliseconds: Int64, at now: Timestamp) -> String {
        let found = self.notes.found
        var line = JSONLine(textBytesMax: AuditEntry.textBytesMax)
        line.member("time", now.iso8601)
        line.member("transport", self.transport.rawValue)
        line.member("request", self.request)
        line.member("global_request", self.globalRequest)
        line.member("session", self.session)
        line.member("call", self.call)
        line.member("rule", self.rule)
        line.member("credentials", self.identity?.origin.credentials ?? (found.link == nil ? nil : "link"))
        line.member("project", self.identity?.project ?? found.link?.project.text)
        line.member("user", self.identity?.user)
        line.member("from", self.from?.text)
        for (name, value) in self.names { line.member(name, value) }
        if let queue = found.link?.name { line.member("queue", queue.text) }
        if let subscription = found.subscription { line.member("subscription", subscription.text) }
        if let claim = found.claim { line.member("claim", claim.text) }
        line.member("status", Int64(status))
        line.member("ms", milliseconds)
        return line.finished
    }
}

extension Identity.Origin {
    /// What established the identity, in a word.
    fileprivate var credentials: String {
        switch self {
        case .none: "none"
        case .key: "key"
        case .token: "keystone"
        case .signedURL: "presigned"
        }
    }
}
