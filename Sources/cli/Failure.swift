import ArgumentParser
import Foundation

/// What went wrong, in one line for whoever sits at the terminal.
struct Failure: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Somebody pressed Ctrl-C, or the terminal went away.
struct Interrupted: Error {
    /// What a shell expects of a process that ended by SIGINT.
    static let status: Int32 = 130
}

/// Runs the body of a command; what it throws becomes one line on standard error and a status.
///
/// - Parameter interruption: The status when a signal ended it: 0 where that is the usual end.
func reporting(interruption: Int32, _ body: () async throws -> Void) async throws(ExitCode) {
    do {
        try await body()
    } catch is Interrupted {
        guard interruption == 0 else { throw ExitCode(interruption) }
    } catch {
        FileHandle.standardError.write(Data("herald: \(error)\n".utf8))
        throw ExitCode.failure
    }
}
