package import NIOCore

/// An identity that outlives the request it came with, for a connection or a stream: it is established again from time to time, so that a
/// token that was revoked, or a role that was taken away, is noticed.
package struct StandingIdentity: Sendable {
    /// How long until the next look, when it could not be established whether the identity still holds.
    private static let pause = TimeAmount.seconds(10)

    package private(set) var identity: Identity
    /// nil: never.
    package private(set) var checkAt: NIODeadline?

    package init(_ identity: Identity) {
        self.identity = identity
        self.checkAt = identity.proof?.until
    }

    /// - Returns: False when the identity is over.
    package mutating func checked(_ result: Result<Identity, AuthenticationError>, at now: NIODeadline) -> Bool {
        switch result {
        case .success(let identity):
            self = StandingIdentity(identity)
            return true
        case .failure(.unavailable):
            // It was established once, and ends at its expiry in any case.
            self.checkAt = now + Self.pause
            return true
        case .failure(.unauthenticated), .failure(.signatureRefused): return false
        }
    }
}
