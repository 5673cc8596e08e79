import Foundation
import Logging

/// Puts what a `Logger` is given into the ``ProcessLog``.
struct ProcessLogHandler: LogHandler {
    let label: String
    let log: ProcessLog
    var logLevel: Logger.Level
    var metadata = Logger.Metadata()
    var metadataProvider: Logger.MetadataProvider?

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var metadata = self.metadata
        if let provided = self.metadataProvider?.get() { metadata.merge(provided) { _, new in new } }
        if let given = event.metadata { metadata.merge(given) { _, new in new } }
        if let error = event.error { metadata[LogKey.error] = "\(error)" }
        let part = [LogKey.pool, LogKey.shard].compactMap { metadata[$0]?.description }.joined(separator: " ")
        self.log.take(
            LogLine(
                label: self.label, level: event.level, message: event.message, metadata: metadata,
                module: event.source, time: time(nil)),
            from: .init(file: event.file, line: event.line, part: part))
    }
}
