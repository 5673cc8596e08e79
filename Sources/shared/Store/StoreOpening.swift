import Domain
package import Logging
package import Redis
import Signing

/// Why a Redis cannot be this house's store.
///
/// Each says what to do about it.
package enum StoreOpeningError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The first words with Redis failed; opening again later may work.
    case unavailable(StoreError)
    case versionTooOld(String)
    case evicts(policy: String)
    case shardsDiffer(asked: Int, kept: Int)
    /// One of the two values kept at the first start is not what a Herald writes.
    case corrupt(key: String)

    package var description: String {
        switch self {
        case .unavailable(let error): "Redis cannot be used now: \(error)"
        case .versionTooOld(let version): "Redis \(version) is too old: Herald needs 6.2 or later"
        case .evicts(let policy):
            "Redis may evict messages (maxmemory-policy \(policy)): run CONFIG SET maxmemory-policy noeviction, "
                + "and keep it in its configuration file"
        case .shardsDiffer(let asked, let kept):
            "this Redis was first used with \(kept) shards and cannot be used with \(asked): set shards to \(kept)"
        case .corrupt(let key): "the key \(key) in this Redis was not written by Herald"
        }
    }
}

extension Store {
    /// Opens the store in a Redis.
    ///
    /// The first call ever keeps the number of shards and a key for ids there.
    ///
    /// - Parameters:
    ///   - shards: Within ``Shards/countRange``.
    ///   - clock: Tests move it.
    package static func open(
        on pool: RedisPool, shards: Int, clock: StoreClock = .redis, logger: Logger
    ) async throws(StoreOpeningError) -> Store {
        let runner = ScriptRunner(pool: pool, clock: clock)
        try ServerFacts(try await Self.ask(runner, RedisCommand("INFO"))).check(logger)
        let kept = try await Self.keep(Array(String(shards).utf8), in: Keys.shards, runner)
        guard let count = Int(String(decoding: kept, as: UTF8.self)) else { throw .corrupt(key: Keys.shards) }
        guard count == shards else { throw .shardsDiffer(asked: shards, kept: count) }
        let idKey = try await Self.keep(SecureRandom.bytes(MessageTagger.keyBytes), in: Keys.idKey, runner)
        guard idKey.count == MessageTagger.keyBytes else { throw .corrupt(key: Keys.idKey) }
        return Store(
            runner: runner, keyring: Keyring(Shards(count: shards)), tagger: MessageTagger(key: idKey),
            register: QueueRegister(runner: runner, homes: [nil], version: nil))
    }

    /// Writes a value unless there is one, and returns the one that is there: of many who start at once, one wins.
    private static func keep(
        _ value: [UInt8], in key: String, _ runner: ScriptRunner
    ) async throws(StoreOpeningError) -> [UInt8] {
        var set = RedisCommand("SET", arguments: 3)
        set.append(key)
        set.append(value)
        set.append("NX")
        _ = try await Self.ask(runner, set)
        var get = RedisCommand("GET", arguments: 1)
        get.append(key)
        guard let kept = try await Self.ask(runner, get).bytes else { throw .corrupt(key: key) }
        return kept
    }

    private static func ask(
        _ runner: ScriptRunner, _ command: RedisCommand
    ) async throws(StoreOpeningError) -> RedisValue {
        do { return try await runner.send(command) } catch { throw .unavailable(error) }
    }
}

/// How a Redis is doing.
package struct ServerFigures: Sendable, Equatable {
    /// Bytes its data takes; nil: it does not tell.
    package let memory: Int?
    /// What it acknowledges is in its append-only file.
    package let isAppendOnly: Bool
}

extension Store {
    /// Asks Redis how it is doing.
    package func figures() async throws(StoreError) -> ServerFigures {
        let facts = ServerFacts(try await self.runner.send(RedisCommand("INFO")))
        return ServerFigures(memory: facts.memory, isAppendOnly: facts.isAppendOnly)
    }
}

/// What Redis says about itself in `INFO`, which managed services allow where they forbid `CONFIG`.
private struct ServerFacts {
    private let facts: [Substring: Substring]

    init(_ info: RedisValue) {
        let lines = String(decoding: info.bytes ?? [], as: UTF8.self).split(whereSeparator: \.isNewline)
        self.facts = Dictionary(
            lines.compactMap { line in
                line.firstIndex(of: ":").map { (line[..<$0], line[line.index(after: $0)...]) }
            },
            uniquingKeysWith: { first, _ in first })
    }

    var memory: Int? { self.facts["used_memory"].flatMap { Int($0) } }
    var isAppendOnly: Bool { self.facts["aof_enabled"] == "1" }

    func check(_ logger: Logger) throws(StoreOpeningError) {
        let version = self.facts["redis_version"]?.split(separator: ".").prefix(2).compactMap { Int($0) } ?? []
        if version.count == 2, (version[0], version[1]) < (6, 2) {
            throw .versionTooOld(self.facts["redis_version"].map { String($0) } ?? "")
        }
        guard let policy = self.facts["maxmemory_policy"], let bytesMax = self.facts["maxmemory"], version.count == 2
        else {
            logger.warning("Redis does not tell its version or memory policy; it must be 6.2 or later and noeviction")
            return
        }
        if bytesMax != "0", policy != "noeviction" { throw .evicts(policy: String(policy)) }
    }
}
