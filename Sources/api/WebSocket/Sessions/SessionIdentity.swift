import Domain
import NIOCore

/// Who a connection acts for, where callers are authenticated: what `authenticate` establishes, replaces and loses.
///
/// ```
///              begin              established
/// anonymous ────────▶ validating ─────────────▶ known ──▶ expired (the connection ends)
///     ▲                   │ refused               │ begin ▲
///     └───────────────────┘                       └───────┘ the identity before counts until the new one is there
/// ```
/// While it is known, it is looked at again from time to time, beside the requests.
package struct SessionIdentity: Sendable {
    /// What a request may act for.
    package enum Access: Sendable {
        /// Whatever it says of itself: nothing is authenticated here.
        case stated
        /// Nothing, unless a signature of its own says so.
        case anonymous
        /// Nothing: its identity is being established.
        case validating
        case known(Identity)
    }

    /// False where nothing is authenticated.
    private let isRequired: Bool
    private var known: StandingIdentity?
    /// Counts the identities there have been: a look at an earlier one says nothing.
    private var generation = 0
    private var isChecking = false
    private var isValidating = false

    init(isRequired: Bool) {
        self.isRequired = isRequired
    }

    package var access: Access {
        guard self.isRequired else { return .stated }
        return self.known.map { .known($0.identity) } ?? (self.isValidating ? .validating : .anonymous)
    }

    /// Whether an answer to `authenticate` is still to come.
    var isBusy: Bool { self.isValidating }

    /// An identity that is required and not there.
    var isMissing: Bool { self.isRequired && self.known == nil && !self.isValidating }

    /// When what is known ends, by this machine's clock; nil: never.
    var expiry: Timestamp? { self.known?.identity.expiry }

    /// When it is to be looked at again; nil: not now.
    var checkAt: NIODeadline? { self.isChecking ? nil : self.known?.checkAt }

    /// - Returns: False while another identity is being established.
    mutating func begin() -> Bool {
        guard !self.isValidating else { return false }
        self.isValidating = true
        return true
    }

    /// - Parameter identity: nil: it was refused; the one before stays.
    mutating func ended(_ identity: Identity?) {
        self.isValidating = false
        if let identity { self.replace(with: StandingIdentity(identity)) }
    }

    private mutating func replace(with identity: StandingIdentity?) {
        self.known = identity
        self.generation += 1
        self.isChecking = false
    }

    /// A look that is due.
    package struct Check: Sendable {
        let identity: Identity
        fileprivate let generation: Int
    }

    mutating func check(at now: NIODeadline) -> Check? {
        guard let known, let checkAt = self.checkAt, now >= checkAt else { return nil }
        self.isChecking = true
        return Check(identity: known.identity, generation: self.generation)
    }

    /// - Returns: Whether the identity is over, and gone.
    mutating func checked(
        _ check: Check, _ result: Result<Identity, AuthenticationError>, at now: NIODeadline
    ) -> Bool {
        guard check.generation == self.generation, var known else { return false }
        self.isChecking = false
        guard known.checked(result, at: now) else {
            self.replace(with: nil)
            return true
        }
        self.known = known
        return false
    }

    /// - Returns: Whether the identity is over by now, and gone.
    mutating func expire(at now: Timestamp) -> Bool {
        guard let expiry = self.expiry, now >= expiry else { return false }
        self.replace(with: nil)
        return true
    }
}
