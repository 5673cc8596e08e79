package import Foundation
package import Logging

/// One event of the log, ready to be written as one line.
package struct LogLine: Sendable {
    /// A longer line is cut: values of it may come from outside.
    package static let bytesMax = 8 * 1024

    let label: String
    let level: Logger.Level
    let message: Logger.Message
    let metadata: Logger.Metadata
    let module: String
    /// Seconds since the epoch.
    let time: time_t

    package init(
        label: String, level: Logger.Level, message: Logger.Message, metadata: Logger.Metadata, module: String,
        time: time_t
    ) {
        self.label = label
        self.level = level
        self.message = message
        self.metadata = metadata
        self.module = module
        self.time = time
    }

    /// The line without its line feed.
    ///
    /// - Parameter count: How many events it stands for.
    package func text(standingFor count: Int = 1) -> String {
        var metadata = self.metadata
        if count > 1 { metadata[LogKey.repeated] = "\(count)" }
        let pairs = metadata.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        return Self.oneLine(
            "\(Self.stamp(self.time)) \(self.level) \(self.label):\(pairs) [\(self.module)] \(self.message)")
    }

    /// Escapes control characters, so that a value cannot begin a line of its own, and cuts what is too long.
    private static func oneLine(_ text: String) -> String {
        let isPlain = text.utf8.count <= Self.bytesMax && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        if isPlain { return text }
        var line = ""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x0A: line += "\\n"
            case 0..<0x20, 0x7F: line += "\\u{\(String(scalar.value, radix: 16))}"
            default: line.unicodeScalars.append(scalar)
            }
            if line.utf8.count >= Self.bytesMax { return line + "…" }
        }
        return line
    }

    private static func stamp(_ time: time_t) -> String {
        var time = time
        var parts = tm()
        guard localtime_r(&time, &parts) != nil else { return "-" }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            guard let base = buffer.baseAddress, strftime(base, buffer.count, "%Y-%m-%dT%H:%M:%S%z", &parts) > 0
            else { return "-" }
            return String(cString: base)
        }
    }
}
