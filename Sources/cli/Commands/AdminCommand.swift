package import ArgumentParser
import Foundation

/// `herald admin`: the projects, queues and subscriptions of a whole deployment, for administrators.
package struct AdminCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "admin", abstract: "List what all projects of a deployment have, and what troubles it.",
        subcommands: [AdminSubscriptionsCommand.self, AdminQueuesCommand.self, AdminProjectsCommand.self])

    package init() {}
}

/// `herald admin subscriptions`: those in trouble first.
package struct AdminSubscriptionsCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "subscriptions", abstract: "List subscriptions over all projects, by default those in trouble.",
        discussion: """
            In trouble are those with an open breaker, those that are disabled or paused, and those for which deliveries wait. \
            \(Counterpart.api.rawValue)
            """)

    @Option(help: "troubled, open, disabled, paused, waiting, unconfirmed, active or all.")
    package var state = "troubled"
    @Option(name: .customLong("of"), help: "Only those of this project.")
    package var owner: String?
    @Option(help: "Only those of this queue; needs --of.")
    package var queue: String?
    @OptionGroup package var survey: SurveyOptions

    package init() {}

    package func run() async throws {
        try await self.survey.show(
            "subscriptions", [("state", self.state), ("project", self.owner), ("queue", self.queue)],
            columns: [
                "project", "queue", "id", "endpoint", "state", "since", "failure_share", "backlog", "oldest_due",
            ])
    }
}

/// `herald admin queues`: with what they hold.
package struct AdminQueuesCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "queues", abstract: "List queues over all projects, with what they hold.",
        discussion: Counterpart.api.rawValue)

    @Option(help: "all, or holding: those that hold messages.")
    package var state = "all"
    @Option(name: .customLong("of"), help: "Only those of this project.")
    package var owner: String?
    @OptionGroup package var survey: SurveyOptions

    package init() {}

    package func run() async throws {
        try await self.survey.show(
            "queues", [("state", self.state), ("project", self.owner)],
            columns: [
                "project", "name", "pool", "free", "claimed", "oldest_age", "bytes", "subscriptions", "events",
                "dead_letters",
            ])
    }
}

/// `herald admin projects`: with their limits and what they use.
package struct AdminProjectsCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "projects", abstract: "List projects that have queues, with their limits and what they use.",
        discussion: Counterpart.api.rawValue)

    @OptionGroup package var survey: SurveyOptions

    package init() {}

    package func run() async throws {
        try await self.survey.show("projects", [], columns: ["project", "limits"])
    }
}

/// How much of a list is shown, and how it is read.
package struct SurveyOptions: ParsableArguments {
    @Option(help: "Rows that are shown at most, 1 to 100000.")
    package var limit = 1_000
    @OptionGroup package var client: ClientOptions
    @OptionGroup package var output: OutputOptions

    package init() {}

    package func validate() throws {
        guard (1...100_000).contains(self.limit) else {
            throw ValidationError("--limit: '\(self.limit)' is not allowed; allowed: 1 to 100000")
        }
    }

    /// Makes the caller an administrator where callers are not authenticated; elsewhere their roles come with their token.
    private static let role = ["X-Roles": "admin"]
    /// Characters of a value that are sent as they are.
    private static let plain = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")

    /// Reads a list page by page and shows it; pools that did not answer, and that there is more, go to standard error.
    func show(
        _ name: String, _ parameters: [(name: String, value: String?)], columns: [String]
    ) async throws {
        let terminal = Terminal.standard()
        try await reporting {
            let client = try self.client.client()
            let query = parameters.compactMap { parameter in
                parameter.value?.addingPercentEncoding(withAllowedCharacters: Self.plain).map {
                    "\(parameter.name)=\($0)"
                }
            }
            var next: String? = "/v2/admin/\(name)?" + query.joined(separator: "&")
            var rows: [OutputValue] = []
            var unreachable: Set<String> = []
            let progress = Progress()
            defer { progress.end() }
            // A page may be empty and have a next one.
            while let path = next, rows.count < self.limit {
                let page = try OutputValue(json: Array(try await client.expect(200, "GET", path, headers: Self.role)))
                rows += page[name]?.elements ?? []
                unreachable.formUnion((page["unreachable"]?.elements ?? []).compactMap(\.text))
                next = page["links"]?.elements?.first?["href"]?.text
                progress.show("\(rows.count) \(name)")
            }
            progress.end()
            let shown = Array(rows.prefix(self.limit))
            for line in try self.output.output.lines(shown, columns: columns.map { OutputForm.Column($0) }) {
                terminal.line(line)
            }
            if next != nil || shown.count < rows.count {
                StandardOutput.shared.error("There are more: --limit shows them.")
            }
            for pool in unreachable.sorted() {
                StandardOutput.shared.error("The pool \(pool) did not answer: its rows are missing.")
            }
        }
    }
}
