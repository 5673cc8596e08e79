package import ArgumentParser
import Foundation
import NIOPosix
import Placement
import Redis
import Runtime
package import Settings
import Startup
import Store
import TLS

/// `herald format`: the format of what a deployment keeps in Redis.
package struct FormatCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "format",
        abstract: "Manage the format of the stored data.",
        subcommands: [RaiseCommand.self])

    package init() {}
}

/// `herald format raise`: raises the format once every process understands the new one.
package struct RaiseCommand: SettingCommand {
    package static let settings = StoreSettings.all
    package static let configuration = CommandConfiguration(
        commandName: "raise",
        abstract: "Raise the format of the stored data, in the Redis of the deployment and of every pool.",
        discussion: """
            It takes the settings a process takes, from flags, the environment and the file. It refuses while a process is \
            registered that does not understand the new format, and names it. Versions that do not understand it can no \
            longer be started. Repeat it when a pool could not be reached. \(Counterpart.redis.rawValue)
            """)

    @Argument(help: "The new format; without it, the newest that this herald understands.")
    package var format = StoreFormat.understood.upperBound

    @OptionGroup package var flags: SettingFlags<RaiseCommand>
    @OptionGroup package var consent: Consent

    package init() {}

    package func validate() throws {
        guard StoreFormat.understood.contains(self.format) else {
            throw ValidationError(
                "This herald understands the formats \(StoreFormat.understood.lowerBound) through "
                    + "\(StoreFormat.understood.upperBound).")
        }
    }

    package func run() async throws {
        let terminal = Terminal.standard()
        try await reporting {
            let (store, settings, logger) = try await ControlStore.open(
                flags: self.flags.given,
                unused: "no process has used this Redis yet: its data gets the newest format at the first start")
            let pools = try await PoolDirectory.open(
                control: store, url: settings.redis,
                PoolDirectory.Settings(
                    connections: 1, tls: TLSContextHolder(try settings.redisTLS.context(logger)),
                    eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger))
            if store.format < self.format {
                try self.consent.ask(
                    "Raise the format of the stored data from \(store.format) to \(self.format)?", on: terminal)
            }
            switch try await pools.raiseFormat(to: self.format) {
            case .raised: terminal.line("Raised: the stored data has format \(self.format).")
            case .kept(let format): terminal.line("Nothing to raise: the stored data has format \(format).")
            case .refused(let processes):
                throw Failure(
                    "processes are registered that do not understand format \(self.format), see herald ps: "
                        + processes.joined(separator: ", "))
            }
        }
    }
}
