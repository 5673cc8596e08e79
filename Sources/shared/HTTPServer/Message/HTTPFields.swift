/// The name of a field of an answer, in the spelling it is sent with.
///
/// Each name is written once, so equal texts are equal names.
package struct HTTPFieldName: Sendable, Hashable {
    package let text: String

    package init(_ text: String) {
        precondition(!text.isEmpty && text.utf8.allSatisfy { Grammar.isToken($0) }, "\(text) is no field name")
        self.text = text
    }

    package static let accessControlAllowCredentials = HTTPFieldName("Access-Control-Allow-Credentials")
    package static let accessControlAllowHeaders = HTTPFieldName("Access-Control-Allow-Headers")
    package static let accessControlAllowMethods = HTTPFieldName("Access-Control-Allow-Methods")
    package static let accessControlAllowOrigin = HTTPFieldName("Access-Control-Allow-Origin")
    package static let accessControlExposeHeaders = HTTPFieldName("Access-Control-Expose-Headers")
    package static let accessControlMaxAge = HTTPFieldName("Access-Control-Max-Age")
    package static let allow = HTTPFieldName("Allow")
    package static let cacheControl = HTTPFieldName("Cache-Control")
    package static let connection = HTTPFieldName("Connection")
    package static let contentLocation = HTTPFieldName("Content-Location")
    package static let contentSecurityPolicy = HTTPFieldName("Content-Security-Policy")
    package static let contentType = HTTPFieldName("Content-Type")
    package static let location = HTTPFieldName("Location")
    package static let retryAfter = HTTPFieldName("Retry-After")
    package static let upgrade = HTTPFieldName("Upgrade")
    package static let vary = HTTPFieldName("Vary")
    package static let xContentTypeOptions = HTTPFieldName("X-Content-Type-Options")
}

/// The fields of an answer, in the order they are sent in.
package struct HTTPFields: Sendable, ExpressibleByDictionaryLiteral {
    private(set) var all: [(name: HTTPFieldName, value: String)]

    package init(dictionaryLiteral elements: (HTTPFieldName, String)...) {
        self.all = elements.map { (name: $0.0, value: $0.1) }
    }

    /// The first value with this name; setting it replaces all of them, and nil removes them.
    package subscript(name: HTTPFieldName) -> String? {
        get { self.all.first { $0.name == name }?.value }
        set {
            self.all.removeAll { $0.name == name }
            if let newValue { self.all.append((name, newValue)) }
        }
    }
}
