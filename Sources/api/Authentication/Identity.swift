package import Domain
package import NIOCore
import Policy
package import Signing

/// Who sends a request, as far as authentication established it.
///
/// A class, so that handing it on, several times a request, copies one reference.
package final class Identity: Sendable {
    /// How an identity was established.
    package enum Origin: Sendable {
        /// Not at all: the request says so, and is trusted.
        ///
        /// - Parameter token: What it brought beside; nil: none.
        case none(token: String?)
        /// By the signature of a pre-signed URL, for these paths and until its expiry.
        case signedURL(SignedURL)
        /// By an API key.
        case key(Proof)
        /// By a token of Keystone.
        case token(Proof)
    }

    /// What an identity was established by, so that one that outlives its request can be established again.
    package struct Proof: Sendable {
        package let credentials: Credentials
        /// From then on something else may hold.
        package let until: NIODeadline
        /// How long until the next look, when it could not be established whether it still holds.
        package let pause: TimeAmount
        /// How long it may stay so; nil: until the identity ends by itself.
        package let unverifiedMax: TimeAmount?

        package init(
            _ credentials: Credentials, until: NIODeadline, pause: TimeAmount = .seconds(10),
            unverifiedMax: TimeAmount? = nil
        ) {
            self.credentials = credentials
            self.until = until
            self.pause = pause
            self.unverifiedMax = unverifiedMax
        }
    }

    /// The project as it was given, which ``Caller`` checks; nil when none was.
    package let project: String?
    /// nil when it is not known.
    package let user: String?
    /// In lower case, without blanks around them.
    package let roles: Set<String>
    /// The domain it is scoped to instead of a project; nil: it is not.
    package let domain: String?
    /// Whether it is scoped to the whole system instead of a project.
    package let isSystemScoped: Bool
    /// When the identity ends; nil: with the request.
    package let expiry: Timestamp?
    package let origin: Origin
    /// What an API key is restricted to; nil: nothing.
    package let scope: APIKeyScope?

    /// Whether what established the identity is for what a rule of the policy stands for; the policy decides beside it.
    ///
    /// - Parameter queue: What it is done with; nil: no queue.
    func isFor(_ rule: PolicyRule, on queue: QueueName?) -> Bool {
        self.scope?.admits(rule.name, on: queue) ?? true
    }

    package init(
        project: String?, user: String?, roles: Set<String>, domain: String? = nil, isSystemScoped: Bool = false,
        expiry: Timestamp?, origin: Origin, scope: APIKeyScope? = nil
    ) {
        self.project = project
        self.user = user
        self.roles = roles
        self.domain = domain
        self.isSystemScoped = isSystemScoped
        self.expiry = expiry
        self.origin = origin
        self.scope = scope
    }
}

extension Identity {
    /// nil for one that needs no second look: it ends with its request, or at its expiry.
    package var proof: Proof? {
        switch self.origin {
        case .none, .signedURL: nil
        case .key(let proof), .token(let proof): proof
        }
    }

    /// The token that the request brought; nil: none, or one that counts for nothing.
    var token: String? {
        switch self.origin {
        case .none(let token): token
        case .signedURL, .key: nil
        case .token(let proof): proof.credentials.token
        }
    }
}

/// What a request brings to prove who sends it, free of any transport.
package struct Credentials: Sendable {
    package let method: String
    /// As it came over the wire, without the query string.
    package let path: String
    /// Whether it is for a connection, on which anything may be asked for.
    package var opensConnection = false
    /// What the request says of itself; empty where callers are authenticated.
    package var stated = StatedIdentity()
    /// Of an identity service, or an API key; nil: none was sent.
    package var token: String?
    /// What `Authorization: Bearer` has; nil: none was sent.
    package var bearer: String?
    /// The one of a service that acts for the caller; nil: none was sent.
    package var serviceToken: String?
    /// Of a pre-signed URL; an empty one is a signature too.
    package var signature: Signature?

    package init(method: String, path: String) {
        self.method = method
        self.path = path
    }

    /// The parts of a pre-signed URL, as they came.
    package struct Signature: Sendable {
        package let text: String
        /// The signature covers it.
        package var project: String?
        package var methods: String?
        package var paths: String?
        package var expires: String?
    }
}

/// Who a request says it is from: headers that any caller can send.
package struct StatedIdentity: Sendable {
    package var project: String?
    package var user: String?
    /// A comma-separated list; empty for none.
    package var roles = ""
}
