import Domain

/// Who a connection acts for, where callers are authenticated: what `authenticate` establishes, replaces and loses.
///
/// ```
///              begin              established
/// anonymous ────────▶ validating ─────────────▶ known ──▶ expired (the connection ends)
///     ▲                   │ refused               │ begin ▲
///     └───────────────────┘                       └───────┘ the identity before counts until the new one is there
/// ```
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
    private var known: Identity?
    private var isValidating = false

    init(isRequired: Bool) {
        self.isRequired = isRequired
    }

    package var access: Access {
        guard self.isRequired else { return .stated }
        return self.known.map { .known($0) } ?? (self.isValidating ? .validating : .anonymous)
    }

    /// Whether an answer to `authenticate` is still to come.
    var isBusy: Bool { self.isValidating }

    /// An identity that is required and not there.
    var isMissing: Bool { self.isRequired && self.known == nil && !self.isValidating }

    /// When what is known ends, by this machine's clock; nil: never.
    var expiry: Timestamp? { self.known?.expiry }

    /// - Returns: False while another identity is being established.
    mutating func begin() -> Bool {
        guard !self.isValidating else { return false }
        self.isValidating = true
        return true
    }

    /// - Parameter identity: nil: it was refused; the one before stays.
    mutating func ended(_ identity: Identity?) {
        self.isValidating = false
        if let identity { self.known = identity }
    }

    /// - Returns: Whether the identity is over by now, and gone.
    mutating func expire(at now: Timestamp) -> Bool {
        guard let expiry = self.expiry, now >= expiry else { return false }
        self.known = nil
        return true
    }
}
