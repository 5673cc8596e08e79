package import Domain
package import Signing

/// Who sends a request, as far as authentication established it.
package struct Identity: Sendable {
    /// How an identity was established.
    package enum Origin: Sendable {
        /// Not at all: the request says so, and is trusted.
        case none
        /// By the signature of a pre-signed URL, for these paths and until its expiry.
        case signedURL(SignedURL)
    }

    /// The project as it was given, which ``Caller`` checks; nil when none was.
    package let project: String?
    /// nil when it is not known.
    package let user: String?
    /// In lower case, without blanks around them.
    package let roles: Set<String>
    /// When the identity ends; nil: with the request.
    package let expiry: Timestamp?
    package let origin: Origin

    package init(project: String?, user: String?, roles: Set<String>, expiry: Timestamp?, origin: Origin) {
        self.project = project
        self.user = user
        self.roles = roles
        self.expiry = expiry
        self.origin = origin
    }
}

/// What a request brings to prove who sends it, free of any transport.
package struct Credentials: Sendable {
    package let method: String
    /// As it came over the wire, without the query string.
    package let path: String
    package var project: String?
    /// Of an identity service; nil: none was sent.
    package var token: String?
    package var user: String?
    /// A comma-separated list; empty for none.
    package var roles = ""
    /// Of a pre-signed URL; an empty one is a signature too.
    package var signature: Signature?

    /// The parts of a pre-signed URL beside the project, as they came.
    package struct Signature: Sendable {
        package let text: String
        package var methods: String?
        package var paths: String?
        package var expires: String?
    }
}
