package import ArgumentParser
import Foundation

/// `herald queue`: the queues of a project.
package struct QueueCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "queue", abstract: "Look at the queues of a project, and move them between pools.",
        subcommands: [QueueListCommand.self, QueueShowCommand.self, QueueMoveCommand.self])

    package init() {}
}

/// `herald queue list`: all queues, page by page.
package struct QueueListCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the queues of a project.", discussion: Counterpart.api.rawValue)

    @OptionGroup package var client: ClientOptions
    @OptionGroup package var output: OutputOptions

    package init() {}

    package func run() async throws {
        let terminal = Terminal.standard()
        try await reporting {
            let client = try self.client.client()
            var queues: [OutputValue] = []
            var next = "/v2/queues?detailed=true"
            let progress = Progress()
            defer { progress.end() }
            while true {
                let page = try OutputValue(json: Array(try await client.expect(200, "GET", next)))
                let found = page["queues"]?.elements ?? []
                queues += found
                // The last page has a link too: to what may be made later.
                guard !found.isEmpty, let link = page["links"]?.elements?.first?["href"]?.text else { break }
                next = link
                progress.show("\(queues.count) queues")
            }
            progress.end()
            let columns = [OutputForm.Column("name"), OutputForm.Column("metadata")]
            for line in try self.output.output.lines(queues, columns: columns) { terminal.line(line) }
        }
    }
}

/// `herald queue show`: metadata and figures of one queue.
package struct QueueShowCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show the metadata and the figures of a queue.",
        discussion: Counterpart.api.rawValue)

    /// Characters of a name that are sent as they are; others are percent-encoded, and the API decides.
    private static let nameCharacters = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")

    @Argument(help: "The name of the queue.")
    package var name: String
    @OptionGroup package var client: ClientOptions
    @OptionGroup package var output: OutputOptions

    package init() {}

    package func run() async throws {
        let terminal = Terminal.standard()
        try await reporting {
            let client = try self.client.client()
            guard let segment = self.name.addingPercentEncoding(withAllowedCharacters: Self.nameCharacters) else {
                throw Failure("'\(self.name)' is no name of a queue", .usage)
            }
            let path = "/v2/queues/\(segment)"
            let figures = try OutputValue(json: Array(try await client.expect(200, "GET", "\(path)/stats")))
            let metadata = try OutputValue(json: Array(try await client.expect(200, "GET", path)))
            let shown = OutputValue.object([
                ("name", .text(self.name)), ("messages", figures["messages"] ?? .null), ("metadata", metadata),
            ])
            for line in try self.output.output.lines(shown) { terminal.line(line) }
        }
    }
}
