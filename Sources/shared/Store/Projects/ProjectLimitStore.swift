package import Domain
package import Redis

/// The limits that administrators gave projects, in the control store.
package struct ProjectLimitStore: Sendable {
    private let runner: ScriptRunner

    init(runner: ScriptRunner) {
        self.runner = runner
    }

    /// Those in a Redis, for a caller that opens no store.
    package init(on client: RedisClient) {
        self.runner = ScriptRunner(client: client, clock: .redis)
    }

    /// What a project has of its own; ``OwnLimits/none`` where it was given nothing.
    package func get(_ project: ProjectID) async throws(StoreError) -> OwnLimits {
        var command = RedisCommand("GET", arguments: 1)
        command.append(KeySpace.projectLimits(of: project))
        guard let text = try await self.runner.send(command).text else { return .none }
        var values: [ProjectLimit: Int] = [:]
        // A limit that is not known here, because a newer version wrote it, must not be left out.
        for part in text.split(separator: " ") {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, let limit = ProjectLimit(rawValue: String(pair[0])), let value = Int(pair[1])
            else { throw .corrupt("the limits of a project") }
            values[limit] = value
        }
        guard let own = OwnLimits(values) else { throw .corrupt("the limits of a project") }
        return own
    }

    /// Gives a project limits in place of those it has.
    package func put(_ own: OwnLimits, for project: ProjectID) async throws(StoreError) {
        guard !own.values.isEmpty else { return try await self.clear(project) }
        let text = own.values.map { "\($0.rawValue)=\($1)" }.sorted().joined(separator: " ")
        var command = RedisCommand("SET", arguments: 2)
        command.append(KeySpace.projectLimits(of: project))
        command.append(text)
        _ = try await self.runner.send(command)
    }

    /// Leaves a project with the limits of the deployment.
    package func clear(_ project: ProjectID) async throws(StoreError) {
        var command = RedisCommand("DEL", arguments: 1)
        command.append(KeySpace.projectLimits(of: project))
        _ = try await self.runner.send(command)
    }
}

extension Store {
    /// The limits of projects, where this is the control store.
    package var projectLimits: ProjectLimitStore { ProjectLimitStore(runner: self.runner) }
}
