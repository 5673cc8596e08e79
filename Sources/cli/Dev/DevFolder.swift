package import Foundation
import Signing

/// The folder a development deployment lives in: its keys, its Redis, and who runs it.
///
/// | file | holds | kept |
/// |---|---|---|
/// | `master.key` | the key of all signing secrets, mode 0600 | yes |
/// | `signed-url.key` | the key of pre-signed URLs, mode 0600 | yes |
/// | `redis/` | the append-only file | yes |
/// | `redis.log` | what Redis said | yes |
/// | `lock` | locked while `herald dev` or a process it started runs; the id of the former | yes |
/// | `dev.json` | ``DevRecord`` of the running deployment | while it runs |
package struct DevFolder: Sendable {
    package let url: URL

    package var masterKey: URL { self.url.appendingPathComponent("master.key") }
    package var signedURLKey: URL { self.url.appendingPathComponent("signed-url.key") }
    package var redis: URL { self.url.appendingPathComponent("redis") }
    package var redisLog: URL { self.url.appendingPathComponent("redis.log") }
    package var record: URL { self.url.appendingPathComponent("dev.json") }
    /// How long children of a killed process may take to end: their own drain, and what Redis needs.
    private static let leftOverLimit = Duration.seconds(20)

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

    /// Makes the folder and what is missing in it, and locks it until the lock is released.
    ///
    /// What an earlier `herald dev` here left behind when it was killed is ended first.
    ///
    /// - Throws: ``Failure`` when another one runs here, or the folder cannot be written.
    package func open() async throws -> DevLock {
        do {
            try FileManager.default.createDirectory(at: self.redis, withIntermediateDirectories: true)
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: self.url.path)
        } catch {
            throw Failure("\(self.url.path) cannot be made: choose another folder with --directory")
        }
        let lock = try await self.locked()
        try Self.keep(MasterKey.generate(), at: self.masterKey)
        try Self.keep(MasterKey.generate(), at: self.signedURLKey)
        return lock
    }

    /// Locks the folder; a lock that only the children of a killed process hold is waited for.
    private func locked() async throws -> DevLock {
        let deadline = ContinuousClock.now + Self.leftOverLimit
        while true {
            if let lock = try DevLock(path: self.lock.path) {
                await DevRecord.endLeftOvers(in: self)
                try lock.sign()
                return lock
            }
            guard !DevLock.holderLives(path: self.lock.path), ContinuousClock.now < deadline else {
                throw Failure(
                    "another herald dev runs in \(self.url.path): stop it, or choose another folder with --directory")
            }
            await DevRecord.endLeftOvers(in: self)
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Writes a secret that only its owner may read, unless there is one already.
    ///
    /// The file appears whole or not at all: a full disk leaves no half of a key for the next start.
    private static func keep(_ secret: String, at file: URL) throws {
        guard !FileManager.default.fileExists(atPath: file.path) else { return }
        let part = file.path + ".part"
        let descriptor = Foundation.open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure("\(part): \(String(cString: strerror(errno)))") }
        let line = Array("\(secret)\n".utf8)
        let isWritten = write(descriptor, line, line.count) == line.count && fsync(descriptor) == 0
        let reason = errno
        close(descriptor)
        guard isWritten, rename(part, file.path) == 0 else {
            let words = String(cString: strerror(isWritten ? errno : reason))
            unlink(part)
            throw Failure("\(file.path) cannot be written: \(words)")
        }
    }
}
