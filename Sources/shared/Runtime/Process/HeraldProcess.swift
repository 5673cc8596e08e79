package import ArgumentParser
import Foundation
package import Logging
package import ServiceLifecycle
package import Settings
import UnixSignals

/// A well-behaved process: settings first, then services in order, then an end within a known time.
package enum HeraldProcess {
    /// What a process' services are built from.
    package struct Context: Sendable {
        package let settings: SettingReader
        package let logger: Logger
        /// How long a stop may take; what is not done then is cancelled.
        package let drain: Duration
        /// Opened by the process when it can work; `/readyz` asks it.
        package let readiness: ReadinessGate
        /// Set by the process when it listens or works; the admin server reports itself.
        package let readyFile: ReadyFile
        /// Has what is added to it read again when its files change.
        package let reloads: ReloadWatch
    }

    /// Status of a process whose settings do not let it start: `EX_CONFIG` of sysexits.h.
    package static let configurationStatus: Int32 = 78

    /// Reads the settings, starts the services and returns when they have stopped.
    ///
    /// SIGTERM and SIGINT stop the services in the opposite order. What is not done when `drain` is over is cancelled, and
    /// what does not hear that either ends with the process ``HardDeadline/margin`` later.
    ///
    /// - Parameters:
    ///   - flags: What the command line gave, see ``SettingFlags``.
    ///   - parts: What has to report to the ready file, besides the admin server.
    ///   - services: Builds the process' own services, in start order. The admin server starts before them.
    /// - Throws: An `ExitCode`, the line about it already printed: 78 for settings, 1 for anything else.
    package static func run(
        _ process: ProcessKind, flags: [Setting: String],
        environment: [String: String] = ProcessInfo.processInfo.environment,
        readyWith parts: Set<ReadyFile.Part>,
        services: (Context) async throws -> [any Service]
    ) async throws(ExitCode) {
        do {
            // A peer that hangs up is an error of one write, not the end of the process.
            signal(SIGPIPE, SIG_IGN)
            // Until ReloadWatch listens, it must not end the process either.
            signal(SIGHUP, SIG_IGN)
            let settings = try SettingReader(for: process, flags: flags, environment: environment)
            guard let format = LogFormat(rawValue: try settings.required(Setting.logFormat)) else {
                throw settings.invalid(Setting.logFormat)
            }
            let logger = LogSetUp.start(process, level: try settings.required(Setting.logLevel), format: format)
            if let first = settings.ignored.first {
                logger.notice(
                    "Variables of an orchestrator's services are ignored, they are no settings",
                    metadata: ["first": "\(first)", "count": "\(settings.ignored.count)"])
            }
            MetricsRegistry.bootstrap()
            let readyFile = ReadyFile(
                path: settings.text(Setting.readyFile), expecting: parts.union([.admin]), logger: logger)
            let readiness = ReadinessGate(waitingFor: "Redis")
            let drain = try settings.seconds(process.drain)
            let reloads = ReloadWatch()
            let context = Context(
                settings: settings, logger: logger, drain: drain, readiness: readiness, readyFile: readyFile,
                reloads: reloads)
            let tls = try TLSSettings.listener(.admin, settings).map { try TLSReloader($0, logger: logger) }
            if let tls { reloads.add(tls) }
            let admin = AdminServer(
                try settings.address(process.adminListen), setting: process.adminListen, readiness: readiness,
                registry: .shared, tls: tls?.holder, logger: logger
            ) { readyFile.report(.admin, at: $0, isEncrypted: tls != nil) }
            let deadline = HardDeadline(after: drain, logger: logger)
            defer { deadline.lift() }
            let all: [any Service] =
                [DrainNotice(logger: logger), admin, reloads] + (try await services(context))
                + [readyFile, readiness, deadline]
            logger.notice(
                "Starting",
                metadata: [
                    "pid": "\(ProcessInfo.processInfo.processIdentifier)", "version": "\(HeraldVersion.full)",
                    "settings": "\(settings.changed.joined(separator: " "))",
                ])
            var configuration = ServiceGroupConfiguration(
                services: all.map(essential), gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
            configuration.maximumGracefulShutdownDuration = drain
            try await ServiceGroup(configuration: configuration).run()
            logger.notice("Stopped")
            LogSetUp.shared.finish()
        } catch {
            throw self.fail(process, error)
        }
    }

    private static func fail(_ process: ProcessKind, _ error: any Error) -> ExitCode {
        let status = error is SettingError ? self.configurationStatus : 1
        LogSetUp.standardError.write(LogSetUp.shared.line("\(process.rawValue): \(error)"))
        LogSetUp.shared.finish()
        return ExitCode(status)
    }
}
