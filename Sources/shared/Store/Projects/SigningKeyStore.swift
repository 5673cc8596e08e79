package import Domain
import Redis

/// How often the signing keys of projects were rotated, in the control store; the keys themselves are derived.
///
/// ```
/// number of the key | blank | end of the one before, ms, or -1
/// ```
package struct SigningKeyStore: Sendable {
    let runner: ScriptRunner

    /// ``SecretVersions/first`` of a project that never rotated its key.
    package func versions(of project: ProjectID) async throws(StoreError) -> SecretVersions {
        var command = RedisCommand("GET", arguments: 1)
        command.append(KeySpace.signingKey(of: project))
        guard let text = try await self.runner.send(command).text else { return .first }
        let numbers = text.split(separator: " ").map { Int64($0) }
        guard numbers.count == 2, let version = numbers[0], let until = numbers[1], Self.numbers.contains(version),
            (-1..<ReplyReader.end).contains(until)
        else { throw Self.unreadable }
        return Self.read(version, until)
    }

    /// Gives a project its next key.
    ///
    /// - Parameter overlap: Seconds the one before goes on counting; 0: it ends at once. One before that ends in any case.
    package func rotate(_ project: ProjectID, overlap: Int) async throws(StoreError) -> SecretVersions {
        var call = self.runner.call(Scripts.signingKeyRotate, keys: [KeySpace.signingKey(of: project)])
        call.append(overlap * 1000)
        var reply = try ReplyReader(try await self.runner.write(call), of: Scripts.signingKeyRotate)
        guard !reply.isAtEnd else { throw Self.unreadable }
        let version = try reply.int()
        guard Self.numbers.contains(Int64(version)) else { throw Self.unreadable }
        return Self.read(Int64(version), try reply.timestamp().milliseconds)
    }

    /// The second is the first that was rotated to.
    private static let numbers = Int64(2)...ReplyReader.end
    private static let unreadable = StoreError.corrupt("the version of a project's signing key")

    private static func read(_ version: Int64, _ until: Int64) -> SecretVersions {
        SecretVersions(
            current: Int(version), previousUntil: until < 0 ? nil : Timestamp(milliseconds: until))
    }
}

extension Store {
    /// The signing keys of projects, where this is the control store.
    package var signingKeys: SigningKeyStore { SigningKeyStore(runner: self.runner) }
}
