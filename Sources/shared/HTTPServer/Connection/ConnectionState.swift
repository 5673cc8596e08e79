package import NIOCore

/// Which bytes a connection reads and writes next.
///
/// ```
///           bytes            head complete              answer written, body read
///   idle ───────────► head ───────────────► request ─────────────────────────────► idle
///     │                 │                      │
///     │ idle too long,  │ fault, too slow      │ last answer written
///     │ stop, input     ▼                      ▼
///     │ closed       (refusal) ────────────► closing: what still comes is dropped, until the peer closes too
///     ▼                                        │
///   closed ◄───────────────────────────────────┘
/// ```
///
/// Closing is not one step: a connection closed while bytes of its peer are unread is reset, and a reset may overtake the
/// answer (RFC 9112, 9.6).
///
/// It performs nothing. The owner carries out what is returned, then reports back.
package struct ConnectionState {
    package enum Phase: Equatable {
        /// Between requests.
        case idle
        /// Part of a head is there.
        case head
        case request
        /// The last answer is written, and this side is shut down.
        case closing
        /// Another protocol has the connection.
        case upgraded
        case closed
    }

    package enum Body: Equatable {
        /// The responder has not asked for it.
        case unread
        case reading
        /// Not wanted; read to its end and dropped.
        case dropping
        case over
    }

    /// What to do with the bytes that have arrived and with those to come.
    package enum Step: Equatable {
        case parseHead
        case parseBody
        case drop
        /// Nothing before the answer is written.
        case wait
    }

    /// What follows an event.
    package enum Action: Equatable {
        case none
        case close
        /// Shut this side down, and drop what still comes.
        case shutOutput
        /// Refuse the request with this fault.
        case refuse(HTTPRequestFault)
        /// Go on by ``ConnectionState/step``.
        case advance
    }

    /// The value of `Connection` in an answer.
    package enum ConnectionField: Equatable {
        case none
        case close
        case keepAlive
    }

    package private(set) var phase = Phase.idle
    package private(set) var body = Body.over
    package private(set) var isInputClosed = false
    /// The responder has given its answer, or it was refused.
    package private(set) var isAnswered = false
    package private(set) var isWritten = false
    private var isLast = false
    package private(set) var isStopping = false
    private var isHTTP10 = false
    private var awaitsContinue = false
    /// When the phase began, or the body was asked for, or the answer was given.
    private var since: NIODeadline
    /// Bytes of the body, or of what is dropped, that have passed since then.
    private var bytes = 0
    /// When the time began in which enough bytes have to pass, and how many had passed before.
    private var paceSince: NIODeadline
    private var paceBytes = 0

    package init(at now: NIODeadline) {
        self.since = now
        self.paceSince = now
    }

    package var step: Step {
        switch self.phase {
        case .idle, .head: .parseHead
        case .request:
            switch self.body {
            case .reading: .parseBody
            case .dropping: self.isLast ? .wait : .parseBody
            case .unread, .over: .wait
            }
        case .closing: .drop
        case .upgraded, .closed: .wait
        }
    }

    /// Whether it can be closed without taking anything from its peer: no request has begun.
    package var isIdle: Bool { self.phase == .idle }

    /// How long it has been idle; nil while it is not.
    package func idleTime(at now: NIODeadline) -> TimeAmount? { self.isIdle ? now - self.since : nil }

    /// How long a head or a body has been arriving below the pace of a body, or bytes that nothing is done with any more; nil
    /// while nothing arrives so slowly.
    package func slowTime(at now: NIODeadline, _ limits: HTTPLimits) -> TimeAmount? {
        let time = now - self.since
        switch self.phase {
        case .head: return time
        case .closing: return time
        case .request where self.body == .dropping && self.isWritten: return time
        case .request where self.body == .reading:
            let floor = Double(limits.bytesPerSecondMin) * Double(time.nanoseconds) / 1e9
            return Double(self.bytes) < floor ? time : nil
        case .idle, .request, .upgraded, .closed: return nil
        }
    }

    /// How long an answer has been on its way to the peer; nil without one.
    package func writingTime(at now: NIODeadline) -> TimeAmount? {
        self.phase == .request && self.isAnswered && !self.isWritten ? now - self.since : nil
    }

    private mutating func enter(_ phase: Phase, at now: NIODeadline) {
        self.phase = phase
        self.restartClock(at: now)
    }

    private mutating func restartClock(at now: NIODeadline) {
        self.since = now
        self.bytes = 0
        self.paceSince = now
        self.paceBytes = 0
    }

    // MARK: In

    /// Bytes have arrived that are no head yet.
    ///
    /// - Parameter isHead: False when nothing is left of them: an empty line, or the header of a proxy.
    package mutating func headArrived(_ isHead: Bool, at now: NIODeadline) {
        if isHead, self.phase == .idle { self.enter(.head, at: now) }
        if !isHead, self.phase == .head { self.enter(.idle, at: now) }
    }

    mutating func headEnded(_ head: HTTPRequestHead, at now: NIODeadline) {
        self.headEnded(
            hasBody: head.hasBody, keepsConnection: head.keepsConnection, isHTTP10: head.isHTTP10,
            awaitsContinue: head.expectsContinue, at: now)
    }

    /// A head was taken off what has arrived.
    package mutating func headEnded(
        hasBody: Bool, keepsConnection: Bool, isHTTP10: Bool, awaitsContinue: Bool, at now: NIODeadline
    ) {
        precondition(
            self.phase == .idle || self.phase == .head, "a head arrived while the connection was \(self.phase)")
        self.enter(.request, at: now)
        self.body = hasBody ? .unread : .over
        self.isAnswered = false
        self.isWritten = false
        self.isLast = self.isStopping || !keepsConnection
        self.isHTTP10 = isHTTP10
        self.awaitsContinue = awaitsContinue && hasBody
    }

    /// The responder asks for the body.
    ///
    /// - Returns: Whether its sender waits for a 100.
    package mutating func bodyWanted(at now: NIODeadline) -> Bool {
        guard self.phase == .request, self.body == .unread else { return false }
        self.body = .reading
        self.restartClock(at: now)
        defer { self.awaitsContinue = false }
        return self.awaitsContinue
    }

    /// The responder has no use for what is left of the body.
    package mutating func bodyRefused(at now: NIODeadline) {
        guard self.phase == .request, self.body != .over else { return }
        self.body = .dropping
        self.restartClock(at: now)
    }

    /// Bytes of a body, or bytes that are dropped, have arrived.
    package mutating func bytesPassed(_ count: Int, _ limits: HTTPLimits) -> Action {
        self.bytes += count
        let isDropped = self.phase == .closing || self.body == .dropping
        return isDropped && self.bytes > limits.discardedBytesMax ? self.closed() : .none
    }

    package mutating func bodyEnded(at now: NIODeadline) -> Action {
        self.body = .over
        return self.isWritten ? self.requestEnded(at: now) : .none
    }

    /// What has arrived is no request, or none this server takes: the connection ends.
    ///
    /// - Returns: nil when the refusal is to be written.
    package mutating func refused(at now: NIODeadline) -> Action? {
        if self.phase == .request, self.isWritten {
            self.enter(.closing, at: now)
            return .shutOutput
        }
        self.isLast = true
        // Nothing behind the fault is a body, and nothing of it is read before the answer is written.
        self.body = .dropping
        if self.phase == .request, self.isAnswered { return Action.none }
        self.enter(.request, at: now)
        self.isAnswered = false
        self.isWritten = false
        self.awaitsContinue = false
        return nil
    }

    /// The answer of this request is the last one.
    package mutating func endAfterAnswer() { self.isLast = true }

    /// The peer sends nothing more.
    package mutating func inputClosed(hasInput: Bool) -> Action {
        self.isInputClosed = true
        switch self.phase {
        case .idle, .head: return hasInput ? .advance : self.closed()
        case .request: return self.body == .over ? .none : .advance
        case .closing, .upgraded: return self.closed()
        case .closed: return .none
        }
    }

    /// More bytes are needed than will come.
    package mutating func inputMissing() -> Action {
        switch self.phase {
        case .idle, .closing: self.closed()
        case .head: .refuse(.incomplete)
        case .request: self.isAnswered ? (self.isWritten ? self.closed() : .none) : .refuse(.incomplete)
        case .upgraded, .closed: .none
        }
    }

    // MARK: Out

    /// An answer is about to be written.
    ///
    /// - Parameter isLast: The responder wants the connection to end with it.
    package mutating func answered(isLast: Bool, at now: NIODeadline) -> ConnectionField {
        self.isAnswered = true
        if isLast || self.isStopping { self.isLast = true }
        if self.body == .unread { self.body = .dropping }
        // Whether a body comes that was never asked for, only its sender knows (RFC 9110, 10.1.1).
        if self.awaitsContinue { self.isLast = true }
        self.restartClock(at: now)
        return self.isLast ? .close : self.isHTTP10 ? .keepAlive : .none
    }

    /// Whether the answer that is about to be written is the last one.
    package var endsWithAnswer: Bool { self.isLast }

    /// A body of unknown length follows.
    ///
    /// - Returns: Whether it comes in chunks; HTTP/1.0 has none, and the connection ends with the body.
    package mutating func streamBegan() -> Bool {
        if self.isHTTP10 { self.isLast = true }
        return !self.isHTTP10
    }

    /// Another part of the answer is written.
    package mutating func streamed(at now: NIODeadline) { self.restartClock(at: now) }

    /// The answer is written, but for a few bytes that the kernel does not take yet.
    ///
    /// - Parameter hasInput: Bytes have arrived that are not read.
    package mutating func written(hasInput: Bool, at now: NIODeadline) -> Action {
        guard self.phase == .request, self.isAnswered, !self.isWritten else { return .none }
        self.isWritten = true
        if self.isLast {
            if self.isInputClosed || self.body == .over && !hasInput && !self.isStopping { return self.closed() }
            self.enter(.closing, at: now)
            return .shutOutput
        }
        self.restartClock(at: now)
        return self.body == .over ? self.requestEnded(at: now) : .advance
    }

    private mutating func requestEnded(at now: NIODeadline) -> Action {
        if self.isStopping { return self.closed() }
        self.enter(.idle, at: now)
        return .advance
    }

    package mutating func upgraded(at now: NIODeadline) { self.enter(.upgraded, at: now) }

    package mutating func closed() -> Action {
        self.phase = .closed
        return .close
    }

    // MARK: Time

    /// No further request is taken.
    package mutating func stop(at now: NIODeadline) -> Action {
        self.isStopping = true
        switch self.phase {
        case .idle: return self.closed()
        case .head:
            self.restartClock(at: now)
            return .none
        case .request, .closing, .upgraded, .closed: return .none
        }
    }

    /// What is overdue.
    ///
    /// - Parameter unwritten: Bytes of answers that the peer has not taken.
    package mutating func timePassed(unwritten: Int, written: Int, at now: NIODeadline, _ limits: HTTPLimits) -> Action
    {
        let time = now - self.since
        switch self.phase {
        case .idle: return time > limits.idleMax ? self.closed() : .none
        case .head: return time > (self.isStopping ? limits.stopHeadMax : limits.headMax) ? .refuse(.tooSlow) : .none
        case .request:
            if self.isAnswered, unwritten > 0 {
                return self.isTooSlow(written, at: now, limits) ? self.closed() : .none
            }
            switch self.body {
            case .reading: return self.isTooSlow(self.bytes, at: now, limits) ? .refuse(.tooSlow) : .none
            case .dropping where self.isWritten: return time > limits.discardingMax ? self.closed() : .none
            case .dropping, .unread, .over: return .none
            }
        case .closing:
            let timeMax = self.isStopping ? min(limits.discardingMax, limits.stopHeadMax) : limits.discardingMax
            return time > timeMax ? self.closed() : .none
        case .upgraded, .closed: return .none
        }
    }

    /// Whether fewer bytes have passed than the floor asks for, in a time that is over.
    ///
    /// Each time begins anew: what passed quickly at first buys no pause later.
    private mutating func isTooSlow(_ bytes: Int, at now: NIODeadline, _ limits: HTTPLimits) -> Bool {
        guard now - self.paceSince > limits.stallMax else { return false }
        let floor = Double(limits.bytesPerSecondMin) * Double(limits.stallMax.nanoseconds) / 1e9
        let isTooSlow = Double(bytes - self.paceBytes) < floor
        self.paceSince = now
        self.paceBytes = bytes
        return isTooSlow
    }
}
