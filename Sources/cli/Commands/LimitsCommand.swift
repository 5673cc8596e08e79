package import ArgumentParser
import Domain
package import Settings
import Store

/// `herald limits`: the limits that projects have of their own (docs/limits.md).
package struct LimitsCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "limits", abstract: "Show, set and clear the limits of a project.",
        subcommands: [LimitsShowCommand.self, LimitsSetCommand.self, LimitsClearCommand.self])

    package init() {}
}

/// `herald limits show`: what a project has of its own.
package struct LimitsShowCommand: SettingCommand {
    package static let settings = ControlStore.settings
    package static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show the limits that a project has of its own.",
        discussion: """
            Where it has none, the settings limits.project.* of the API hold; `GET /v2/projects/PROJECT/limits` shows both, and what \
            is used. \(Counterpart.redis.rawValue)
            """)

    @Argument(help: "The project.")
    package var project: String

    @OptionGroup package var flags: SettingFlags<LimitsShowCommand>
    @OptionGroup package var output: OutputOptions

    package init() {}

    package func run() async throws {
        let terminal = Terminal.standard()
        try await reporting {
            let project = try LimitsAccess.project(self.project)
            let own = try await LimitsAccess.open(self.flags.given).get(project)
            let rows = ProjectLimit.allCases.map { limit in
                OutputValue.object([
                    ("limit", .text(limit.rawValue)), ("own", own.values[limit].map { .number(String($0)) } ?? .null),
                ])
            }
            let columns = ["limit", "own"].map { OutputForm.Column($0) }
            for line in try self.output.output.lines(rows, columns: columns) { terminal.line(line) }
        }
    }
}

/// `herald limits set`: some limits of a project, beside those it has.
package struct LimitsSetCommand: SettingCommand {
    package static let settings = ControlStore.settings
    package static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Give a project limits of its own; those that are not named stay.",
        discussion: """
            `herald limits set shop queues=100`: a number, 0 for no limit, or `default` for that of the deployment. Every API \
            process goes by it within five seconds. \(Counterpart.redis.rawValue)
            """)

    @Argument(help: "The project.")
    package var project: String
    @Argument(help: "Limits: \(ProjectLimit.allCases.map { "\($0.rawValue)=N" }.joined(separator: ", ")).")
    package var limits: [String]

    @OptionGroup package var flags: SettingFlags<LimitsSetCommand>

    package init() {}

    package func run() async throws {
        let terminal = Terminal.standard()
        try await reporting {
            let project = try LimitsAccess.project(self.project)
            let changes = try self.limits.map(LimitsAccess.change)
            let store = try await LimitsAccess.open(self.flags.given)
            var values = try await store.get(project).values
            for change in changes { values[change.limit] = change.value }
            guard let own = OwnLimits(values) else { throw Failure("the limits cannot be set", .refused) }
            try await store.put(own, for: project)
            terminal.line("Set. Every API process goes by it within five seconds.")
        }
    }
}

/// `herald limits clear`: the project has those of the deployment again.
package struct LimitsClearCommand: SettingCommand {
    package static let settings = ControlStore.settings
    package static let configuration = CommandConfiguration(
        commandName: "clear", abstract: "Leave a project with the limits of the deployment.",
        discussion: Counterpart.redis.rawValue)

    @Argument(help: "The project.")
    package var project: String

    @OptionGroup package var flags: SettingFlags<LimitsClearCommand>

    package init() {}

    package func run() async throws {
        let terminal = Terminal.standard()
        try await reporting {
            let project = try LimitsAccess.project(self.project)
            try await LimitsAccess.open(self.flags.given).clear(project)
            terminal.line("Cleared. Every API process goes by it within five seconds.")
        }
    }
}

/// What the commands about limits share.
private enum LimitsAccess {
    static func open(_ flags: [Setting: String]) async throws -> ProjectLimitStore {
        ProjectLimitStore(
            on: try await ControlStore.kept(flags, unused: "no process has used this Redis yet: start the API"))
    }

    static func project(_ text: String) throws(Failure) -> ProjectID {
        do { return try ProjectID(text) } catch {
            throw Failure("the project '\(text.prefix(64))' is not allowed; allowed: 1 to 256 characters", .usage)
        }
    }

    /// - Returns: nil as the value of `default`.
    static func change(_ text: String) throws(Failure) -> (limit: ProjectLimit, value: Int?) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, let limit = ProjectLimit(rawValue: parts[0]) else {
            let names = ProjectLimit.allCases.map(\.rawValue).joined(separator: ", ")
            throw Failure("'\(text.prefix(64))' is not allowed; allowed: NAME=N, where NAME is one of \(names)", .usage)
        }
        if parts[1] == "default" { return (limit, nil) }
        guard let value = Int(parts[1]), (0...ProjectLimits.valueMax).contains(value) else {
            throw Failure(
                "'\(text.prefix(64))' is not allowed; allowed: 0 to \(ProjectLimits.valueMax), or default", .usage)
        }
        return (limit, value)
    }
}
