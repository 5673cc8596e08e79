package import Foundation
import Signing

/// The folder a development house lives in: its keys, its Redis, and who runs it.
///
/// | file | holds | kept |
/// |---|---|---|
/// | `master.key` | the key of all signing secrets, mode 0600 | yes |
/// | `signed-url.key` | the key of pre-signed URLs, mode 0600 | yes |
/// | `redis/` | the append-only file | yes |
/// | `redis.log` | what Redis said | yes |
/// | `lock` | locked while a house runs here | yes |
/// | `dev.json` | ``DevRecord`` of the running house | while it runs |
package struct DevFolder: Sendable {
    package let url: URL

    package var masterKey: URL { self.url.appendingPathComponent("master.key") }
    package var signedURLKey: URL { self.url.appendingPathComponent("signed-url.key") }
    package var redis: URL { self.url.appendingPathComponent("redis") }
    package var redisLog: URL { self.url.appendingPathComponent("redis.log") }
    package var record: URL { self.url.appendingPathComponent("dev.json") }
    private var lock: URL { self.url.appendingPathComponent("lock") }

    package init(_ url: URL) { self.url = url.standardizedFileURL }

    /// `$XDG_STATE_HOME/herald/dev`, or `~/.local/state/herald/dev` (XDG Base Directory Specification).
    package static func usual(environment: [String: String]) -> DevFolder {
        let state: URL
        if let given = environment["XDG_STATE_HOME"], given.hasPrefix("/") {
            state = URL(fileURLWithPath: given)
        } else {
            state = FileManager.default.homeDirectoryForCurrentUser.appendingPathComponent(".local/state")
        }
        return DevFolder(state.appendingPathComponent("herald/dev"))
    }

    /// Makes the folder and what is missing in it, and holds it until the lock is released.
    ///
    /// - Throws: ``Failure`` when another house runs here, or the folder cannot be written.
    package func open() throws -> DevLock {
        do {
            try FileManager.default.createDirectory(at: self.redis, withIntermediateDirectories: true)
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: self.url.path)
        } catch {
            throw Failure("\(self.url.path) cannot be made: choose another folder with --directory")
        }
        let lock = try DevLock(path: self.lock.path)
        try Self.keep(MasterKey.generate(), at: self.masterKey)
        try Self.keep(MasterKey.generate(), at: self.signedURLKey)
        return lock
    }

    /// Writes a secret that only its owner may read, unless there is one already.
    private static func keep(_ secret: String, at file: URL) throws {
        let descriptor = Foundation.open(file.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            guard errno == EEXIST else { throw Failure("\(file.path): \(String(cString: strerror(errno)))") }
            return
        }
        try FileHandle(fileDescriptor: descriptor, closeOnDealloc: true).write(contentsOf: Data((secret + "\n").utf8))
    }
}

/// Says that a house runs in a folder; the kernel releases it however the process ends.
package final class DevLock: Sendable {
    private let descriptor: Int32

    init(path: String) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure("\(path): \(String(cString: strerror(errno)))") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
            throw Failure("a house already runs in \(folder): stop it, or choose another folder with --directory")
        }
        self.descriptor = descriptor
    }

    deinit { close(self.descriptor) }
}
