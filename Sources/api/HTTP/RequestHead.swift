import Documents
import Domain
import HTTPServer

/// What is read of a request before its body: the headers that mean something here, gathered in one pass.
struct RequestHead: Sendable {
    let method: HTTPMethod
    /// Up to the question mark, as it came over the wire.
    let path: String
    /// Behind the question mark; empty without one.
    let query: Substring
    /// Whether a body comes, by what the head says.
    let hasBody: Bool

    private(set) var accept: String?
    private(set) var client: String?
    /// What the headers say of who sends the request.
    private(set) var credentials: Credentials
    /// What it says of the way its messages came.
    let provenance: Provenance
    /// Whether a subscription that is there is to be renewed, as the caller wrote it.
    private(set) var renewal: String?
    /// Whether its query has a pre-signed URL.
    private(set) var isSignedByQuery = false
    /// By what a post is known again.
    private(set) var idempotencyKey: String?
    /// Where a client of an event stream goes on.
    private(set) var lastEventID: String?
    /// `req-<uuid>` of a caller that follows its request through several services.
    private(set) var globalRequestID: String?
    /// The type of the body in lower case, without its parameters; nil when nothing is said.
    private(set) var mediaType: String?
    /// The same as it came, with its parameters.
    private(set) var contentType: String?
    /// The page a browser sends the request for.
    private(set) var origin: String?
    /// What a browser asks leave for, before it sends the request itself.
    private(set) var wantedMethod: String?
    private(set) var wantedHeaders: String?

    /// - Parameter believesCaller: Whether the headers count by which a request says who it is from.
    init(_ request: HTTPRequestHead, believesCaller: Bool) {
        self.method = request.method
        self.hasBody = request.hasBody
        let target = request.target
        if let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) {
            self.path = String(target[..<mark])
            self.query = target[target.utf8.index(after: mark)...]
        } else {
            self.path = target
            self.query = ""
        }
        var credentials = Credentials(method: request.method.rawValue, path: self.path)
        var stated = StatedIdentity()
        var (tenant, storageToken): (String?, String?)
        var (signature, methods, paths, expires): (String?, String?, String?, String?)
        var (hops, trace, info): (Int, TraceContext?, TraceContext?) = (0, nil, nil)
        for field in request.fields {
            // By length first: comparing one name with all of these would cost more than reading it did.
            switch (field.name.utf8.count, field.name) {
            case (6, "accept"): Self.add(request.value(of: field), to: &self.accept)
            case (6, "origin"): self.origin = request.value(of: field)
            case (7, "x-roles"): stated.roles = request.value(of: field)
            case (9, "client-id"): Self.add(request.value(of: field), to: &self.client)
            case (9, "url-paths"): Self.add(request.value(of: field), to: &paths)
            case (9, "x-user-id"): stated.user = request.value(of: field)
            case (11, "url-methods"): Self.add(request.value(of: field), to: &methods)
            case (11, "url-expires"): Self.add(request.value(of: field), to: &expires)
            case (11, "herald-hops"): hops = max(hops, Self.hops(request.value(of: field)))
            case (11, "traceparent"): trace = TraceContext(traceparent: request.value(of: field))
            case (11, "x-tenant-id"): Self.add(request.value(of: field), to: &tenant)
            case (12, "herald-renew"): Self.add(request.value(of: field), to: &self.renewal)
            case (12, "x-project-id"): Self.add(request.value(of: field), to: &stated.project)
            case (12, "x-auth-token"): Self.add(request.value(of: field), to: &credentials.token)
            case (12, "x-trace-info"): info = TraceInfo.trace(request.value(of: field))
            case (12, "content-type"):
                let value = request.value(of: field)
                self.contentType = value
                self.mediaType = Self.mediaType(value)
            case (13, "authorization"): credentials.bearer = Self.bearer(request.value(of: field))
            case (13, "last-event-id"): self.lastEventID = request.value(of: field)
            case (13, "url-signature"): Self.add(request.value(of: field), to: &signature)
            case (15, "idempotency-key"): Self.add(request.value(of: field), to: &self.idempotencyKey)
            case (15, "x-service-token"): Self.add(request.value(of: field), to: &credentials.serviceToken)
            case (15, "x-storage-token"): Self.add(request.value(of: field), to: &storageToken)
            case (22, "x-openstack-request-id"):
                self.globalRequestID = RequestID.wellFormed(request.value(of: field))
            case (29, "access-control-request-method"): self.wantedMethod = request.value(of: field)
            case (30, "access-control-request-headers"): self.wantedHeaders = request.value(of: field)
            default: break
            }
        }
        self.provenance = Provenance(hops: hops, trace: trace ?? info)
        stated.project = stated.project ?? tenant
        credentials.token = credentials.token ?? storageToken
        credentials.signature = signature.map {
            Credentials.Signature(
                text: $0, project: stated.project, methods: methods, paths: paths, expires: expires)
        }
        if believesCaller { credentials.stated = stated }
        self.credentials = credentials
        if signature == nil, request.method == .get { self.readSignedQuery() }
    }

    /// What a pre-signed URL has in its query.
    static let signedNames: Set<String> = ["signature", "expires", "project", "methods", "paths"]

    /// A pre-signed URL as one text, for what can send no headers: all members of a share in the query.
    private mutating func readSignedQuery() {
        // Nearly every query is shorter than a signature.
        guard self.query.utf8.count > Self.signatureCharacters, self.query.contains("signature="),
            let query = try? Query(self.query),
            let signature = query.text("signature"), let expires = query.text("expires"),
            let project = query.text("project")
        else { return }
        let (methods, paths) = (query.list("methods"), query.list("paths"))
        guard !methods.isEmpty, !paths.isEmpty else { return }
        self.credentials.signature = Credentials.Signature(
            text: signature, project: project, methods: methods.joined(separator: ","),
            paths: paths.joined(separator: ","), expires: expires)
        self.client = self.client ?? RandomUUID().text()
        self.isSignedByQuery = true
    }

    /// What is no number is taken for the most there may be: what counts on by itself must not begin anew.
    private static func hops(_ value: String) -> Int {
        guard let hops = Int(value), hops >= 0 else { return Limits.hopsMax }
        return min(hops, Provenance.hopsMax)
    }

    /// What stands behind the scheme `Bearer`, in any case (RFC 6750, section 2.1); nil for another scheme.
    private static func bearer(_ value: String) -> String? {
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1])
    }

    /// Of HMAC-SHA256 in hexadecimal digits.
    private static let signatureCharacters = 64

    /// A browser asks whether it may send a request for a page of another origin.
    var isPreflight: Bool { self.method == .options && self.origin != nil && self.wantedMethod != nil }

    /// The body is said to be a browser's form.
    var isForm: Bool { self.mediaType == "application/x-www-form-urlencoded" }

    /// A header sent twice is the list of its values (RFC 9110, 5.3); for ids that is never a valid one.
    private static func add(_ value: String, to field: inout String?) {
        field = field.map { "\($0), \(value)" } ?? value
    }

    private static func mediaType(_ value: String) -> String? {
        // What nearly every request says needs no look inside.
        if value == "application/json" { return value }
        return value.prefix { $0 != ";" }.lowercased().split(separator: " ").first.map(String.init)
    }
}
