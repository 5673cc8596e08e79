import ArgumentParser
import Foundation
import Settings

/// How a command ended, for scripts: the numbers of `sysexits.h` where one fits.
package enum CommandStatus: Int32, Sendable, CaseIterable {
    /// Something else went wrong.
    case failed = 1
    /// The command line is not allowed.
    case usage = 64
    /// The API refused what was sent: 400 or 409; what was given cannot be read.
    case refused = 65
    /// What was named is not there: 404.
    case notFound = 66
    /// No answer came, or the service cannot answer now: 503.
    case unavailable = 69
    /// It can be tried again later, as by a mail server.
    case later = 75
    /// The caller may not: 401 or 403.
    case notPermitted = 77
    /// A configuration file or a setting is wrong.
    case configuration = 78

    /// The status of a command whose call was answered so.
    package static func answered(_ status: Int) -> CommandStatus {
        switch status {
        case 400, 409: .refused
        case 401, 403: .notPermitted
        case 404: .notFound
        case 503: .unavailable
        default: .failed
        }
    }
}

extension CommandStatus {
    fileprivate init(of error: any Error) {
        self = (error as? Failure)?.status ?? (error is SettingError ? .configuration : .failed)
    }
}

/// What went wrong, in one line for the user of the terminal.
package struct Failure: Error, Equatable, CustomStringConvertible {
    package let description: String
    package let status: CommandStatus

    package init(_ description: String, _ status: CommandStatus = .failed) {
        self.description = description
        self.status = status
    }
}

/// A signal ended the command, the terminal went away, or its output can no longer be written.
struct Interrupted: Error {
    /// What a shell expects of a process that ended by SIGINT.
    static let status: Int32 = 130
    /// What a shell shows of a process that ended by SIGPIPE.
    static let statusOfClosedOutput: Int32 = 141
}

/// Runs the body of a command; what it throws becomes one line on standard error and a status.
///
/// Standard output that could not be written is a status too: 141 without words when its reader has gone, as after
/// `| head`; 1 with the reason otherwise.
///
/// - Parameter interruption: The status when a signal ended it: 0 where that is the usual end.
func reporting(
    interruption: Int32 = Interrupted.status, output: StandardOutput = .shared, _ body: () async throws -> Void
) async throws(ExitCode) {
    var status: Int32 = 0
    var hasFailed = false
    do {
        try await body()
    } catch is Interrupted {
        status = interruption
    } catch {
        output.error("herald: \(error)")
        (status, hasFailed) = (CommandStatus(of: error).rawValue, true)
    }
    if let reason = output.finish(), !hasFailed {
        if reason == EPIPE {
            status = Interrupted.statusOfClosedOutput
        } else {
            output.error("herald: standard output cannot be written: \(String(cString: strerror(reason)))")
            _ = output.finish()
            status = CommandStatus.failed.rawValue
        }
    }
    guard status == 0 else { throw ExitCode(status) }
}
