import ArgumentParser
import Foundation

/// What went wrong, in one line for the user of the terminal.
struct Failure: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
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
    interruption: Int32, output: StandardOutput = .shared, _ body: () async throws -> Void
) async throws(ExitCode) {
    var status: Int32 = 0
    do {
        try await body()
    } catch is Interrupted {
        status = interruption
    } catch {
        output.error("herald: \(error)")
        status = ExitCode.failure.rawValue
    }
    if let reason = output.finish(), status != ExitCode.failure.rawValue {
        if reason == EPIPE {
            status = Interrupted.statusOfClosedOutput
        } else {
            output.error("herald: standard output cannot be written: \(String(cString: strerror(reason)))")
            _ = output.finish()
            status = ExitCode.failure.rawValue
        }
    }
    guard status == 0 else { throw ExitCode(status) }
}
