package import ArgumentParser
import Foundation
import Settings

/// `herald dev`: a whole deployment in one terminal.
package struct DevCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "Runs Redis, the API and a notifier in this terminal until Ctrl-C.",
        discussion: """
            Redis is private and keeps its data in the folder; so are the keys, which are made at the first start. \
            Webhooks may reach this machine (loopback) and public addresses, no other private range. \
            \(Counterpart.processes.rawValue)
            """
    )

    @Option(help: "The folder that it keeps its state in. [default: $XDG_STATE_HOME/herald/dev]")
    var directory: String?
    @Option(help: "Where the REST API listens. [default: 127.0.0.1:8888, or a free port when that is taken]")
    var listen: String?
    @Option(name: .customLong("redis-url"), help: "A Redis that runs already, instead of a private one.")
    var redisURL: String?
    @Flag(help: "Catch all mail: nothing is sent, and a page on loopback shows what would have been.")
    var mail = false
    @Flag(name: .shortAndLong, help: "Show everything the processes log, not only warnings.")
    var verbose = false

    package init() {}

    package func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let terminal = Terminal.standard()
        // Ctrl-C is the way to end it, so it is no failure.
        try await reporting(interruption: 0) {
            let folder =
                self.directory.map { DevFolder(URL(fileURLWithPath: $0)) } ?? .usual(environment: environment)
            let address = try self.listen.map { text in
                guard let address = ListenAddress(text) else {
                    throw Failure("--listen: '\(text)' is not allowed; allowed: \(Setting.apiListen.allowed)")
                }
                return address
            }
            let plan = DevDeployment.Plan(
                folder: folder, listen: address, redisURL: self.redisURL, isVerbose: self.verbose,
                isKept: true, executables: OwnExecutable.folder, environment: environment)
            terminal.line(terminal.styled("Starting a deployment in \(folder.url.path)", .dim))
            let interruption = await Interruptions.trapped()
            guard self.mail else { return try await Self.run(plan, catcher: nil, terminal, interruption) }
            try await MailCatcher.run { catcher in
                var plan = plan
                plan.mailPort = catcher.smtpPort
                try await Self.run(plan, catcher: catcher, terminal, interruption)
            }
        }
    }

    private static func run(
        _ plan: DevDeployment.Plan, catcher: MailCatcher?, _ terminal: Terminal,
        _ interruption: @escaping @Sendable () async -> Void
    ) async throws {
        try await DevDeployment.run(plan, terminal: terminal, interruption: interruption) { deployment in
            for line in DevWelcome.lines(
                deployment, folder: plan.folder, mailPort: catcher?.pagePort, terminal: terminal)
            {
                terminal.line(line)
            }
            // Until a signal, or the end of a child, cancels it.
            while true { try await Task.sleep(for: .seconds(3600)) }
        }
    }
}

/// The executable this process runs.
enum OwnExecutable {
    static var path: String {
        // The link of this very process: it cannot be missing.
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }

    /// Where its siblings are.
    static var folder: URL { URL(fileURLWithPath: self.path).deletingLastPathComponent() }
}
