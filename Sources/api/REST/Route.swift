import Domain
package import HTTPServer
import Operations
package import Policy

/// One method of one path: a row of ``RouteTable``.
///
/// A class, so that handing it on copies one reference.
package final class Route: Sendable {
    /// Which deployments have the path.
    enum Availability: Sendable, Equatable {
        case always
        /// Where the routes of administrators are served.
        case administration
        /// Where, beside those, pools are offered.
        case pools

        func isGiven(by rules: AccessRules) -> Bool {
            switch self {
            case .always: true
            case .administration: rules.hasAdministration
            case .pools: rules.hasAdministration && rules.hasPools
            }
        }
    }

    /// The relation of the home document the route belongs to; routes of one relation share its entry.
    struct Relation: Sendable {
        let name: String
        /// The parameters of the query string, and what the document calls them.
        let query: [(name: String, parameter: String)]
    }

    typealias Handler = @Sendable (_ handlers: RESTHandlers, _ request: ReceivedRequest) async throws -> Reply

    package let method: HTTPMethod
    /// The path with names for its variable parts, see ``PathTree``.
    package let template: String
    /// nil for a route that is no operation: documents about the API.
    package let rule: PolicyRule?
    /// Whether a request of it changes something when it is carried out, so that the audit log has it: every method that does more than
    /// read does, also one that makes a key to something, as a share is.
    package var changes: Bool { !self.method.isSafe }
    let availability: Availability
    /// Whether `Client-ID` and `X-Project-Id` have to be there.
    let needsCaller: Bool
    /// Whether `Client-ID` has to be there then; where not, what can send one header only can call it.
    let needsClient: Bool
    /// Whether it is answered without authentication.
    let isOpen: Bool
    let body: BodyForm
    /// The media types it answers with; empty for a page of HTML.
    let types: [String]
    /// Whether a person reads its answers, refusals too, and its body is a form.
    package var isPage: Bool { self.types.isEmpty }
    /// Whether doing it twice is as good as doing it once, so that a caller may repeat it when the outcome is unknown.
    let isRepeatable: Bool
    /// Whether an answer that says the store failed has no body.
    let failsWithoutBody: Bool
    let relation: Relation?
    /// The names of the query string that mean something; nil: any may.
    package let queryNames: Set<String>?
    /// Where its body has names that a caller may choose; nil: it has none.
    let namedBody: NamedBody?
    let handler: Handler

    init(
        _ method: HTTPMethod, _ template: String, _ rule: PolicyRule?, _ relation: String? = nil,
        query: [(String, String)] = [], beside: [String] = [], takesAnyQuery: Bool = false, named: NamedBody? = nil,
        in availability: Availability = .always, needsCaller: Bool = true,
        needsClient: Bool = true, isOpen: Bool = false, body: BodyForm = .none, types: [String] = ["application/json"],
        isRepeatable: Bool = true,
        failsWithoutBody: Bool = false, _ handler: @escaping Handler
    ) {
        self.method = method
        self.template = template
        self.rule = rule
        self.availability = availability
        self.needsCaller = needsCaller
        self.needsClient = needsClient
        self.isOpen = isOpen
        self.body = body
        self.types = types
        self.isRepeatable = isRepeatable
        self.failsWithoutBody = failsWithoutBody
        self.relation = relation.map { Relation(name: $0, query: query) }
        self.queryNames = takesAnyQuery ? nil : Set(query.map(\.0) + beside)
        self.namedBody = named
        self.handler = handler
    }
}

/// The body a route takes.
enum BodyForm: Sendable {
    /// None is read.
    case none
    /// A small JSON document.
    case document
    /// The metadata of a queue or a topic.
    case metadata
    /// Operations on metadata, in a media type of their own.
    case metadataPatch
    /// Messages.
    case messages
    /// The fields of a page's button, or of a mail program (RFC 8058).
    case form

    /// Bytes of a small document; the options of a subscription are the largest.
    static let documentBytesMax = 262_144
    /// Bytes of a form.
    static let formBytesMax = 16_384
    /// The one media type of ``metadataPatch``.
    static let patchType = "application/openstack-messaging-v2.0-json-patch"

    /// Bytes the body may have; nil where none is read.
    func bytesMax(_ limits: Limits) -> Int? {
        switch self {
        case .none: nil
        case .document: Self.documentBytesMax
        case .metadata, .metadataPatch: limits.queueMetadataBytesMax
        case .messages: limits.postBytesMax
        case .form: Self.formBytesMax
        }
    }
}
