import CoreMetrics
package import Logging
package import Settings
package import TLS

/// Reads the files of TLS again when they have changed, or at once.
///
/// New connections take what was read; those that are open go on. What cannot be used changes nothing, and the log says why, once for
/// each change.
package actor TLSReloader: Reloadable {
    /// What new connections take.
    package nonisolated let holder: TLSContextHolder
    private let settings: TLSSettings
    private let logger: Logger
    private var changes: FileChanges
    private let successes = Metric.tlsReloads.counter("success")
    private let failures = Metric.tlsReloads.counter("failure")

    /// Reads the files for the first time.
    package init(_ settings: TLSSettings, logger: Logger) throws(SettingError) {
        let marks = FileMarks(of: settings.files.paths)
        self.settings = settings
        self.logger = logger
        self.changes = FileChanges(read: marks)
        let context = try settings.context(logger)
        self.holder = TLSContextHolder(context)
        Self.show(context, of: settings)
    }

    /// Shows operators when the certificate in use expires.
    private static func show(_ context: TLSContext, of settings: TLSSettings) {
        guard let expiry = context.expiry else { return }
        Metric.tlsExpiry.gauge(settings.names.certificate.name).set(expiry)
    }

    package func look() {
        let marks = FileMarks(of: self.settings.files.paths)
        if self.changes.look(marks) { self.read(marks) }
    }

    package func reload() {
        // The authorities of the system are read with each context, and are no files of ours.
        guard !self.settings.files.paths.isEmpty else { return }
        self.read(FileMarks(of: self.settings.files.paths))
    }

    /// - Parameter marks: From before reading.
    private func read(_ marks: FileMarks) {
        defer { self.changes.wasRead(marks) }
        do throws(SettingError) {
            let context = try self.settings.context(self.logger)
            self.holder.replace(with: context)
            Self.show(context, of: self.settings)
            self.successes.increment()
            self.logger.notice(
                "The certificates of TLS were read again",
                metadata: ["files": "\(self.settings.files.paths.joined(separator: ", "))"])
        } catch {
            self.failures.increment()
            self.logger.error(
                "The certificates of TLS cannot be used: those from before stay", metadata: [LogKey.error: "\(error)"])
        }
    }
}
