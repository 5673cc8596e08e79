import Foundation

/// The lock of a folder: held by `herald dev` and by every process it started, until the last of them has ended.
///
/// So a Redis that outlives its `herald dev` keeps the next one from starting a second Redis on the same files. The kernel
/// releases the lock however its holders end.
package final class DevLock: Sendable {
    /// For the children, which hold it with us.
    package let descriptor: Int32
    private let path: String

    /// - Returns: Nil when another process holds it.
    /// - Throws: ``Failure`` when the file cannot be opened or locked at all.
    init?(path: String) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Failure("\(path): \(String(cString: strerror(errno)))") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            close(descriptor)
            guard reason == EWOULDBLOCK else {
                throw Failure("\(path) cannot be locked: \(String(cString: strerror(reason)))")
            }
            return nil
        }
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(self.descriptor) }

    /// Writes our id into the file, for ``holderLives(path:)``.
    func sign() throws {
        let id = Array("\(getpid())\n".utf8)
        guard ftruncate(self.descriptor, 0) == 0, pwrite(self.descriptor, id, id.count, 0) == id.count else {
            throw Failure("\(self.path) cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    /// Whether the process that took the lock lives; false when only its children still hold it.
    static func holderLives(path: String) -> Bool {
        // Without an id another process has just taken it: the next attempt finds its id.
        guard let data = FileManager.default.contents(atPath: path),
            let id = pid_t(String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)),
            id > 0
        else { return false }
        return Spawn.isAlive(id)
    }
}
