import HTTPTypes

/// What is read of a request before its body: the headers that mean something here, gathered in one pass.
struct RequestHead: Sendable {
    let method: HTTPRequest.Method
    /// Up to the question mark, as it came over the wire.
    let path: String
    /// Behind the question mark; empty without one.
    let query: Substring

    private(set) var accept: String?
    private(set) var client: String?
    /// What the headers say of who sends the request.
    private(set) var credentials: Credentials
    /// `req-<uuid>` of a caller that follows its request through several services.
    private(set) var globalRequestID: String?
    /// Bytes the body is said to have; nil when nothing is said.
    private(set) var contentLength: Int?
    private(set) var isChunked = false
    private(set) var expectsContinue = false
    /// The type of the body in lower case, without its parameters; nil when nothing is said.
    private(set) var mediaType: String?
    /// The same as it came, with its parameters.
    private(set) var contentType: String?
    /// The page a browser sends the request for.
    private(set) var origin: String?
    /// Whether it asks for another protocol on its connection, which this server has none of.
    let asksForUpgrade: Bool
    /// What a browser asks leave for, before it sends the request itself.
    private(set) var wantedMethod: String?
    private(set) var wantedHeaders: String?

    init(_ request: HTTPRequest) {
        self.method = request.method
        self.asksForUpgrade = UpgradeGuard.asks(request)
        let target = request.path ?? "/"
        if let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) {
            self.path = String(target[..<mark])
            self.query = target[target.utf8.index(after: mark)...]
        } else {
            self.path = target
            self.query = ""
        }
        var credentials = Credentials(method: request.method.rawValue, path: self.path)
        var tenant: String?
        var (signature, methods, paths, expires): (String?, String?, String?, String?)
        for field in request.headerFields {
            switch field.name.canonicalName {
            case "content-length": self.contentLength = Int(field.value)
            case "transfer-encoding": self.isChunked = true
            case "client-id": Self.add(field.value, to: &self.client)
            case "x-project-id": Self.add(field.value, to: &credentials.project)
            case "x-tenant-id": Self.add(field.value, to: &tenant)
            case "accept": Self.add(field.value, to: &self.accept)
            case "content-type":
                self.contentType = field.value
                self.mediaType = Self.mediaType(field.value)
            case "expect": self.expectsContinue = field.value.lowercased() == "100-continue"
            case "url-signature": Self.add(field.value, to: &signature)
            case "url-methods": Self.add(field.value, to: &methods)
            case "url-paths": Self.add(field.value, to: &paths)
            case "url-expires": Self.add(field.value, to: &expires)
            case "x-openstack-request-id": self.globalRequestID = RequestID.wellFormed(field.value)
            case "x-roles": credentials.roles = field.value
            case "x-user-id": credentials.user = field.value
            case "origin": self.origin = field.value
            case "access-control-request-method": self.wantedMethod = field.value
            case "access-control-request-headers": self.wantedHeaders = field.value
            default: break
            }
        }
        credentials.project = credentials.project ?? tenant
        credentials.signature = signature.map {
            Credentials.Signature(text: $0, methods: methods, paths: paths, expires: expires)
        }
        self.credentials = credentials
    }

    /// Whether a body comes, by what the head says.
    var announcesBody: Bool { self.isChunked || (self.contentLength ?? 0) > 0 }

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
