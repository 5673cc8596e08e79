import Cryptography
package import Domain
package import Logging
package import Redis
import Signing

/// Why a Redis cannot be the store of this deployment.
///
/// Each says what to do about it.
package enum StoreOpeningError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Redis did not answer; opening again later may work.
    case unavailable(StoreError)
    case versionTooOld(String)
    case evicts(policy: String)
    case isCluster
    /// What it acknowledges is not on its disk, or it does not say so.
    case notOnDisk
    case shardsDiffer(asked: Int, kept: Int)
    /// What the store keeps is of a format that this Herald does not understand.
    case formatUnknown(kept: Int, understood: ClosedRange<Int>)
    /// One of the values kept at the first start is not what a Herald writes.
    case corrupt(key: String)

    package var description: String {
        switch self {
        case .unavailable(let error): "Redis cannot be used now: \(error)"
        case .versionTooOld(let version): "Redis \(version) is too old: Herald needs 6.2 or later"
        case .evicts(let policy):
            "Redis may evict messages (maxmemory-policy \(policy)): run CONFIG SET maxmemory-policy noeviction, "
                + "and keep it in its configuration file"
        case .isCluster:
            "this Redis is a node of a cluster: give Herald the cluster, as redis+cluster://host[:port][,host…]"
        case .notOnDisk:
            "Redis does not say that what it acknowledges is on its disk: it takes appendonly yes, no-appendfsync-on-rewrite no, "
                + "and appendfsync always or, from Redis 7.2 on, everysec; and a user who may run CONFIG GET, or WAITAOF"
        case .shardsDiffer(let asked, let kept):
            "this Redis was first used with \(kept) shards and cannot be used with \(asked): set shards to \(kept)"
        case .formatUnknown(let kept, let understood):
            "the data in this Redis has format \(kept), and this Herald understands "
                + (understood.count == 1
                    ? "format \(understood.lowerBound)"
                    : "formats \(understood.lowerBound) to \(understood.upperBound)")
                + ": start a version of Herald that understands format \(kept)"
        case .corrupt(let key): "the key \(key) in this Redis was not written by Herald"
        }
    }
}

extension Store {
    /// Opens the store in a Redis.
    ///
    /// The first call ever keeps the identity of the store, the number of shards, a key for ids and the format there. What is opened
    /// ends with the store: once the Redis was emptied, or another one is found at its address, every call fails with
    /// ``StoreTrouble/storeChanged`` and nothing is sent (``isCurrent``).
    ///
    /// - Parameters:
    ///   - shards: Within ``Shards/countRange``.
    ///   - clock: Tests move it.
    ///   - durability: How far what is written has to get; for replicas the client says how many.
    ///   - limits: How much is kept of deliveries that wait or ended.
    ///   - formats: Those that are understood.
    ///   - newFormat: That of a store that is made here; nil: the newest that is understood.
    ///   - newIDKey: The key behind its ids; nil: a random one.
    package static func open(
        on client: RedisClient, shards: Int, clock: StoreClock = .redis, durability: Durability = .memory,
        limits: DeliveryLimits = DeliveryLimits(),
        formats: ClosedRange<Int> = StoreFormat.understood, newFormat: Int? = nil,
        newIDKey: [UInt8]? = nil, logger: Logger
    ) async throws(StoreOpeningError) -> Store {
        var runner = ScriptRunner(client: client, clock: clock)
        for facts in try await Self.ask({ () async throws(StoreError) in try await runner.facts() }) {
            try facts.check(inCluster: client.isCluster, logger)
            if facts.lacksFile {
                logger.warning(
                    "Redis has no append-only file: when it ends, messages that were answered 201 are lost. Set appendonly yes, and keep it in its configuration file"
                )
            }
        }
        runner.durability = try await StoreDurability.find(durability, on: runner)
        var call = runner.call(
            Scripts.storeOpen, keys: [KeySpace.identity, KeySpace.shardCount, KeySpace.idKey, KeySpace.format])
        call.append(Self.newIdentity())
        call.append(shards)
        call.append(newIDKey ?? SecureRandom.bytes(MessageTagger.keyBytes))
        call.append(newFormat ?? formats.upperBound)
        let kept = try await Self.ask { [call, runner] () async throws(StoreError) in try await runner.run(call) }
        guard let kept = kept.array, kept.count == 4 else { throw .corrupt(key: KeySpace.identity.text) }
        guard let identity = kept[0].bytes else { throw .corrupt(key: KeySpace.identity.text) }
        let format = kept[3].text.flatMap { Int($0) }
        if let format, !formats.contains(format) { throw .formatUnknown(kept: format, understood: formats) }
        guard let count = kept[1].text.flatMap({ Int($0) }) else { throw .corrupt(key: KeySpace.shardCount.text) }
        guard count == shards else { throw .shardsDiffer(asked: shards, kept: count) }
        guard let idKey = kept[2].bytes, idKey.count == MessageTagger.keyBytes else {
            throw .corrupt(key: KeySpace.idKey.text)
        }
        guard let format else { throw .corrupt(key: KeySpace.format.text) }
        runner.epoch = client.adopt(
            RedisIdentity(
                key: KeySpace.identity, value: identity, syncsAlways: durability == .disk && runner.durability.isOnDisk)
        )
        return Store(
            runner: runner, keySpace: KeySpace(Shards(count: shards)), identity: identity, idKey: idKey,
            directory: QueueDirectory(runner: runner, pools: [nil], version: nil), limits: limits,
            format: format, formats: formats)
    }

