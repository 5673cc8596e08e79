package import Foundation
import NIOConcurrencyHelpers

/// A process we started, with its output line by line, ended by its id.
package final class Child: Sendable {
    /// How a process ended.
    package enum Exit: Sendable, Equatable, CustomStringConvertible {
        case status(Int32)
        case signal(Int32)

        package var description: String {
            switch self {
            case .status(let number): "status \(number)"
            case .signal(let number): "signal \(number)"
            }
        }
    }

    private struct State: Sendable {
        var exit: Exit?
        var waiters: [CheckedContinuation<Exit, Never>] = []
    }

    package let name: String
    package let id: pid_t
    private let state: NIOLockedValueBox<State>

    /// Starts a process.
    ///
    /// It has no standard input, and a process group of its own: it hears no Ctrl-C of our terminal, since we end it in
    /// our own order.
    ///
    /// - Parameters:
    ///   - onLine: Hears each line of both outputs, from some thread.
    ///   - onExit: Hears how it ended, once.
    package init(
        _ name: String, executable: URL, arguments: [String], environment: [String: String],
        onLine: @escaping @Sendable (String) -> Void, onExit: @escaping @Sendable (Exit) -> Void = { _ in }
    ) throws {
        let (id, output) = try Spawn.start(executable.path, arguments: arguments, environment: environment)
        // Two threads of its own for each of the three children: one reads what it says until nobody can say more …
        Thread.detachNewThread {
            let handle = FileHandle(fileDescriptor: output, closeOnDealloc: true)
            var lines = LineSplitter()
            while true {
                let data = handle.availableData
                for line in data.isEmpty ? lines.finish() : lines.take(data) { onLine(line) }
                if data.isEmpty { break }
            }
        }
        let state = NIOLockedValueBox(State())
        self.name = name
        self.id = id
        self.state = state
        // … and one waits for its end.
        Thread.detachNewThread {
            Spawn.waitForEnd(of: id)
            // Reaped under the lock: as long as `exit` is nil the id is the child's, and may be signalled.
            let (exit, waiters) = state.withLockedValue { state in
                let exit = Spawn.reap(id)
                state.exit = exit
                defer { state.waiters = [] }
                return (exit, state.waiters)
            }
            for waiter in waiters { waiter.resume(returning: exit) }
            onExit(exit)
        }
    }

    /// How it ended; nil while it runs.
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

    /// Asks it to end with SIGTERM, and ends it with SIGKILL when it has not after `grace`.
    @discardableResult
    package func stop(within grace: Duration) async -> Exit {
        self.signal(SIGTERM)
        return await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // Cancelled as soon as it has ended, which is the usual way.
                if (try? await Task.sleep(for: grace)) != nil { self.signal(SIGKILL) }
            }
            let exit = await self.waitForExit()
            group.cancelAll()
            return exit
        }
    }
}
