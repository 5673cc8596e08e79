import Domain
package import NIOCore

/// An identity that outlives the request it came with, for a connection or a stream: it is established again from time to time, so that a
/// token that was revoked, or a role that was taken away, is noticed.
package struct StandingIdentity: Sendable {
    package private(set) var identity: Identity
    /// nil: never.
    package private(set) var checkAt: NIODeadline?

    package init(_ identity: Identity) {
        self.identity = identity
        self.checkAt = identity.proof?.until
    }

    /// Whether something else may hold by now.
    ///
    /// - Parameters:
    ///   - now: Asked only where it matters, and likewise `time`.
    func isDue(at now: @autoclosure () -> NIODeadline, _ time: @autoclosure () -> Timestamp) -> Bool {
        self.hasExpired(at: time()) || (self.checkAt.map { now() >= $0 } ?? false)
    }

    func hasExpired(at time: @autoclosure () -> Timestamp) -> Bool {
        self.identity.expiry.map { time() >= $0 } ?? false
    }

    /// - Returns: False when the identity is over.
    package mutating func checked(_ result: Result<Identity, AuthenticationError>, at now: NIODeadline) -> Bool {
        switch result {
        case .success(let identity):
            self = StandingIdentity(identity)
            return true
        case .failure(.unavailable):
            // It was established once. One that may have no end of its own does not stay so for ever.
            guard let proof = self.identity.proof else { return true }
            if let most = proof.unverifiedMax, now >= proof.until + most { return false }
            self.checkAt = now + proof.pause
            return true
        case .failure(.unauthenticated), .failure(.signatureRefused): return false
        }
    }
}
