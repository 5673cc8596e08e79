import Foundation
package import Logging
package import Runtime
import ServiceLifecycle
package import Settings
package import Store

/// Registers the process with its deployment, and says every few seconds that it lives.
package struct ProcessRegistration: Service {
    private let process: RegisteredProcess
    private let store: Store
    private let readyFile: ReadyFile
    private let election: ExporterElection
    private let logger: Logger

    /// - Parameters:
    ///   - id: Names the process, see ``RegisteredProcess``.
    ///   - election: Hears whether this process exports the metrics of the deployment.
    ///   - readyFile: Knows where the process listens.
    package init(
        of kind: ProcessKind, id: String = RegisteredProcess.newID(), _ settings: StoreSettings, in store: Store,
        election: ExporterElection, readyFile: ReadyFile, logger: Logger
    ) {
        self.process = RegisteredProcess(
            id: id, role: kind == .api ? .api : .notifier, version: HeraldVersion.full, formats: store.formats,
            host: Self.host(), pid: Int(ProcessInfo.processInfo.processIdentifier),
            fingerprints: settings.agreed.kept)
        self.store = store
        self.readyFile = readyFile
        self.election = election
        self.logger = logger
    }

    /// - Throws: ``SettingError`` once the store has a format that this Herald does not understand.
    package func run() async throws {
        let unknown = await cancelWhenGracefulShutdown { await self.beatUntilFormatIsUnknown() }
        do throws(StoreError) { try await self.store.processes.leave(self.process.id) } catch {
            self.logger.debug("The process stays registered", metadata: [LogKey.error: "\(error)"])
        }
        if let unknown { throw StoreSettings.ending(unknown) }
    }

    private func beatUntilFormatIsUnknown() async -> StoreOpeningError? {
        while !Task.isCancelled {
            do throws(StoreError) {
                let sentAt = ContinuousClock.now
                let heartbeat = try await self.store.processes.beat(self.described())
                self.election.heard(heartbeat.isExporter, sentAt: sentAt)
                if let format = heartbeat.format, !self.store.formats.contains(format) {
                    return .formatUnknown(kept: format, understood: self.store.formats)
                }
            } catch {
                // Redis is away: the probe of the store says so.
                self.logger.debug("The process cannot be registered now", metadata: [LogKey.error: "\(error)"])
            }
            // Cancelled while sleeping: the loop's condition sees it.
            try? await Task.sleep(for: ProcessRegistry.interval)
        }
        return nil
    }

    private func described() -> RegisteredProcess {
        var process = self.process
        let reported = self.readyFile.reported
        process.listen = reported.listen
        process.admin = reported.admin
        return process
    }

    /// The name of this machine, as it calls itself.
    private static func host() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
