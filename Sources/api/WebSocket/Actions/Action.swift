import Documents
package import HTTPServer
import JSON
package import Policy

/// One action of the WebSocket API: a row of ``ActionTable``.
package final class Action: Sendable {
    typealias Handler = @Sendable (_ handlers: ActionHandlers, _ request: ActionRequest) async throws -> ActionAnswer

    /// A member of a body that the action knows, or a header.
    package struct Member: Sendable {
        package enum Kind: String, Sendable {
            case string, integer, boolean, array, object
            /// Of headers alone: an array of strings, or a string with commas.
            case list
        }

        package let name: String
        package let kind: Kind
        package let isRequired: Bool

        static func required(_ name: String, _ kind: Kind) -> Member {
            Member(name: name, kind: kind, isRequired: true)
        }
        static func optional(_ name: String, _ kind: Kind) -> Member {
            Member(name: name, kind: kind, isRequired: false)
        }
    }

    enum Work: Sendable {
        /// Establishes who the connection acts for.
        case authenticate
        case operation(PolicyRule, Handler)
    }

    package let name: String
    let work: Work
    package let headers: [Member]
    package let members: [Member]
    /// Where it has names that callers choose; nil: nowhere.
    let namedBody: NamedBody?
    /// The method that a pre-signed URL has to admit; nil: none lets this be done.
    package let signedMethod: HTTPMethod?
    /// Whether a request of it changes something when it is carried out, so that the audit log has it: as the routes of its rule do.
    package let changes: Bool
    /// The members that name what the action is about, under the names that paths have for it.
    package let names: [(name: String, member: String)]
    /// What was not done when the store fails; `{}` stands for the queue.
    let failure: String
    /// Whether doing it twice is as good as doing it once, so that a caller may repeat it when the outcome is unknown.
    let isRepeatable: Bool

    init(
        _ name: String, _ rule: PolicyRule, _ members: [Member], signed signedMethod: HTTPMethod? = nil,
        failure: String, isRepeatable: Bool = true, named namedBody: NamedBody? = nil, _ handler: @escaping Handler
    ) {
        self.name = name
        self.work = .operation(rule, handler)
        self.headers = Self.identityHeaders + Self.signatureHeaders
        self.members = members
        self.namedBody = namedBody
        self.signedMethod = signedMethod
        self.changes = rule.routes.contains { route in
            !HTTPMethod(rawValue: String(route.prefix { $0 != " " })).isSafe
        }
        self.names = members.filter { $0.isRequired && $0.kind == .string }.map { member in
            (name: String(member.name.prefix { $0 != "_" }), member: member.name)
        }
        self.failure = failure
        self.isRepeatable = isRepeatable
    }

    private init() {
        self.name = "authenticate"
        self.work = .authenticate
        self.headers = [
            .required("X-Project-ID", .string), .required("X-Auth-Token", .string), .optional("Client-ID", .string),
            .optional("X-Service-Token", .string),
        ]
        self.members = []
        self.namedBody = nil
        self.signedMethod = nil
        self.changes = false
        self.names = []
        self.failure = ""
        self.isRepeatable = true
    }

    static let authenticate = Action()

    private static let identityHeaders: [Member] = [
        .required("Client-ID", .string), .required("X-Project-ID", .string), .optional("X-Auth-Token", .string),
    ]
    private static let signatureHeaders: [Member] = [
        .optional("URL-Signature", .string), .optional("URL-Expires", .string), .optional("URL-Methods", .list),
        .optional("URL-Paths", .list),
    ]

    /// The rule of the policy; nil for `authenticate`.
    package var rule: PolicyRule? {
        if case .operation(let rule, _) = self.work { return rule }
        return nil
    }

    /// Whether a request without a body is one.
    private var needsBody: Bool { self.members.contains(where: \.isRequired) }

    /// Whether a request has the shape of this action; values are the operation's business.
    func admits(_ envelope: Envelope) -> Bool {
        guard Self.admits(envelope.headers, self.headers, isNullMissing: false) else { return false }
        if case .authenticate = self.work { return true }
        guard let body = envelope.body else { return !self.needsBody && !envelope.hasBody }
        return Self.admits(body, self.members, isNullMissing: true)
    }

    /// - Parameter isNullMissing: Whether `null` counts as not given, as clients of REST send it.
    private static func admits(_ object: JSONObject, _ members: [Member], isNullMissing: Bool) -> Bool {
        members.allSatisfy { member in
            guard let value = isNullMissing ? object[member.name] : object.value(of: member.name) else {
                return !member.isRequired
            }
            return member.kind.admits(value, of: object)
        }
    }
}

extension Action.Member.Kind {
    fileprivate func admits(_ value: JSONValue, of object: JSONObject) -> Bool {
        switch (self, value.kind) {
        case (.string, .string), (.list, .string), (.integer, .integer), (.boolean, .boolean), (.array, .array),
            (.object, .object):
            true
        case (.list, .array): object.texts(value) != nil
        default: false
        }
    }
}
