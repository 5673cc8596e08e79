import Foundation

/// Kills what is left of our children when the test process itself dies: it crashed, or was killed.
///
/// A shell reads their ids from a pipe, which ends with us, however we end.
final class Orphans: Sendable {
    static let shared = Orphans()
    private let pipe: Int32

    private init() {
        var ends: [Int32] = [-1, -1]
        guard Foundation.pipe(&ends) == 0 else { fatalError("no pipe: \(String(cString: strerror(errno)))") }
        // A child that inherited the writing end would keep the pipe from ending.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        self.pipe = ends[1]
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO)
        let script = """
            trap '' INT TERM HUP
            ids=' '
            while read -r verb id; do
                case $verb in
                    watch) ids="$ids$id " ;;
                    forget) ids="${ids%% $id *} ${ids#* $id }" ;;
                esac
            done
            for id in $ids; do kill -9 "$id"; done 2>/dev/null
            """
        do {
            _ = try spawn("/bin/sh", ["-c", script], environment: [:], actions: &actions)
        } catch {
            fatalError("\(error)")
        }
    }

    func watch(_ id: pid_t) { self.tell("watch \(id)\n") }

    func forget(_ id: pid_t) { self.tell("forget \(id)\n") }

    private func tell(_ line: String) {
        // A line this short is written whole, whatever else writes.
        _ = line.withCString { write(self.pipe, $0, strlen($0)) }
    }
}
