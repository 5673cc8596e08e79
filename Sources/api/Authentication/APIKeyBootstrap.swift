import Cryptography
import Domain
import Foundation
import Glibc
import Logging
import Settings
import Store

/// The first API key of a deployment, which a file has: of an operator, or made here where the deployment has none.
struct APIKeyBootstrap: Sendable {
    static let roles: Set = ["admin", "member"]
    private static let fileBytesMax = 4096

    let path: String
    let project: ProjectID

    /// - Throws: ``SettingError/unusable(_:value:reason:)`` for a file that cannot be read or written, or has no key; `StoreError`.
    func run(_ keys: APIKeyStore, at now: Timestamp, logger: Logger) async throws {
        if access(self.path, F_OK) == 0 {
            try await self.register(try self.read(), keys, at: now, logger)
            return
        }
        guard try await keys.list(of: nil, after: nil, limit: 1, at: now).keys.isEmpty else { return }
        // In the file first: a key that no file has could never be used. Another process may be faster: its key counts.
        try self.write(
            APIKeyToken(
                APIKeyID(random: SecureRandom.bytes(8)), random: SecureRandom.bytes(APIKeyToken.secretBytes)))
        try await self.register(try self.read(), keys, at: now, logger)
    }

    private func register(
        _ token: APIKeyToken, _ keys: APIKeyStore, at now: Timestamp, _ logger: Logger
    ) async throws {
        let key = APIKey(
            id: token.id, project: self.project, roles: Self.roles, scope: APIKeyScope(), label: "bootstrap",
            created: now, expires: nil)
        switch try await keys.create(key, secret: SHA256.digest(Array(token.secret.utf8))) {
        case .created:
            logger.notice(
                "The API key of a file is the deployment's",
                metadata: ["file": "\(self.path)", "key": "\(token.id)", "project": "\(self.project)"])
        case .exists:
            guard try await keys.find(token.id, at: now) == nil else { break }
            logger.warning(
                "The API key of a file was revoked, and opens nothing",
                metadata: ["file": "\(self.path)", "key": "\(token.id)"])
        case .full: throw self.unusable("names a key of a project that has \(APIKey.countMax) keys already")
        }
    }

    private func read() throws -> APIKeyToken {
        guard let file = FileHandle(forReadingAtPath: self.path) else { throw self.unusable("cannot be read") }
        defer { try? file.close() }
        let data = (try? file.read(upToCount: Self.fileBytesMax)) ?? Data()
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard let token = APIKeyToken(text) else { throw self.unusable("has no API key of the form hk_<id>_<secret>") }
        return token
    }

    /// Writes the file whole or not at all, unless there is one.
    private func write(_ token: APIKeyToken) throws {
        let part = "\(self.path).\(getpid())"
        let descriptor = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw self.unusable("cannot be written: \(String(cString: strerror(errno)))") }
        defer { unlink(part) }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try file.write(contentsOf: Data("\(token.text)\n".utf8))
            try file.synchronize()
        } catch {
            throw self.unusable("cannot be written: \(error.localizedDescription)")
        }
        guard link(part, self.path) == 0 || errno == EEXIST else {
            throw self.unusable("cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    private func unusable(_ reason: String) -> SettingError {
        .unusable(Setting.apiKeysBootstrapFile, value: self.path, reason: reason)
    }
}
