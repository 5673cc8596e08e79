import CSpawn
import Domain
import Foundation
import Mail

/// Hands mails to a program such as `sendmail -t -oi`, one run a mail.
struct CommandMailer: Sendable {
    /// Added to the status of a run that failed, so that it is a code as others are: 475 for "try later".
    private static let codeBase = 400
    /// Nothing of the environment of this process, which may hold its secrets.
    private static let environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"]
    private static let pauseLongest = Duration.milliseconds(50)

    private let arguments: [String]
    private let sender: Mailbox
    private let hasFeedbackID: Bool

    /// - Parameter arguments: The path of the program first.
    init(_ arguments: [String], from sender: Mailbox, hasFeedbackID: Bool) {
        self.arguments = arguments
        self.sender = sender
        self.hasFeedbackID = hasFeedbackID
    }

    func run(_ mails: [OutgoingMail], _ control: SessionControl) -> SMTPSession.Report {
        var report = SMTPSession.Report()
        for mail in mails {
            let started = ContinuousClock.now
            switch self.run(mail, control) {
            case nil:
                report.trouble = .unreachable(.other)
                report.left.append(mail)
            case .some(let outcome):
                report.hasJudged = true
                var exchange = Exchange()
                exchange.total = Int((ContinuousClock.now - started) / .milliseconds(1))
                mail.complete(.finished(outcome, exchange))
            }
        }
        return report
    }

    /// - Returns: nil when the program could not be started.
    private func run(_ mail: OutgoingMail, _ control: SessionControl) -> Outcome? {
        // Programs take mails with the ends of lines that files have.
        let bytes = mail.encoded(from: self.sender, hasFeedbackID: self.hasFeedbackID, isMarked: true).filter {
            $0 != 0x0D
        }
        var ends: [Int32] = [-1, -1]
        guard cspawn_pipe(&ends) == 0 else { return nil }
        var arguments = self.arguments.map { strdup($0) } + [nil]
        var environment = Self.environment.map { strdup($0) } + [nil]
        defer { for text in arguments + environment { free(text) } }
        var process: pid_t = 0
        let failure = cspawn_reader(self.arguments[0], &arguments, &environment, ends[0], &process)
        close(ends[0])
        guard failure == 0 else {
            close(ends[1])
            return nil
        }
        control.started(process)
        // A program that ends early has said with its status why.
        Self.write(bytes, to: ends[1], as: control)
        close(ends[1])
        var pause = Duration.milliseconds(1)
        while true {
            if let status = control.reap() { return Self.outcome(status) }
            usleep(UInt32(pause / .microseconds(1)))
            pause = min(pause * 2, Self.pauseLongest)
        }
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, as control: SessionControl) {
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var written = 0
        bytes.withUnsafeBytes { bytes in
            while written < bytes.count, !control.isLate {
                let count = Foundation.write(
                    descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written)
                if count > 0 {
                    written += count
                } else if errno == EAGAIN {
                    var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&wait, 1, 200)
                } else if errno != EINTR {
                    return
                }
            }
        }
    }

    /// - Parameter status: As `waitpid` gives it.
    private static func outcome(_ status: Int32) -> Outcome {
        guard status >= 0, status & 0x7F == 0 else { return .unreachable(.timeout) }
        let exit = Int(status >> 8) & 0xFF
        guard exit != 0 else { return .accepted(code: 250) }
        return .deferred(code: Self.codeBase + min(exit, 99), notBefore: nil)
    }
}
