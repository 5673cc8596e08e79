package import ArgumentParser
import Foundation
import Redis
package import Settings
import Startup
import Store

/// `herald settings`: what the processes of a deployment must have in common.
package struct SettingsCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "settings",
        abstract: "Manage the settings that every process of a deployment shares.",
        subcommands: [AcceptCommand.self])

    package init() {}
}

/// `herald settings accept`: makes the settings given here the deployment's.
///
/// What it writes is compared by every process once a second.
package struct AcceptCommand: SettingCommand {
    package static let settings = StoreSettings.all
    package static let configuration = CommandConfiguration(
        commandName: "accept",
        abstract: "Make these settings the ones that every process must have.",
        discussion: """
            It takes the settings a process takes, from flags, the environment and the file, and writes fingerprints of \
            those that must agree to Redis. Processes with other values stop serving within a second, until they are \
            started again with these. Of a list of keys every process must have all, and write with one of them. \
            \(Counterpart.redis.rawValue)
            """)

    @OptionGroup package var flags: SettingFlags<AcceptCommand>
    @OptionGroup package var consent: Consent

    package init() {}

    package func run() async throws {
        let terminal = Terminal.standard()
        try await reporting {
            let (store, settings, _) = try await ControlStore.open(
                flags: self.flags.given,
                unused: "no process has used this Redis yet: the first one sets what the others must have")
            let changes = try await settings.changes(in: store)
            guard !changes.isEmpty else {
                return terminal.line("Nothing to accept: the deployment has these settings.")
            }
            for change in changes { terminal.line(change.description) }
            try self.consent.ask("Make the settings given here the deployment's?", on: terminal)
            try await settings.accept(in: store)
            terminal.line(
                "Accepted. Processes with other values stop serving within a second: start them again with these.")
        }
    }
}
