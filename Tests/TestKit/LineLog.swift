package import Logging
package import NIOConcurrencyHelpers

/// Notes level, message and metadata of each line that is logged.
package struct LineLog: LogHandler {
    package let lines: NIOLockedValueBox<[String]>
    package var metadata: Logger.Metadata = [:]
    package var logLevel = Logger.Level.trace

    package init(lines: NIOLockedValueBox<[String]>) { self.lines = lines }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let line = "\(event.level) \(event.message) \(event.metadata ?? [:])"
        self.lines.withLockedValue { $0.append(line) }
    }
}
