import CSpawn
import Foundation

/// Starts and reaps processes by the book of POSIX.
///
/// Foundation's `Process` hands our signal dispositions on, and while we listen for SIGTERM those say "ignore": a child that
/// does not set its own could not be asked to end.
enum Spawn {
    /// Starts a process in a group of its own, with every signal at its default, none blocked, and no descriptor of ours but
    /// `kept`.
    ///
    /// It is sent SIGTERM when the calling thread ends, and so when this process does, by whatever: the thread has to wait
    /// for the child.
    ///
    /// - Parameter kept: A descriptor that stays open, as number 3, for as long as the process runs.
    /// - Returns: Its id, and the descriptor both of its outputs can be read from.
    static func start(
        _ path: String, arguments: [String], environment: [String: String], keeping kept: Int32?
    ) throws(Failure) -> (id: pid_t, output: Int32) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Failure("no pipe: \(String(cString: strerror(errno)))") }
        // Or the next child would hold this one's output open.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let (reading, writing) = (ends[0], ends[1])
        defer { close(writing) }
        var id: pid_t = 0
        let result = Self.withCStrings([path] + arguments) { arguments in
            Self.withCStrings(environment.map { "\($0.key)=\($0.value)" }) { environment in
                cspawn_start(path, arguments, environment, writing, kept ?? -1, &id)
            }
        }
        guard result == 0 else {
            close(reading)
            throw Failure("\(path) cannot be started: \(String(cString: strerror(result)))")
        }
        return (id, reading)
    }

    /// Waits until a child has ended, and leaves its status to be read: its id stays its own.
    static func waitForEnd(of id: pid_t) {
        var information = siginfo_t()
        while waitid(P_PID, id_t(id), &information, WEXITED | WNOWAIT) == -1 && errno == EINTR {}
    }

    /// Reads the status of a child that has ended.
    static func reap(_ id: pid_t) -> Child.Exit {
        var status: Int32 = 0
        while waitpid(id, &status, 0) == -1 && errno == EINTR {}
        // The macros of <sys/wait.h>: the low seven bits are the signal, the next byte the status.
        let signal = status & 0x7f
        return signal == 0 ? .status((status >> 8) & 0xff) : .signal(signal)
    }

    /// Whether a process runs; false for one that has ended and was not reaped yet.
    static func isAlive(_ id: pid_t) -> Bool {
        guard kill(id, 0) == 0 || errno == EPERM else { return false }
        return FileManager.default.contents(atPath: "/proc/\(id)/cmdline")?.isEmpty != true
    }

    /// Gives the texts as C wants them: an array of pointers with a null at its end.
    private static func withCStrings<Result>(
        _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }
}
