package import ArgumentParser
import Foundation
import Runtime

/// `herald`: the deployment from a terminal.
package struct HeraldCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "herald",
        abstract: "Runs a Herald of your own, and shows what it does.",
        version: HeraldVersion.printed,
        subcommands: [
            DevCommand.self, DemoCommand.self, QueueCommand.self, PoolCommand.self, AdminCommand.self,
            ProcessesCommand.self,
            ReadyCommand.self,
            SettingsCommand.self, PolicyCommand.self, KeyCommand.self, LimitsCommand.self, FormatCommand.self,
            BounceCommand.self,
        ]
    )

    package init() {}

    /// Reads the command line, runs the command, and ends the process with its status.
    package static func start() async {
        // A reader that has gone is an error of one write, and the end of the command in order.
        signal(SIGPIPE, SIG_IGN)
        self.keepProxiesFromLoopback()
        await self.main()
    }

    /// A proxy of the environment is for the world outside: it cannot reach a deployment on this machine's loopback.
    private static func keepProxiesFromLoopback() {
        let environment = ProcessInfo.processInfo.environment
        for name in ["no_proxy", "NO_PROXY"] {
            let given = environment[name].map { [$0] } ?? []
            setenv(name, (given + ["127.0.0.1", "localhost", "::1"]).joined(separator: ","), 1)
        }
    }
}
