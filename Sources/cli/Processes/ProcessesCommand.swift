package import ArgumentParser
import Foundation
import Logging
import NIOPosix
import Redis
package import Settings
import Startup
package import Store

/// `herald ps`: the processes of a deployment that live.
///
/// It speaks to Redis, not to the API.
package struct ProcessesCommand: SettingCommand {
    package static let settings = StoreSettings.all
    package static let configuration = CommandConfiguration(
        commandName: "ps",
        abstract: "List the processes of a deployment.",
        discussion: """
            It takes the settings a process takes, from flags, the environment and the file, and reads the registry in \
            Redis. A process that ended without unregistering is listed for up to 15 seconds. FORMATS are the formats of \
            stored data that a process understands, SEEN the seconds since its last heartbeat; the exporter exports the \
            metrics of the whole deployment.
            """)

    @OptionGroup package var flags: SettingFlags<ProcessesCommand>

    package init() {}

    package func run() async throws {
        let terminal = Terminal.standard()
        try await reporting(interruption: Interrupted.status) {
            let settings = try StoreSettings(
                SettingReader(for: .api, flags: self.flags.given, environment: ProcessInfo.processInfo.environment))
            let redis = RedisPool(
                endpoint: settings.redis, connections: 1, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                logger: Logger(label: "herald") { _ in SwiftLogNoOpLogHandler() })
            for line in Self.table(try await ProcessRegistry(on: redis).list()) { terminal.line(line) }
        }
    }

    /// A line for the heads of the columns and one for each process, columns aligned.
    package static func table(_ entries: [ProcessRegistry.Entry]) -> [String] {
        let heads = ["ID", "ROLE", "HOST", "PID", "LISTEN", "ADMIN", "FORMATS", "SEEN", "EXPORTER", "VERSION"]
        let rows =
            [heads]
            + entries.map { entry in
                let process = entry.process
                let formats = process.formats
                return [
                    process.id, process.role.rawValue, process.host, String(process.pid), process.listen ?? "-",
                    process.admin ?? "-",
                    formats.count == 1 ? "\(formats.lowerBound)" : "\(formats.lowerBound)-\(formats.upperBound)",
                    "\(entry.silentFor.components.seconds)s", entry.isExporter ? "yes" : "-", process.version,
                ]
            }
        let widths = heads.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).map { text, width in text + String(repeating: " ", count: width - text.count) }
                .joined(separator: "  ").trimmingCharacters(in: .whitespaces)
        }
    }
}
