package import ArgumentParser
import Runtime
package import Settings

/// `herald-api`: serves the messaging API over HTTP until it is asked to stop.
package struct APICommand: ProcessCommand {
    package static let process = ProcessKind.api
    package static let configuration = CommandConfiguration(
        commandName: process.rawValue,
        abstract: "Serve the messaging API.",
        discussion: "Every flag is also an environment variable (HERALD_…) and a line of the settings file. "
            + "See docs/configuration.md.",
        version: HeraldVersion.printed)

    @OptionGroup package var flags: SettingFlags<APICommand>

    package init() {}

    package func run() async throws {
        try await HeraldProcess.run(Self.process, flags: self.flags.given, readyWith: [.listen, .websocket]) {
            context in
            try APIProcess.services(context)
        }
    }
}
