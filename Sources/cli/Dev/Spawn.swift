import Foundation

/// Starts and reaps processes by the book of POSIX.
///
/// Foundation's `Process` hands our signal dispositions on, and while we listen for SIGTERM those say "ignore": a child that
/// does not set its own could not be asked to end.
enum Spawn {
    /// Starts a process in a group of its own, with every signal at its default and none blocked.
    ///
    /// - Returns: Its id, and the descriptor both of its outputs can be read from.
    static func start(
        _ path: String, arguments: [String], environment: [String: String]
    ) throws -> (id: pid_t, output: Int32) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Failure("no pipe: \(String(cString: strerror(errno)))") }
        // Or the next child would hold this one's output open.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let (reading, writing) = (ends[0], ends[1])
        defer { close(writing) }

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, writing, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, writing, STDERR_FILENO)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP
        posix_spawnattr_setflags(&attributes, Int16(flags))

        var id: pid_t = 0
        let result = Self.withCStrings([path] + arguments) { arguments in
            Self.withCStrings(environment.map { "\($0.key)=\($0.value)" }) { environment in
                posix_spawn(&id, path, &actions, &attributes, arguments, environment)
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

    /// Gives the texts as C wants them: an array of pointers with a null at its end.
    private static func withCStrings<Result>(
        _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }
}
