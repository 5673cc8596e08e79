import HTTPTypes

/// What this house reads of a request before its body: the headers it knows, gathered in one pass.
struct RequestHead: Sendable {
    let method: HTTPRequest.Method
    /// Up to the question mark, as it came over the wire.
    let path: String
    /// Behind the question mark; empty without one.
    let query: Substring

    private(set) var accept: String?
    private(set) var client: String?
    private(set) var project: String?
    private(set) var signature: String?
    private(set) var signedMethods: String?
    private(set) var signedPaths: String?
    private(set) var signedExpiry: String?
    /// `req-<uuid>` of a caller that follows its request through several services.
    private(set) var globalRequestID: String?
    /// Bytes the body is said to have; nil when nothing is said.
    private(set) var contentLength: Int?
    private(set) var isChunked = false
    private(set) var expectsContinue = false
    /// The body is said to be a browser's form.
    private(set) var isForm = false

    init(_ request: HTTPRequest) {
        self.method = request.method
        let target = request.path ?? "/"
        if let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) {
            self.path = String(target[..<mark])
            self.query = target[target.utf8.index(after: mark)...]
        } else {
            self.path = target
            self.query = ""
        }
        var tenant: String?
        for field in request.headerFields {
            switch field.name.canonicalName {
            case "content-length": self.contentLength = Int(field.value)
            case "transfer-encoding": self.isChunked = true
            case "client-id": Self.add(field.value, to: &self.client)
            case "x-project-id": Self.add(field.value, to: &self.project)
            case "x-tenant-id": Self.add(field.value, to: &tenant)
            case "accept": Self.add(field.value, to: &self.accept)
            case "content-type": self.isForm = Self.isForm(field.value)
            case "expect": self.expectsContinue = field.value.lowercased() == "100-continue"
            case "url-signature": Self.add(field.value, to: &self.signature)
            case "url-methods": Self.add(field.value, to: &self.signedMethods)
            case "url-paths": Self.add(field.value, to: &self.signedPaths)
            case "url-expires": Self.add(field.value, to: &self.signedExpiry)
            case "x-openstack-request-id": self.globalRequestID = RequestID.wellFormed(field.value)
            // `X-Roles` and `X-User-Id` are read by nobody yet: no route of this house asks for a role.
            default: break
            }
        }
        self.project = self.project ?? tenant
    }

    /// Whether a body comes, as far as the head tells.
    var announcesBody: Bool { self.isChunked || (self.contentLength ?? 0) > 0 }

    /// A header sent twice is the list of its values (RFC 9110, 5.3); for ids that is never a valid one.
    private static func add(_ value: String, to field: inout String?) {
        field = field.map { "\($0), \(value)" } ?? value
    }

    private static func isForm(_ value: String) -> Bool {
        let type = value.prefix { $0 != ";" }.lowercased()
        return type.split(separator: " ").first == "application/x-www-form-urlencoded"
    }
}
