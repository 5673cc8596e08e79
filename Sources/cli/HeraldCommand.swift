package import ArgumentParser

/// `herald`: the house from a terminal.
package struct HeraldCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "herald",
        abstract: "Runs a Herald of your own, and shows what it does.",
        subcommands: [DevCommand.self, DemoCommand.self]
    )

    package init() {}
}
