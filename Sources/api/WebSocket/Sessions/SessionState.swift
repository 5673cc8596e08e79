package import Domain
package import NIOCore

/// The life of one connection: when it reads, when it ends, and with which code.
///
/// ```
/// open ──▶ closing (our close frame is written, that of the client awaited) ──▶ over
///   └──────────────────────── the client closes, or is gone ────────────────────▲
/// ```
///
/// It performs nothing: the caller carries out the action. Times are those of the event loop; expiries are of this machine's clock.
package struct SessionState: Sendable {
    package enum Action: Sendable, Equatable {
        case none
        case ping
        /// The identity is looked at again: see ``identityCheck(at:)``.
        case check
        /// A close frame is written, and the one of the client awaited.
        case close(CloseCode, String)
        /// The client's close frame is answered, and the connection ends.
        case acknowledge(CloseCode?)
        /// The connection ends.
        case end
    }

    private enum Phase: Sendable, Equatable {
        case open
        case closing(since: NIODeadline)
        case over
    }

    private let limits: SessionLimits
    package private(set) var identity: SessionIdentity
    private var phase = Phase.open
    /// A request is being carried out.
    private var isAnswering = false
    private var isStopping = false
    private var heardAt: NIODeadline
    /// Since when a message has been arriving.
    private var pendingSince: NIODeadline?
    private var pingedAt: NIODeadline
    /// Since when an identity that is required is missing, signed requests aside.
    private var anonymousSince: NIODeadline

    package init(_ limits: SessionLimits, isAuthenticated: Bool, at now: NIODeadline) {
        self.limits = limits
        self.identity = SessionIdentity(isRequired: isAuthenticated)
        self.heardAt = now
        self.pingedAt = now
        self.anonymousSince = now
    }

    /// Whether the next frame may be taken: one request at a time, and after a close only the answer to it.
    package var readsFrames: Bool { self.phase != .over && !self.isAnswering }
    /// Whether requests are taken.
    package var isOpen: Bool { self.phase == .open }

    // MARK: - In

    package mutating func heard(at now: NIODeadline) { self.heardAt = now }

    /// A message is there in part, or no more.
    package mutating func messagePending(_ isPending: Bool, at now: NIODeadline) {
        self.pendingSince = isPending ? self.pendingSince ?? now : nil
    }

    package mutating func requestBegan() {
        precondition(self.isOpen && !self.isAnswering, "one request at a time")
        self.isAnswering = true
    }

    /// - Parameter isSigned: It was admitted by a signature of its own.
    package mutating func answered(isSigned: Bool, at now: NIODeadline) -> Action {
        self.isAnswering = false
        self.heardAt = now
        if isSigned { self.anonymousSince = now }
        return self.stopIfDone(at: now)
    }

    package mutating func closeArrived(_ code: CloseCode?) -> Action {
        switch self.phase {
        case .open:
            self.phase = .over
            return .acknowledge(code)
        case .closing: return self.ended()
        case .over: return .none
        }
    }

    /// What came is no frame, or none that is allowed: nothing more can be read.
    package mutating func failed(_ fault: FrameFault, at now: NIODeadline) -> Action {
        self.close(fault.code, fault.reason, at: now)
    }

    /// A bound is reached.
    package mutating func overloaded(_ reason: String, at now: NIODeadline) -> Action {
        self.close(.overloaded, reason, at: now)
    }

    /// The client sends nothing more.
    package mutating func ended() -> Action {
        guard self.phase != .over else { return .none }
        self.phase = .over
        return .end
    }

    // MARK: - Identity

    /// - Returns: False while another identity is being established.
    package mutating func authenticationBegan() -> Bool { self.identity.begin() }

    /// - Parameters:
    ///   - identity: nil: it was refused.
    ///   - hasSubscribed: The connection may be sent messages that its identity may read. For another project, or
    ///     with a key of other restrictions, it has to come back: nothing would look any more at the identity that these were subscribed by.
    package mutating func authenticationEnded(
        _ identity: Identity?, hasSubscribed: Bool = false, at now: NIODeadline
    ) -> Action {
        var isOfOther = false
        if case .known(let before) = self.identity.access, let identity {
            isOfOther = identity.project != before.project || identity.scope != before.scope
        }
        self.identity.ended(identity)
        if identity != nil { self.anonymousSince = now }
        guard isOfOther, hasSubscribed else { return self.stopIfDone(at: now) }
        return self.close(.restart, "Subscribe as the other caller on another connection.", at: now)
    }

    /// What is to be looked at, after ``Action/check``; nil: nothing.
    package mutating func identityCheck(at now: NIODeadline) -> SessionIdentity.Check? { self.identity.check(at: now) }

    package mutating func identityChecked(
        _ check: SessionIdentity.Check, _ result: Result<Identity, AuthenticationError>, at now: NIODeadline
    ) -> Action {
        guard self.identity.checked(check, result, at: now) else { return .none }
        return self.close(.authenticationExpired, Self.expired, at: now)
    }

    private static let expired = "Authentication expired."

    // MARK: - Out

    /// Ends the connection once what was asked is answered.
    package mutating func stop(at now: NIODeadline) -> Action {
        self.isStopping = true
        return self.stopIfDone(at: now)
    }

    private mutating func stopIfDone(at now: NIODeadline) -> Action {
        guard self.isStopping, !self.isAnswering, !self.identity.isBusy else { return .none }
        return self.close(.restart, "The server stops.", at: now)
    }

    private mutating func close(_ code: CloseCode, _ reason: String, at now: NIODeadline) -> Action {
        guard self.isOpen else { return .none }
        self.phase = .closing(since: now)
        return .close(code, reason)
    }

    // MARK: - Time

    /// What is due.
    ///
    /// - Parameter clock: This machine's.
    package mutating func timePassed(at now: NIODeadline, clock: Timestamp) -> Action {
        switch self.phase {
        case .over: return .none
        case .closing(let since): return now - since >= self.closeMax ? self.ended() : .none
        case .open: break
        }
        if self.identity.expire(at: clock) {
            return self.close(.authenticationExpired, Self.expired, at: now)
        }
        if let limit = self.anonymousLimit, now - self.anonymousSince >= limit {
            return self.close(.authenticationExpired, "Not authenticated in time.", at: now)
        }
        if let checkAt = self.identity.checkAt, now >= checkAt { return .check }
        // While a request is carried out nothing is read.
        guard !self.isAnswering else { return .none }
        if now - self.heardAt >= self.limits.silenceMax { return self.ended() }
        if let since = self.pendingSince, now - since >= self.limits.arrivalMax {
            return self.close(.overloaded, "The message does not arrive in time.", at: now)
        }
        guard now - self.pingedAt >= self.limits.pingInterval else { return .none }
        self.pingedAt = now
        return .ping
    }

    /// How long until something may be due; nil: nothing will be.
    package func delay(at now: NIODeadline, clock: Timestamp) -> TimeAmount? {
        switch self.phase {
        case .over: return nil
        case .closing(let since): return Self.rest(of: self.closeMax, since, now)
        case .open: break
        }
        var delay = self.limits.pingInterval
        if !self.isAnswering {
            delay = min(delay, Self.rest(of: self.limits.pingInterval, self.pingedAt, now))
            delay = min(delay, Self.rest(of: self.limits.silenceMax, self.heardAt, now))
        }
        if let limit = self.anonymousLimit { delay = min(delay, Self.rest(of: limit, self.anonymousSince, now)) }
        if let checkAt = self.identity.checkAt { delay = min(delay, checkAt - now) }
        if let expiry = self.identity.expiry {
            // Far ones are looked at again.
            let rest = expiry <= clock ? 0 : min(expiry.milliseconds - clock.milliseconds, 86_400_000)
            delay = min(delay, .milliseconds(rest))
        }
        return max(delay, Self.delayMin)
    }

    /// A clock that runs behind is looked at again, and not in a loop.
    private static let delayMin = TimeAmount.milliseconds(10)

    private static func rest(of limit: TimeAmount, _ since: NIODeadline, _ now: NIODeadline) -> TimeAmount {
        limit - (now - since)
    }

    private var closeMax: TimeAmount {
        self.isStopping ? min(self.limits.closeMax, self.limits.stopCloseMax) : self.limits.closeMax
    }

    private var anonymousLimit: TimeAmount? { self.identity.isMissing ? self.limits.anonymousMax : nil }
}
