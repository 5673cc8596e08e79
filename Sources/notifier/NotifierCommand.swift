package import ArgumentParser
import Runtime
package import Settings

/// `herald-notifier`: delivers the messages of subscribed queues until it is asked to stop.
package struct NotifierCommand: ProcessCommand {
    package static let process = ProcessKind.notifier
    package static let configuration = CommandConfiguration(
        commandName: process.rawValue,
        abstract: "Deliver the messages of subscribed queues as signed webhooks.",
        discussion: "Every flag is also an environment variable (HERALD_…) and a line of the settings file. "
            + "See docs/configuration.md.",
        version: HeraldVersion.full)

    @OptionGroup package var flags: SettingFlags<NotifierCommand>

    package init() {}

    package func run() async throws {
        try await HeraldProcess.run(Self.process, flags: self.flags.given, readyWith: [.work]) { context in
            try NotifierProcess.services(context)
        }
    }
}
