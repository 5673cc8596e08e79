import CESMTP
import Dispatch
import Glibc
import NIOConcurrencyHelpers

/// How long each part of a session may take.
struct SessionLimits: Sendable {
    let connect: Duration
    let reply: Duration
    let data: Duration

    init(_ settings: EmailSettings) {
        self.connect = settings.connectTimeout
        self.reply = settings.replyTimeout
        self.data = settings.dataTimeout
    }
}

/// One session as the threads beside it see it: where it stands, and how it is ended from outside.
///
/// ```
/// waiting ─► connecting ─► greeting ─► ehlo ─► startTLS ─► ehlo ─► authentication
///                                       │                               │
///                                       └──────► envelope ◄─────────────┘
///                                      per mail:  │  ▲
///                                                 ▼  │
///                                                data ─► end        then: quit
/// ```
/// libesmtp bounds each read, but no sequence of them, and neither the lookup of a name nor a connection. So each phase
/// as a whole is bounded here: past its limit the socket is shut down, which ends the session at once. A thread that does
/// not return even then, since it has no socket yet, is abandoned: another takes its place, and should it connect after
/// all, its socket is shut down before anything is sent.
final class SessionControl: Sendable {
    enum Phase: Sendable {
        case waiting, connecting, greeting, ehlo, startTLS, authentication, envelope, data, end, quit, command, over
    }

    /// What the watch over a session has to do.
    enum Verdict: Sendable, Equatable {
        case onTime, cut, abandoned
    }

    private struct State {
        var phase = Phase.waiting
        var since = ContinuousClock.now
        /// A duplicate of the session's own descriptor, which libesmtp may close at any time.
        var socket: Int32 = -1
        var process: pid_t = 0
        var cutAt: ContinuousClock.Instant?
        var isAborted = false
        var isAbandoned = false
        var holdsTurn = false
    }

    /// Beyond the limit of a phase, so that libesmtp's own timeout comes first and says what failed.
    private static let margin = Duration.seconds(1)
    /// How long a session that was cut may take to end.
    private static let cutMax = Duration.seconds(3)
    private static let quitMax = Duration.seconds(5)

    private let state = NIOLockedValueBox(State())
    private let limits: SessionLimits
    private let turn: DispatchSemaphore

    /// - Parameter turn: Of connecting: one session at a time has it.
    init(_ limits: SessionLimits, turn: DispatchSemaphore) {
        self.limits = limits
        self.turn = turn
    }

    // MARK: Of the session's thread

    /// Waits for the turn to connect.
    ///
    /// - Parameter port: Of the relay.
    /// - Returns: false when it did not come in the time of a connection, or the session is over.
    func mayConnect(port: UInt16) -> Bool {
        let milliseconds = Int(self.limits.connect / .milliseconds(1))
        guard self.turn.wait(timeout: .now() + .milliseconds(milliseconds)) == .success else { return false }
        let mayConnect = self.state.withLockedValue { state in
            guard state.cutAt == nil, !state.isAbandoned else { return false }
            state.holdsTurn = true
            Self.enter(.connecting, &state)
            return true
        }
        // What is connected to such a port already is not the session's.
        if mayConnect { _ = cesmtp_take_socket(Int32(port)) } else { self.turn.signal() }
        return mayConnect
    }

    /// The session is connected.
    ///
    /// - Parameter port: Of the relay.
    func connected(port: UInt16) {
        let socket = cesmtp_take_socket(Int32(port))
        let own = socket < 0 ? -1 : fcntl(socket, F_DUPFD_CLOEXEC, 0)
        self.state.withLockedValue { state in
            state.socket = own
            Self.enter(.greeting, &state)
            if state.cutAt != nil || state.isAbandoned { Self.shutDown(&state) }
        }
        self.endTurn()
    }

    func disconnected() {
        self.state.withLockedValue { state in
            if state.socket >= 0 { close(state.socket) }
            state.socket = -1
        }
    }