    /// Whether a process has opened a store in this Redis before; it writes nothing.
    package static func isKept(on client: RedisClient) async throws(StoreOpeningError) -> Bool {
        let runner = ScriptRunner(client: client, clock: .redis)
        var command = RedisCommand("EXISTS", arguments: 1)
        command.append(KeySpace.shardCount)
        return try await Self.ask { [command] () async throws(StoreError) in
            try await runner.send(command)
        }.int == 1
    }

    /// 32 hexadecimal digits, random.
    private static func newIdentity() -> String {
        SecureRandom.bytes(16).map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
    }

    fileprivate static func ask<Answer>(
        _ body: () async throws(StoreError) -> Answer
    ) async throws(StoreOpeningError) -> Answer {
        do { return try await body() } catch { throw .unavailable(error) }
    }
}

extension StoreDurability {
    /// How far the Redis of a deployment gets what is written to it.
    ///
    /// - Throws: ``StoreOpeningError/notOnDisk`` where it does not get as far as usual.
    fileprivate static func find(
        _ usual: Durability, on runner: ScriptRunner
    ) async throws(StoreOpeningError) -> StoreDurability {
        let reach = runner.client.reach
        switch usual {
        case .memory: return StoreDurability(usual: usual, isOnDisk: false, reach: nil)
        case .replicated: return StoreDurability(usual: usual, isOnDisk: false, reach: reach)
        case .disk:
            if let reach, try await runner.answers(reach) {
                guard try await runner.syncsByItself() else { throw .notOnDisk }
                return StoreDurability(usual: usual, isOnDisk: false, reach: reach)
            }
            guard try await runner.syncsAlways() else { throw .notOnDisk }
            return StoreDurability(usual: usual, isOnDisk: true, reach: nil)
        }
    }
}

/// How a Redis is doing, in a cluster all of its masters together.
package struct ServerFigures: Sendable, Equatable {
    /// Bytes its data takes; nil: it does not tell.
    package let memory: Int?
    /// What it acknowledges is in its append-only file.
    package let isAppendOnly: Bool
}

extension Store {
    /// Asks Redis how it is doing.
    package func figures() async throws(StoreError) -> ServerFigures {
        let facts = try await self.runner.facts()
        let memory = facts.compactMap(\.memory)
        return ServerFigures(
            memory: memory.count == facts.count ? memory.reduce(0, +) : nil,
            isAppendOnly: facts.allSatisfy(\.isAppendOnly))
    }
}

extension ScriptRunner {
    /// What each server says about itself; one or more.
    fileprivate func facts() async throws(StoreError) -> [ServerFacts] {
        try await self.sendToServers(RedisCommand("INFO")).map { ServerFacts($0) }
    }

    /// Whether every server knows how to wait for what was written to get that far, and can.
    fileprivate func answers(_ reach: WriteReach) async throws(StoreOpeningError) -> Bool {
        try await self.answers(reach.question) { _ in true }
    }

    /// Whether no server says that it leaves its file to the system: then a wait would not end.
    fileprivate func syncsByItself() async throws(StoreOpeningError) -> Bool {
        for setting in SyncedWrites.allCases {
            let answers = try await self.ask(setting.question)
            guard answers?.contains(where: setting.isLeftToSystem) != true else { return false }
        }
        return true
    }

    /// Whether every server writes to its disk before it acknowledges; false also when one does not say.
    fileprivate func syncsAlways() async throws(StoreOpeningError) -> Bool {
        for setting in SyncedWrites.allCases {
            guard try await self.answers(setting.question, setting.isSet) else { return false }
        }
        return true
    }

    /// Whether every server answers, and like that.
    private func answers(
        _ question: RedisCommand, _ isExpected: (RedisValue) -> Bool
    ) async throws(StoreOpeningError) -> Bool {
        try await self.ask(question)?.allSatisfy(isExpected) == true
    }

    /// nil: a server does not know the question, or its user may not ask.
    ///
    /// - Throws: ``StoreOpeningError/unavailable(_:)`` where it would answer another time.
    private func ask(_ question: RedisCommand) async throws(StoreOpeningError) -> [RedisValue]? {
        do throws(StoreError) {
            return try await self.sendToServers(question)
        } catch {
            switch error {
            case .unavailable(.refused(let refusal)) where refusal.kind == .other: return nil
            // A master that has just become a replica says so, and so does every command after this one.
            case .corrupt(let words) where !words.contains("replica"): return nil
            default: throw .unavailable(error)
            }
        }
    }
}

/// What Redis says about itself in `INFO`, which managed services allow where they forbid `CONFIG`.
private struct ServerFacts: Sendable {
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
    /// It has no append-only file; snapshots lose what came after the last.
    var lacksFile: Bool { self.facts["aof_enabled"] == "0" }

    /// - Parameter isCluster: Whether it was given as one.
    func check(inCluster isCluster: Bool, _ logger: Logger) throws(StoreOpeningError) {
        if !isCluster, self.facts["redis_mode"] == "cluster" || self.facts["cluster_enabled"] == "1" {
            throw .isCluster
        }
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
