package import ArgumentParser
import Foundation
import HTTPClient
import Settings

/// `herald ready`: whether a process is ready, for health checks of containers.
package struct ReadyCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "ready", abstract: "Ask a process whether it is ready.",
        discussion: """
            It prints what the process answers, and ends with 0 when it is ready and with \
            \(CommandStatus.unavailable.rawValue) when it is not. \(Counterpart.admin.rawValue)
            """)

    /// How long a health check may take.
    private static let timeout = Duration.seconds(5)

    @Argument(help: "The admin address of the process: http://127.0.0.1:8889")
    package var url: String
    @Option(
        help:
            "The path of a PEM file of authorities that may sign its certificate, and no others. [environment: HERALD_CA_FILE]"
    )
    package var caFile: String?

    package init() {}

    package func run() async throws {
        let terminal = Terminal.standard()
        try await reporting {
            let target = try HeraldClient.url(self.url, from: "URL").appendingPathComponent("readyz")
            let answer = try await HTTPTransfer.answer(
                .get, target, within: Self.timeout,
                believing: self.caFile ?? ProcessInfo.processInfo.environment[ClientVariable.caFile.rawValue])
            let text = String(decoding: answer.body, as: UTF8.self).trimmingCharacters(in: .newlines)
            guard answer.status == 200 else { throw Failure(text, .unavailable) }
            terminal.line(text)
        }
    }
}
