package import Foundation
import NIOConcurrencyHelpers

/// A process that a test started, and ends by its id.
package final class ChildProcess: Sendable {
    /// How a process ended.
    package enum Exit: Sendable, Equatable {
        case status(Int32)
        case signal(Int32)
    }

    private struct State {
        var exit: Exit?
        var waiters: [CheckedContinuation<Exit, Never>] = []
    }

    package let id: pid_t
    private let state: NIOLockedValueBox<State>

    /// Starts `executable`, with what it prints on either stream appended to `log`.
    ///
    /// - Parameter environment: The whole environment of the process: nothing of the test's own leaks in but `PATH`.
    package init(_ executable: URL, arguments: [String], environment: [String: String] = [:], log: URL) throws {
        let state = NIOLockedValueBox(State())
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        process.environment = environment.merging(["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin"]) {
            given, _ in given
        }
        if !FileManager.default.fileExists(atPath: log.path) { try Data().write(to: log) }
        let output = try FileHandle(forWritingTo: log)
        try output.seekToEnd()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        process.terminationHandler = { ended in
            let exit: Exit =
                ended.terminationReason == .uncaughtSignal
                ? .signal(ended.terminationStatus) : .status(ended.terminationStatus)
            let waiters = state.withLockedValue { state in
                state.exit = exit
                defer { state.waiters = [] }
                return state.waiters
            }
            for waiter in waiters { waiter.resume(returning: exit) }
        }
        try process.run()
        self.id = process.processIdentifier
        self.state = state
    }

    /// How the process ended; nil while it runs.
    package var exit: Exit? { self.state.withLockedValue { $0.exit } }

    /// Sends a signal, unless the process has ended and its id may belong to another.
    package func signal(_ number: Int32) {
        self.state.withLockedValue { state in
            if state.exit == nil { kill(self.id, number) }
        }
    }

    /// Waits until the process has ended.
    @discardableResult
    package func waitForExit() async -> Exit {
        await withCheckedContinuation { continuation in
            let exit = self.state.withLockedValue { state in
                if state.exit == nil { state.waiters.append(continuation) }
                return state.exit
            }
            if let exit { continuation.resume(returning: exit) }
        }
    }

    /// Asks the process to end with SIGTERM, and ends it with SIGKILL when it has not after `grace`.
    @discardableResult
    package func stop(within grace: Duration = .seconds(10)) async -> Exit {
        self.signal(SIGTERM)
        return await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // Cancelled as soon as the process has ended, which is the usual way.
                if (try? await Task.sleep(for: grace)) != nil { self.signal(SIGKILL) }
            }
            let exit = await self.waitForExit()
            group.cancelAll()
            return exit
        }
    }
}
