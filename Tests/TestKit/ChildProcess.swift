package import Foundation
import NIOConcurrencyHelpers

/// A process that a test started, and ends by its id.
///
/// It does not outlive the test process.
///
/// Not Foundation's `Process`: its children inherit the signals that Swift's threads block, SIGTERM among them, so they
/// could be killed but never asked to end.
package final class ChildProcess: Sendable {
    /// How a process ended.
    package enum Exit: Sendable, Equatable {
        case status(Int32)
        case signal(Int32)
    }

    package struct NotStarted: Error, CustomStringConvertible {
        package let description: String
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
        let orphans = Orphans.shared  // Before the first child of ours, which must not inherit its pipe.
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        let environment = environment.merging(["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin"]) {
            given, _ in given
        }
        let id = try spawn(executable.path, arguments, environment: environment, actions: &actions)
        let state = NIOLockedValueBox(State())
        self.id = id
        self.state = state
        orphans.watch(id)
        Thread.detachNewThread { Self.reap(id, into: state) }
    }

    /// Waits on a thread of its own until the process has ended, and tells who waits.
    private static func reap(_ id: pid_t, into state: NIOLockedValueBox<State>) {
        // First only looks: the id stays taken until it is reaped under the lock that signals are sent under.
        var info = siginfo_t()
        while waitid(P_PID, id_t(id), &info, WEXITED | WNOWAIT) == -1, errno == EINTR {}
        let (exit, waiters) = state.withLockedValue { state in
            var status: Int32 = 0
            waitpid(id, &status, 0)
            let signal = status & 0x7F
            let exit = signal == 0 ? Exit.status((status >> 8) & 0xFF) : .signal(signal)
            state.exit = exit
            defer { state.waiters = [] }
            return (exit, state.waiters)
        }
        Orphans.shared.forget(id)
        for waiter in waiters { waiter.resume(returning: exit) }
    }

    /// How the process ended; nil while it runs.
    package var exit: Exit? { self.state.withLockedValue { $0.exit } }

    /// Sends a signal, unless the process has ended and its id may belong to another.
    package func signal(_ number: Int32) {
        self.state.withLockedValue { state in
            if state.exit == nil { kill(self.id, number) }
        }
    }

    /// Sets the soft limit of its open files, also below those that are open; nil when that was refused.
    ///
    /// - Returns: The limit before.
    package func limitOpenFiles(to count: rlim_t) -> rlim_t? {
        var old = rlimit()
        let resource = Int32(RLIMIT_NOFILE.rawValue)
        guard let setLimit, setLimit(self.id, resource, nil, &old) == 0 else { return nil }
        var new = rlimit(rlim_cur: count, rlim_max: old.rlim_max)
        return setLimit(self.id, resource, &new, nil) == 0 ? old.rlim_cur : nil
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

    /// Waits until the process has ended, and ends it with SIGKILL when it has not within `limit`.
    @discardableResult
    package func waitForExit(within limit: Duration) async -> Exit {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // Cancelled as soon as the process has ended, which is the usual way.
                if (try? await Task.sleep(for: limit)) != nil { self.signal(SIGKILL) }
            }
            let exit = await self.waitForExit()
            group.cancelAll()
            return exit
        }
    }

    /// Asks the process to end with SIGTERM, and ends it with SIGKILL when it has not after `grace`.
    @discardableResult
    package func stop(within grace: Duration = .seconds(10)) async -> Exit {
        self.signal(SIGTERM)
        return await self.waitForExit(within: grace)
    }
}

/// Starts a program with no signal blocked or ignored, whatever the calling thread does with its own, and with no file
/// of ours but the first three: NIO's sockets are inherited otherwise, and a port stays taken as long as any child lives.
func spawn(
    _ executable: String, _ arguments: [String], environment: [String: String],
    actions: inout posix_spawn_file_actions_t
) throws(ChildProcess.NotStarted) -> pid_t {
    _ = closeFrom?(&actions, STDERR_FILENO + 1)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    var argumentPointers = ([executable] + arguments).map { strdup($0) } + [nil]
    var environmentPointers = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { (argumentPointers + environmentPointers).forEach { free($0) } }
    var id: pid_t = 0
    let failure = posix_spawn(&id, executable, &actions, &attributes, &argumentPointers, &environmentPointers)
    guard failure == 0 else {
        throw ChildProcess.NotStarted(description: "\(executable): \(String(cString: strerror(failure)))")
    }
    return id
}

/// `posix_spawn_file_actions_addclosefrom_np` of glibc 2.34, which its Swift module leaves out.
private let closeFrom: (@convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32)? =
    dlsym(nil, "posix_spawn_file_actions_addclosefrom_np").map {
        unsafeBitCast($0, to: (@convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32).self)
    }

/// `prlimit` of Linux, which the Swift module of glibc leaves out.
private let setLimit: (@convention(c) (pid_t, Int32, UnsafePointer<rlimit>?, UnsafeMutablePointer<rlimit>?) -> Int32)? =
    dlsym(nil, "prlimit").map {
        unsafeBitCast(
            $0, to: (@convention(c) (pid_t, Int32, UnsafePointer<rlimit>?, UnsafeMutablePointer<rlimit>?) -> Int32).self
        )
    }
