package import ArgumentParser
import Foundation
import Settings

/// `herald demo`: a message becomes a signed webhook, another one a mail; both are shown.
package struct DemoCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Posts messages, and shows the signed webhook and the mail that arrive.",
        discussion: """
            Without --url it uses the deployment `herald dev` runs, and starts one for the occasion when there is none. \
            What it makes there it deletes again. Mail is shown only of a deployment started for the occasion. \(Counterpart.api.rawValue)
            """
    )

    @Option(help: "The REST API of a deployment that runs: http://127.0.0.1:8888")
    var url: String?
    @Option(help: "The folder where `herald dev` runs. [default: $XDG_STATE_HOME/herald/dev]")
    var directory: String?
    @Flag(name: .shortAndLong, help: "Show everything the processes log, when a deployment is started.")
    var verbose = false

    package init() {}

    package func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let terminal = Terminal.standard()
        try await reporting {
            if let given = self.url {
                return try await Demo(url: try HeraldClient.url(given, from: "--url"), terminal: terminal).run()
            }
            let folder =
                self.directory.map { DevFolder(URL(fileURLWithPath: $0)) } ?? .usual(environment: environment)
            if let record = DevRecord.running(in: folder) {
                let url = try HeraldClient.url(record.url, from: "the running deployment")
                if await HeraldClient(url: url, project: "demo").answersPing() {
                    return try await Demo(url: url, terminal: terminal).run()
                }
            }
            try await self.runInOwnDeployment(environment: environment, terminal: terminal)
        }
    }

    private func runInOwnDeployment(environment: [String: String], terminal: Terminal) async throws {
        // Short: the path of Redis' socket lies in it.
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("herald-demo-\(ProcessInfo.processInfo.processIdentifier)")
        let plan = DevDeployment.Plan(
            folder: DevFolder(folder), listen: ListenAddress(host: "127.0.0.1", port: 0), redisURL: nil,
            isVerbose: self.verbose, isKept: false, executables: OwnExecutable.folder, environment: environment)
        terminal.line(terminal.styled("No deployment runs here: starting one for this demonstration", .dim))
        // A file left in the temporary folder does no harm.
        defer { try? FileManager.default.removeItem(at: folder) }
        let interruption = await Interruptions.trapped()
        try await MailCatcher.run { catcher in
            var plan = plan
            plan.mailPort = catcher.smtpPort
            try await DevDeployment.run(plan, terminal: terminal, interruption: interruption) { deployment in
                let url = try HeraldClient.url(deployment.url, from: "the new deployment")
                try await Demo(url: url, terminal: terminal, catcher: catcher).run()
            }
        }
    }
}
