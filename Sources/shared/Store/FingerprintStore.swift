import Domain
import Redis

/// What a store keeps of the settings that must be the same in every process of a deployment.
///
/// A fingerprint is a short text that is equal where the setting is: of a secret it tells nothing. The first process that has
/// one writes it, and from then on a process with another is not to serve.
package struct FingerprintStore: Sendable {
    let runner: ScriptRunner

    /// The fingerprints of the store that differ from those of a process, by the name of the setting.
    ///
    /// - Parameter writesMissing: Whether one that is not there yet is written, and so becomes the deployment's.
    package func differences(
        from own: [String: String], writesMissing: Bool = true
    ) async throws(StoreError) -> [String: String] {
        var kept = try await self.kept(own)
        let missing = own.filter { kept[$0.key] == nil }
        if writesMissing, !missing.isEmpty {
            _ = try await self.runner.sendAll(
                missing.map { name, text in
                    var command = RedisCommand("HSETNX", arguments: 3)
                    command.append(KeySpace.fingerprints)
                    command.append(name)
                    command.append(text)
                    return command
                })
            // Of many that start at once one wins, and the others compare themselves with it.
            kept = try await self.kept(own)
        }
        return kept.filter { own[$0.key] != $0.value }
    }

    /// Writes the fingerprints of a process over those of the store.
    package func accept(_ own: [String: String]) async throws(StoreError) {
        var command = RedisCommand("HSET", arguments: 1 + 2 * own.count)
        command.append(KeySpace.fingerprints)
        for (name, text) in own {
            command.append(name)
            command.append(text)
        }
        _ = try await self.runner.send(command)
    }

    private func kept(_ own: [String: String]) async throws(StoreError) -> [String: String] {
        let names = own.keys.sorted()
        var command = RedisCommand("HMGET", arguments: 1 + names.count)
        command.append(KeySpace.fingerprints)
        for name in names { command.append(name) }
        let reply = try await self.runner.send(command)
        guard let values = reply.array, values.count == names.count else {
            throw .corrupt("\(KeySpace.fingerprints.text) is no hash of fingerprints")
        }
        var kept: [String: String] = [:]
        for (name, value) in zip(names, values) { kept[name] = value.text }
        return kept
    }
}

extension Store {
    package var fingerprints: FingerprintStore { FingerprintStore(runner: self.runner) }
}
