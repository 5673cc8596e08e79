import HTTPServer

/// Which pages of other origins may use the API from a browser (Fetch Standard, "CORS protocol").
///
/// It never refuses a request: it says, or does not say, that the browser may show the answer to the page.
package struct CORS: Sendable, Equatable {
    /// Headers every browser may send, and these here always.
    private static let headersAlwaysAllowed: Set<String> = [
        "accept", "accept-language", "content-type", "cache-control", "content-language", "expires", "last-modified",
        "pragma",
    ]

    /// Bytes of an origin, and of a list of headers, that an answer repeats; browsers send a tenth of it.
    private static let repeatedBytesMax = 4096

    /// Allowed origins; `*` for all, none switches CORS off.
    package var origins: [String] = []
    /// Whether browsers may send credentials.
    ///
    /// Never for an origin that only `*` admits: any page could use them.
    package var hasCredentials = true
    /// Seconds a browser may remember the answer to a preflight.
    package var secondsMax = 3600
    package var methods = ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD"]
    package var headersAllowed: [String] = []
    package var headersExposed: [String] = []

    package init() {}

    /// Adds the headers for the browser.
    ///
    /// While any origin is allowed, every answer depends on the request's `Origin`, also one that has none of these
    /// headers: a cache must not give it to another origin.
    ///
    /// - Parameter head: nil for what was no request.
    func decorate(_ headers: inout HTTPFields, for head: RequestHead?) {
        guard !self.origins.isEmpty else { return }
        headers[.vary] = "Origin"
        guard let head, let origin = head.origin else { return }
        let isListed = self.origins.contains(origin)
        guard isListed || self.origins.contains("*"), origin.utf8.count <= Self.repeatedBytesMax else { return }
        if head.method == .options, let method = head.wantedMethod {
            guard self.methods.contains(method), self.admits(headers: head.wantedHeaders) else { return }
            headers[.accessControlMaxAge] = String(self.secondsMax)
            headers[.accessControlAllowMethods] = method
            if let wanted = head.wantedHeaders { headers[.accessControlAllowHeaders] = wanted }
        } else if !self.headersExposed.isEmpty {
            headers[.accessControlExposeHeaders] = self.headersExposed.joined(separator: ",")
        }
        headers[.accessControlAllowOrigin] = origin
        if self.hasCredentials, isListed { headers[.accessControlAllowCredentials] = "true" }
    }

    private func admits(headers wanted: String?) -> Bool {
        guard let wanted else { return true }
        guard wanted.utf8.count <= Self.repeatedBytesMax else { return false }
        return wanted.split(separator: ",").allSatisfy { part in
            let name = part.filter { $0 != " " && $0 != "\t" }.lowercased()
            return name.isEmpty || Self.headersAlwaysAllowed.contains(name)
                || self.headersAllowed.contains { $0.lowercased() == name }
        }
    }
}
