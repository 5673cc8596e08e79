import Foundation
package import Logging

/// Puts what a `Logger` is given into the ``ProcessLog``.
package struct ProcessLogHandler: LogHandler {
    let label: String
    let log: ProcessLog
    package var logLevel: Logger.Level
    package var metadata = Logger.Metadata()
    package var metadataProvider: Logger.MetadataProvider?

    package init(
        label: String, log: ProcessLog, logLevel: Logger.Level, metadataProvider: Logger.MetadataProvider? = nil
    ) {
        self.label = label
        self.log = log
        self.logLevel = logLevel
        self.metadataProvider = metadataProvider
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var metadata = self.metadata
        if let provided = self.metadataProvider?.get() { metadata.merge(provided) { _, new in new } }
        if let given = event.metadata { metadata.merge(given) { _, new in new } }
        if let error = event.error { metadata[LogKey.error] = "\(error)" }
        self.log.take(
            LogLine(
                label: self.label, level: event.level, message: event.message, metadata: metadata,
                module: event.source, time: Int64(Date().timeIntervalSince1970 * 1000)),
            from: .init(file: event.file, line: event.line, part: Self.part(metadata)))
    }

    /// What tells lines of one place in the code apart, for the limit of repetitions: what the operator or the code bounds.
    private static func part(_ metadata: Logger.Metadata) -> String {
        [LogKey.pool, LogKey.storeTrouble].map { metadata[$0]?.description ?? "" }.joined(separator: " ")
    }
}
