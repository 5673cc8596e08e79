package import Domain
package import Redis

/// The API keys of all projects, in the control store: of a secret only its digest.
package struct APIKeyStore: Sendable {
    /// A key with what proves it.
    package struct Kept: Sendable {
        package let key: APIKey
        /// SHA-256 of the secret.
        package let secret: [UInt8]
        /// The same of the secret before the last rotation, while it counts.
        package let previous: [UInt8]?
    }

    package enum CreateOutcome: Sendable, Equatable {
        case created
        /// There is one of this id, or was until it was revoked.
        case exists
        /// The project has ``APIKey/countMax`` keys.
        case full
    }

    private let runner: ScriptRunner

    init(runner: ScriptRunner) {
        self.runner = runner
    }

    /// The keys in a Redis, for a caller that opens no store.
    package init(on client: RedisClient) {
        self.runner = ScriptRunner(client: client, clock: .redis)
    }

    /// - Parameters:
    ///   - key: Its ``APIKey/created`` counts for nothing: Redis' clock does.
    ///   - secret: SHA-256 of it.
    package func create(_ key: APIKey, secret: [UInt8]) async throws(StoreError) -> CreateOutcome {
        var call = self.runner.call(Scripts.apiKeyCreate, keys: [KeySpace.apiKey(key.id), KeySpace.apiKeyOrder])
        let prefix = Self.prefix(of: key.project)
        call.append(prefix + key.id.text)
        call.append(prefix)
        call.append(APIKey.countMax)
        let fields: [(Field, String)] = [
            (.project, key.project.text), (.roles, key.roles.sorted().joined(separator: ",")), (.label, key.label),
            (.queues, key.scope.queues.map(\.text).joined(separator: ",")),
            (.verbs, key.scope.verbs.map(\.rawValue).sorted().joined(separator: ",")),
            (.expires, String(key.expires?.milliseconds ?? 0)),
        ]
        for (field, value) in fields {
            call.append(field.rawValue)
            call.append(value)
        }
        call.append(Field.secret.rawValue)
        call.append(secret)
        switch try await self.runner.write(call).int {
        case 1: return .created
        case 0: return .exists
        case -1: return .full
        default: throw .corrupt("api_key_create.lua answered no number")
        }
    }

    /// nil when there is none, or it was revoked.
    package func find(_ id: APIKeyID, at now: Timestamp) async throws(StoreError) -> Kept? {
        try Self.kept(id, try await self.runner.send(Self.reading(id)), at: now)
    }

    private static func reading(_ id: APIKeyID) -> RedisCommand {
        var command = RedisCommand("HGETALL", arguments: 1)
        command.append(KeySpace.apiKey(id))
        return command
    }

    /// Keys in the order of their projects, and of their ids in each, behind a place.
    ///
    /// - Parameters:
    ///   - project: nil: of all.
    ///   - after: What was returned for the page before; nil: from the start.
    /// - Returns: The place of the next page; nil: this is the last one.
    package func list(
        of project: ProjectID?, after: String?, limit: Int, at now: Timestamp
    ) async throws(StoreError) -> (keys: [APIKey], next: String?) {
        let prefix = project.map(Self.prefix) ?? ""
        var range = RedisCommand("ZRANGEBYLEX", arguments: 6)
        range.append(KeySpace.apiKeyOrder)
        range.append(after.map { "(\($0)" } ?? (project == nil ? "-" : "[\(prefix)"))
        range.append(project == nil ? Array("+".utf8) : Array("(\(prefix)".utf8) + [0xFF])
        range.append("LIMIT")
        range.append(0)
        range.append(limit)
        var places: [String] = []
        var reply = try ReplyReader(try await self.runner.send(range), of: "ZRANGEBYLEX")
        while !reply.isAtEnd { places.append(try reply.text()) }
        let ids = places.compactMap { place in APIKeyID(place.suffix(APIKeyID.characters)) }
        let found = try await self.runner.sendAll(ids.map(Self.reading))
        var keys: [APIKey] = []
        for (id, reply) in zip(ids, found) {
            if let kept = try Self.kept(id, reply, at: now) { keys.append(kept.key) }
        }
        return (keys, places.count < limit ? nil : places.last)
    }

    /// - Returns: Whether there was one.
    package func revoke(_ id: APIKeyID) async throws(StoreError) -> Bool {
        var call = self.runner.call(Scripts.apiKeyRevoke, keys: [KeySpace.apiKey(id), KeySpace.apiKeyOrder])
        call.append(id.text)
        return try await self.runner.write(call).int == 1
    }

    /// Gives a key another secret; the one it has counts beside it for a while.
    ///
    /// - Returns: Whether there is one.
    package func rotate(_ id: APIKeyID, secret: [UInt8], overlap: Duration) async throws(StoreError) -> Bool {
        var call = self.runner.call(Scripts.apiKeyChange, keys: [KeySpace.apiKey(id)])
        call.append(Int64(overlap / .milliseconds(1)))
        call.append(Field.secret.rawValue)
        call.append(secret)
        return try await self.runner.write(call).int == 1
    }

    /// Writes down that a key was used.
    package func used(_ id: APIKeyID, at now: Timestamp) async throws(StoreError) {
        var call = self.runner.call(Scripts.apiKeyChange, keys: [KeySpace.apiKey(id)])
        call.append(-1)
        call.append(Field.used.rawValue)
        call.append(now.milliseconds)
        _ = try await self.runner.run(call)
    }

    // MARK: - Records

    private enum Field: String {
        case project, roles, label, queues, verbs, expires, secret, used, created, previous, revoked
        case previousUntil = "previous-until"
    }

    /// The projects of keys are apart: no project and id spell those of another.
    private static func prefix(of project: ProjectID) -> String { "\(project.text.utf8.count):\(project.text):" }

    private static func kept(
        _ id: APIKeyID, _ reply: RedisValue, at now: Timestamp
    ) throws(StoreError) -> Kept? {
        var reader = try ReplyReader(reply, of: "HGETALL")
        if reader.isAtEnd { return nil }
        var fields: [Field: [UInt8]] = [:]
        while !reader.isAtEnd {
            let name = try reader.text()
            let value = try reader.bytes()
            if let field = Field(rawValue: name) { fields[field] = value }
        }
        if fields[.revoked] != nil { return nil }
        func text(_ field: Field) -> String? { fields[field].flatMap { String(validating: $0, as: UTF8.self) } }
        func time(_ field: Field) -> Timestamp? {
            text(field).flatMap { Int64($0) }.flatMap { $0 > 0 ? Timestamp(milliseconds: $0) : nil }
        }
        func list(_ field: Field) -> [String] { (text(field) ?? "").split(separator: ",").map(String.init) }
        let (queues, verbs) = (list(.queues), list(.verbs))
        let scope = APIKeyScope(
            queues: queues.compactMap(QueuePattern.init), verbs: Set(verbs.compactMap(APIKeyVerb.init)))
        // What restricts a key and cannot be read, because a newer version wrote it, must not be left out.
        guard let project = text(.project).flatMap({ try? ProjectID($0) }), let secret = fields[.secret],
            let created = time(.created), scope.queues.count == queues.count, scope.verbs.count == verbs.count
        else { throw .corrupt("the record of an API key") }
        let overlapEnds = time(.previousUntil).flatMap { $0 > now ? $0 : nil }
        return Kept(
            key: APIKey(
                id: id, project: project, roles: Set(list(.roles)), scope: scope, label: text(.label) ?? "",
                created: created, expires: time(.expires), used: time(.used), overlapEnds: overlapEnds),
            secret: secret, previous: overlapEnds == nil ? nil : fields[.previous])
    }
}

extension Store {
    /// The API keys, where this is the control store.
    package var apiKeys: APIKeyStore { APIKeyStore(runner: self.runner) }
}
