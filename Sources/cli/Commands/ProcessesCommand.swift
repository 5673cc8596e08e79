package import ArgumentParser
import Foundation
import Redis
package import Settings
import Startup
import Store

/// `herald ps`: the processes of a deployment that live.
package struct ProcessesCommand: SettingCommand {
    package static let settings = [Setting.redisURL, Setting.configFile]
    package static let configuration = CommandConfiguration(
        commandName: "ps",
        abstract: "List the processes of a deployment.",
        discussion: """
            It reads the registry in Redis. A process that ended without unregistering is listed for up to 15 seconds. FORMATS are the formats of \
            stored data that a process understands, SEEN the seconds since its last heartbeat; the exporter exports the \
            metrics of the whole deployment. \(Counterpart.redis.rawValue)
            """)

    @OptionGroup package var flags: SettingFlags<ProcessesCommand>
    @OptionGroup package var output: OutputOptions

    package init() {}

    package func run() async throws {
        let terminal = Terminal.standard()
        try await reporting {
            let reader = try SettingReader(
                for: .api, flags: self.flags.given, environment: ProcessInfo.processInfo.environment,
                requiring: [Setting.redisURL])
            let redis = try ControlStore.client(reader)
            let rows = try await ProcessRegistry(on: redis).list().map { Self.row($0) }
            for line in try self.output.output.lines(rows, columns: Self.columns) { terminal.line(line) }
        }
    }

    private static let columns = [
        OutputForm.Column("id"), OutputForm.Column("role"), OutputForm.Column("host"), OutputForm.Column("pid"),
        OutputForm.Column("listen"), OutputForm.Column("admin"), OutputForm.Column("formats"),
        OutputForm.Column("seen_seconds", head: "seen"), OutputForm.Column("exporter"), OutputForm.Column("version"),
    ]

    private static func row(_ entry: ProcessRegistry.Entry) -> OutputValue {
        let process = entry.process
        let formats = process.formats
        return .object([
            ("id", .text(process.id)), ("role", .text(process.role.rawValue)), ("host", .text(process.host)),
            ("pid", .number(String(process.pid))), ("listen", process.listen.map { .text($0) } ?? .null),
            ("admin", process.admin.map { .text($0) } ?? .null),
            (
                "formats",
                .text(formats.count == 1 ? "\(formats.lowerBound)" : "\(formats.lowerBound)-\(formats.upperBound)")
            ),
            ("seen_seconds", .number(String(entry.silentFor.components.seconds))),
            ("exporter", .boolean(entry.isExporter)), ("version", .text(process.version)),
        ])
    }
}