    func enter(_ phase: Phase) {
        self.state.withLockedValue { Self.enter(phase, &$0) }
    }

    /// The session has ended, however it did.
    ///
    /// - Returns: Whether its thread had been given up, and whether it was ended by ``abort()``.
    func finish() -> (isAbandoned: Bool, isAborted: Bool) {
        self.disconnected()
        self.endTurn()
        return self.state.withLockedValue { state in
            Self.enter(.over, &state)
            return (state.isAbandoned, state.isAborted)
        }
    }

    /// Whether its phase, or one before it, took too long.
    var isLate: Bool {
        self.state.withLockedValue { state in
            if state.cutAt != nil { return !state.isAborted }
            guard let limit = self.limit(of: state.phase) else { return false }
            // libesmtp's timeouts end some milliseconds early or late.
            return ContinuousClock.now - state.since >= limit - .milliseconds(50)
        }
    }

    var phase: Phase { self.state.withLockedValue { $0.phase } }
    var isAborted: Bool { self.state.withLockedValue { $0.isAborted } }

    // MARK: Of a command

    /// A program was started for this session.
    func started(_ process: pid_t) {
        self.state.withLockedValue { state in
            state.process = process
            Self.enter(.command, &state)
            if state.cutAt != nil || state.isAbandoned { Self.shutDown(&state) }
        }
    }

    /// Looks whether the program has ended.
    ///
    /// - Returns: Its status as `waitpid` gives it; nil while it runs.
    func reap() -> Int32? {
        self.state.withLockedValue { state in
            var status: Int32 = 0
            let reaped = waitpid(state.process, &status, WNOHANG)
            guard reaped != 0 else { return nil }
            state.process = 0
            return reaped > 0 ? status : -1
        }
    }

    // MARK: Of other threads

    /// Ends the session now.
    func abort() {
        self.state.withLockedValue { state in
            state.isAborted = true
            Self.cut(&state)
        }
    }

    /// What has to be done about it, and has been where that is to cut it.
    func watch(at now: ContinuousClock.Instant) -> Verdict {
        let (verdict, hadTurn) = self.state.withLockedValue { state -> (Verdict, Bool) in
            guard state.phase != .over, !state.isAbandoned else { return (.onTime, false) }
            if let cutAt = state.cutAt {
                guard now - cutAt >= Self.cutMax else { return (.onTime, false) }
            } else {
                guard let limit = self.limit(of: state.phase), now - state.since >= limit + Self.margin else {
                    return (.onTime, false)
                }
                Self.cut(&state)
                // A lookup or a connection has nothing yet that could be cut.
                guard state.socket < 0, state.process == 0 else { return (.cut, false) }
            }
            state.isAbandoned = true
            defer { state.holdsTurn = false }
            return (.abandoned, state.holdsTurn)
        }
        if hadTurn { self.turn.signal() }
        return verdict
    }

    // MARK: -

    private func endTurn() {
        let hadTurn = self.state.withLockedValue { state in
            defer { state.holdsTurn = false }
            return state.holdsTurn
        }
        if hadTurn { self.turn.signal() }
    }

    private func limit(of phase: Phase) -> Duration? {
        switch phase {
        case .connecting: self.limits.connect
        case .greeting, .ehlo, .startTLS, .authentication, .envelope, .data: self.limits.reply
        case .end, .command: self.limits.data
        case .quit: Self.quitMax
        case .waiting, .over: nil
        }
    }

    private static func enter(_ phase: Phase, _ state: inout State) {
        state.phase = phase
        state.since = .now
    }

    private static func cut(_ state: inout State) {
        guard state.cutAt == nil else { return }
        state.cutAt = .now
        self.shutDown(&state)
    }

    private static func shutDown(_ state: inout State) {
        if state.socket >= 0 { shutdown(state.socket, Int32(SHUT_RDWR)) }
        if state.process > 0 { kill(state.process, SIGKILL) }
    }
}
