import Logging

/// One line per event on standard error, from the level the settings name.
package enum LogSetUp {
    /// Sets the log up for the whole process, once, and gives it its first logger.
    static func start(_ process: ProcessKind, level: String) -> Logger {
        let least = Logger.Level(rawValue: level) ?? .info
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = least
            return handler
        }
        return Logger(label: process.rawValue)
    }
}
