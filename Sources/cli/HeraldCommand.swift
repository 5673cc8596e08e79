package import ArgumentParser

/// `herald`: the house from a terminal.
package struct HeraldCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "herald",
        abstract: "Runs a Herald of your own, and shows what it does.",
        subcommands: [DevCommand.self, DemoCommand.self]
    )

    package init() {}

    /// Reads the command line, runs the command, and ends the process with its status.
    package static func start() async { await self.main() }
}
