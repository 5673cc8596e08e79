import CESMTP
import Dispatch
import Domain
import Glibc
package import Logging
package import Mail
import NIOConcurrencyHelpers
import Runtime

/// Sends mail: any thread hands mails over, and a fixed number of threads runs sessions, one each at a time.
///
/// ```
///  engines                       MailQueue, by project           threads, `email.sessions`
///  send(mails)  ─────────►  mails in order of each project ─────►  SMTPSession: up to 100 mails  ─────►  relay
///      ▲                                │ paused                     or one run of the command
///      └──── held ◄── RelayHealth ◄─────┴── trouble ◄───────────────┘
/// ```
/// While the relay is paused nothing waits here: mails are held, and stay in Redis. A mail completes as soon as the relay
/// judged it. One thread watches the others, see ``SessionControl``; a thread that is abandoned is replaced, as long as no
/// more than `email.sessions` are.
package final class MailRelay: Sendable {
    package enum Invalid: Error, Sendable, Equatable, CustomStringConvertible {
        case authorities, noThread

        package var description: String {
            switch self {
            case .authorities: "the file of certificates cannot be read"
            case .noThread: "no thread for mail can be started"
            }
        }
    }

    /// How long a session waits for one more mail, which costs less than the next session.
    private static let idleMax = DispatchTimeInterval.milliseconds(50)
    /// Mails a session begins with, mails of one session, and bytes of the bodies they are made from.
    private static let firstMailsMax = 20
    private static let sessionMailsMax = 100
    private static let sessionBytesMax = 1 << 20
    /// A mail of the largest message is made on this stack.
    private static let stackBytes = 1 << 20
    private static let watchEvery = DispatchTimeInterval.milliseconds(200)

    /// What connections are made to, for the limiter of hosts.
    package let host: String
    private let transport: Transport
    private let settings: EmailSettings
    private let limits: SessionLimits
    private let logger: Logger
    private let turn = DispatchSemaphore(value: 1)
    /// Signalled once for every thread that is to look for work.
    private let work = DispatchSemaphore(value: 0)
    /// Signalled once for every session that is to have one more mail.
    private let openWork = DispatchSemaphore(value: 0)
    private let watch = DispatchSemaphore(value: 0)
    private let state: NIOLockedValueBox<State>

    private enum Transport: Sendable {
        case smtp(RelayConnection)
        case command(CommandMailer)
    }

    private struct Running {
        let control: SessionControl
        var mails: [OutgoingMail]
        var bytes: Int
    }

    private struct State {
        var queue = MailQueue()
        var health = RelayHealth()
        var running: [Int: Running] = [:]
        /// Threads that were given up and did not end yet.
        var abandoned = 0
        /// Threads that are missing, since as many as may be were given up.
        var missing = 0
        var idle = 0
        /// The sessions that wait for one more mail.
        var open: Set<Int> = []
        var sessionsEver = 0
        var usersEver = 0
        /// The engines that may send.
        var users: Set<Int> = []
        var isStopped = false

        /// Pauses the relay.
        mutating func pause(for trouble: Outcome, at now: ContinuousClock.Instant, _ change: inout Change?) -> Duration
        {
            if self.health.failed(at: now) { change = .down(trouble) }
            return self.health.remaining(at: now) ?? .zero
        }

        /// Takes all that waits.
        mutating func holdAll(for pause: Duration) -> Held {
            Held(mails: self.queue.removeAll(), pause: pause)
        }
    }

    /// Starts its threads, which run until ``stop()``.
    ///
    /// - Throws: ``Invalid``.
    package init(_ settings: EmailSettings, _ transport: EmailSettings.Transport, from sender: Mailbox, logger: Logger)
        throws(Invalid)
    {
        switch transport {
        case .relay(let url):
            self.host = url.origin
            do throws(RelayConnection.Invalid) {
                self.transport = .smtp(try RelayConnection(url, from: sender, settings))
            } catch {
                throw .authorities
            }
        case .command(let arguments):
            self.host = "command"
            self.transport = .command(
                CommandMailer(arguments, from: sender, hasFeedbackID: settings.hasFeedbackID))
        }
        self.settings = settings
        self.limits = SessionLimits(settings)
        self.logger = logger
        self.state = NIOLockedValueBox(State())
        do throws(Invalid) {
            for _ in 0..<settings.sessions { try self.start { $0.runSessions() } }
            try self.start { $0.watchSessions() }
        } catch {
            self.stop()
            throw error
        }
    }

    /// An engine that will send mails.
    func register() -> Int {
        self.state.withLockedValue { state in
            state.usersEver += 1
            state.users.insert(state.usersEver)
            return state.usersEver
        }
    }

    /// Takes mails; the completion of each is called once, also after ``stop()``.
    func send(_ mails: [OutgoingMail]) {
        let now = ContinuousClock.now
        var (wakes, sessions) = (0, 0)
        let (aborted, held) = self.state.withLockedValue { state -> ([OutgoingMail], Held?) in
            func mayCome(_ mail: OutgoingMail) -> Bool { !state.isStopped && state.users.contains(mail.user) }
            let aborted = mails.filter { !mayCome($0) }
            let taken = aborted.isEmpty ? mails : mails.filter(mayCome)
            if let pause = state.health.remaining(at: now) {
                return (aborted, Held(mails: taken, pause: pause))
            }
            for mail in taken { state.queue.append(mail) }
            // Sessions that are open first.
            sessions = min(state.open.count, taken.count)
            for _ in 0..<sessions { state.open.removeFirst() }
            wakes = min(state.idle, taken.count - sessions)
            return (aborted, nil)
        }
        for mail in aborted { mail.complete(.aborted) }
        held?.complete()
        for _ in 0..<sessions { self.openWork.signal() }
        for _ in 0..<wakes { self.work.signal() }
    }

    /// Mails that are handed back for as long as the relay is paused.
    private struct Held {
        let mails: [OutgoingMail]
        let pause: Duration
        /// How their attempts ended; nil: none was made.
        var outcome: Outcome?

        func complete() {
            for mail in self.mails { mail.complete(.held(self.outcome, Exchange(), for: self.pause)) }
        }
    }

    // MARK: Ending

    /// Ends what an engine has under way: each mail completes as aborted.
    func abortAll(of user: Int) { self.abort { $0.user == user } }

    /// The same, and mails that the engine sends from now on are aborted at once.
    func close(for user: Int) {
        self.state.withLockedValue { _ = $0.users.remove(user) }
        self.abortAll(of: user)
    }

    /// Ends what is under way, and the threads.
    package func stop() {
        self.state.withLockedValue { $0.isStopped = true }
        self.abort { _ in true }
        for _ in 0...self.settings.sessions {
            self.work.signal()
            self.openWork.signal()
        }
        self.watch.signal()
    }

    /// The sessions with such mails are cut; their other mails are sent again in another.
    private func abort(_ isAborted: (OutgoingMail) -> Bool) {
        let (mails, sessions) = self.state.withLockedValue { state -> ([OutgoingMail], [SessionControl]) in
            var mails = state.queue.remove(where: isAborted)
            var sessions: [SessionControl] = []
            for session in state.running.values {
                let hit = session.mails.filter { isAborted($0) && !$0.hasCompleted }
                guard !hit.isEmpty else { continue }
                mails += hit
                sessions.append(session.control)
            }
            return (mails, sessions)
        }
        for mail in mails { mail.complete(.aborted) }
        for session in sessions { session.abort() }
    }

    // MARK: Sessions

    private enum Turn {
        case session(Int, SessionControl, [OutgoingMail])
        case wait
        case end
    }

    private func runSessions() {
        while true {
            switch self.next() {
            case .end: return
            case .wait:
                self.work.wait()
                self.state.withLockedValue { $0.idle -= 1 }
            case .session(let number, let control, let mails):
                self.watch.signal()
                let report: SMTPSession.Report
                switch self.transport {
                case .smtp(let relay):
                    report = SMTPSession(mails, over: relay, control) { self.more(for: number) }.run()
                case .command(let command): report = command.run(mails, control)
                }
                let end = control.finish()
                if !end.isAbandoned {
                    self.ended(number, report, wasAborted: end.isAborted)
                } else if !self.isMissing() {
                    return
                }
            }
        }
    }

    private func next() -> Turn {
        self.state.withLockedValue { state in
            guard !state.isStopped else { return .end }
            let mayBegin =
                state.health.remaining(at: .now) == nil && (state.health.isUsable || state.running.isEmpty)
            var mails: [OutgoingMail] = []
            var bytes = 0
            if mayBegin {
                // A part of what waits, so that the other sessions have something to do.
                let part = (state.queue.count + self.settings.sessions - 1) / self.settings.sessions
                let most = if case .command = self.transport { 1 } else { min(part, Self.firstMailsMax) }
                while mails.count < most, bytes < Self.sessionBytesMax, let mail = state.queue.popFirst() {
                    mails.append(mail)
                    bytes += mail.bodyBytes
                }
            }
            guard !mails.isEmpty else {
                state.idle += 1
                return .wait
            }
            state.sessionsEver += 1
            let control = SessionControl(self.limits, turn: self.turn)
            state.running[state.sessionsEver] = Running(control: control, mails: mails, bytes: bytes)
            return .session(state.sessionsEver, control, mails)
        }
    }

    /// One more mail for a session that is about to end; none before the relay is known to be usable again.
    private func more(for number: Int) -> OutgoingMail? {
        switch self.next(for: number, hasWaited: false) {
        case .mail(let mail): return mail
        case .none: return nil
        case .wait: _ = self.openWork.wait(timeout: .now() + Self.idleMax)
        }
        guard case .mail(let mail) = self.next(for: number, hasWaited: true) else { return nil }
        return mail
    }

    private enum Next {
        case mail(OutgoingMail), wait, none
    }

    private func next(for number: Int, hasWaited: Bool) -> Next {
        self.state.withLockedValue { state in
            state.open.remove(number)
            guard self.mayHaveMore(number, state) else { return .none }
            guard let mail = state.queue.popFirst() else {
                if !hasWaited { state.open.insert(number) }
                return hasWaited ? .none : .wait
            }
            state.running[number]?.mails.append(mail)
            state.running[number]?.bytes += mail.bodyBytes
            return .mail(mail)
        }
    }

    private func mayHaveMore(_ number: Int, _ state: State) -> Bool {
        guard !state.isStopped, state.health.isUsable, let running = state.running[number] else { return false }
        return !running.control.isAborted && running.mails.count < Self.sessionMailsMax
            && running.bytes < Self.sessionBytesMax
    }

    private func ended(_ number: Int, _ report: SMTPSession.Report, wasAborted: Bool) {
        let now = ContinuousClock.now
        var change: Change?
        let (held, wakes) = self.state.withLockedValue { state -> ([Held], Int) in
            state.running[number] = nil
            var held: [Held] = []
            var left = report.left
            // An end that was asked for says nothing of the relay.
            if let trouble = report.trouble, !wasAborted {
                let attempted = Held(mails: left, pause: state.pause(for: trouble, at: now, &change), outcome: trouble)
                held.append(attempted)
                left = []
            } else if report.hasJudged, state.health.succeeded() {
                change = .up
            }
            for mail in left where !mail.hasCompleted { state.queue.append(mail) }
            if let pause = state.health.remaining(at: now) { held.append(state.holdAll(for: pause)) }
            return (held, min(state.idle, Self.wakesMax))
        }
        for mails in held { mails.complete() }
        for _ in 0..<wakes { self.work.signal() }
        self.log(change)
    }

    /// Threads that a session that ended has look for work: one that was the only one to run lets all others run.
    private static let wakesMax = 64

    private func log(_ change: Change?) {
        switch change {
        case .down(let trouble):
            self.logger.warning(
                "The mail relay cannot be used, mails wait",
                metadata: ["relay": "\(self.host)", LogKey.error: "\(trouble.summary)"])
        case .up: self.logger.notice("The mail relay can be used again", metadata: ["relay": "\(self.host)"])
        case nil: break
        }
    }

    private enum Change {
        case up
        case down(Outcome)
    }

    // MARK: Watch

    private func watchSessions() {
        while true {
            let (isStopped, sessions) = self.state.withLockedValue { ($0.isStopped, $0.running) }
            if isStopped, sessions.isEmpty { return }
            if sessions.isEmpty {
                self.watch.wait()
                continue
            }
            _ = self.watch.wait(timeout: .now() + Self.watchEvery)
            let now = ContinuousClock.now
            for (number, session) in sessions where session.control.watch(at: now) == .abandoned {
                self.abandon(number, session.control, at: now)
            }
        }
    }

    /// Gives a thread up that is in a call which nothing ends: its mails are held, and another thread takes its place.
    private func abandon(_ number: Int, _ control: SessionControl, at now: ContinuousClock.Instant) {
        var change: Change?
        let trouble = Outcome.unreachable(control.phase == .connecting ? .connect : .timeout)
        let (held, isReplaced) = self.state.withLockedValue { state -> ([Held], Bool) in
            let mails = state.running.removeValue(forKey: number)?.mails ?? []
            state.abandoned += 1
            let isReplaced = state.abandoned <= self.settings.sessions
            if !isReplaced { state.missing += 1 }
            guard !control.isAborted else {
                for mail in mails where !mail.hasCompleted { state.queue.append(mail) }
                return ([], isReplaced)
            }
            let pause = state.pause(for: trouble, at: now, &change)
            return (
                [Held(mails: mails, pause: pause, outcome: trouble), state.holdAll(for: pause)], isReplaced
            )
        }
        for mails in held { mails.complete() }
        self.log(change)
        guard isReplaced else { return }
        do throws(Invalid) {
            try self.start { $0.runSessions() }
        } catch {
            self.state.withLockedValue { $0.missing += 1 }
        }
    }

    /// A thread that was given up is back.
    ///
    /// - Returns: Whether it is needed.
    private func isMissing() -> Bool {
        self.state.withLockedValue { state in
            state.abandoned -= 1
            guard state.missing > 0 else { return false }
            state.missing -= 1
            return true
        }
    }

    private func start(_ run: @escaping @Sendable (MailRelay) -> Void) throws(Invalid) {
        let isStarted = MailThread.start(stackBytes: Self.stackBytes) {
            // libesmtp writes to sockets that may be closed: that is an error of the write, on this thread.
            cesmtp_block_broken_pipes()
            run(self)
        }
        guard isStarted else { throw .noThread }
    }
}
