import Dispatch
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
    /// our own order. When this process ends without that, by SIGKILL too, the kernel sends it SIGTERM.
    ///
    /// - Parameters:
    ///   - kept: A descriptor it holds open for its life, so that a lock on it lasts as long.
    ///   - onLine: Hears each line of both outputs, from some thread.
    ///   - onExit: Hears how it ended, once.
    package init(
        _ name: String, executable: URL, arguments: [String], environment: [String: String], keeping kept: Int32? = nil,
        onLine: @escaping @Sendable (String) -> Void, onExit: @escaping @Sendable (Exit) -> Void = { _ in }
    ) throws {
        let state = NIOLockedValueBox(State())
        let start = NIOLockedValueBox<Result<(id: pid_t, output: Int32), Failure>?>(nil)
        let isStarted = DispatchSemaphore(value: 0)
        // Two threads of its own for each of the three children. This one starts it and waits for its end: the kernel takes
        // the end of the thread that started a child for the end of its parent.
        Thread.detachNewThread {
            let id: pid_t
            do throws(Failure) {
                let started = try Spawn.start(
                    executable.path, arguments: arguments, environment: environment, keeping: kept)
                id = started.id
                start.withLockedValue { $0 = .success(started) }
            } catch {
                start.withLockedValue { $0 = .failure(error) }
                return _ = isStarted.signal()
            }
            isStarted.signal()
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
        isStarted.wait()
        guard let result = start.withLockedValue({ $0 }) else { throw Failure("\(executable.path) cannot be started") }
        let started = try result.get()
        self.name = name
        self.id = started.id
        self.state = state
        // The other thread reads what it says, until it and its own children can say no more.
        Thread.detachNewThread { Self.read(started.output, onLine: onLine) }
    }

    private static func read(_ output: Int32, onLine: (String) -> Void) {
        defer { close(output) }
        var lines = LineSplitter()
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = Foundation.read(output, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            for line in lines.take(Data(chunk[..<count])) { onLine(line) }
        }
        for line in lines.finish() { onLine(line) }
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
