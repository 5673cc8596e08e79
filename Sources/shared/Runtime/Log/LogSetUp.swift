import CoreMetrics
import Foundation
import Logging
import Settings

/// One line per event on standard error, from the level the settings name.
package enum LogSetUp {
    /// The only writer of standard error, for the log and for a process' last words.
    package static let standardError: LineWriter = LineWriter(
        STDERR_FILENO,
        droppedLine: { count in
            Self.shared.line(
                "\(count) lines of the log were dropped: standard error was not read in time, or refused them")
        },
        onDrop: { Self.dropped.increment(by: Int64($0)) })

    /// Not by way of swift-metrics: lines may be dropped before the registry is behind it.
    private static let dropped = MetricsRegistry.shared.makeCounter(
        label: Metric.logDropped.label, dimensions: [])

    /// The log of the process, behind swift-log once ``HeraldProcess`` runs.
    static let shared: ProcessLog = ProcessLog(writer: Self.standardError)

    /// Sets the log up for the whole process, once, and gives it its first logger.
    static func start(_ process: ProcessKind, level: String, format: LogFormat) -> Logger {
        Self.shared.format = format
        // The series is there, at 0, from the first look at the metrics.
        _ = Self.dropped
        let least = Logger.Level(rawValue: level) ?? .info
        LoggingSystem.bootstrap(
            { label, provider in
                ProcessLogHandler(label: label, log: Self.shared, logLevel: least, metadataProvider: provider)
            }, metadataProvider: nil)
        return Logger(label: process.rawValue)
    }
}
