import Foundation
package import Logging

/// How lines of the log are written.
package enum LogFormat: String, Sendable, CaseIterable {
    /// For people: `<time> <level> <process>: <key>=<value>… [<module>] <message>`.
    case text
    /// For collectors: an object with `time`, `level`, `process`, `module`, `message`, and a member for each key.
    case json
}

/// One event of the log, ready to be written as one line.
package struct LogLine: Sendable {
    /// A longer line is cut: values of it may come from outside.
    package static let bytesMax = 8 * 1024
    /// Of each text of a JSON line.
    private static let textBytesMax = 2048

    let label: String
    let level: Logger.Level
    let message: Logger.Message
    let metadata: Logger.Metadata
    let module: String
    /// Milliseconds since 1970.
    let time: Int64

    package init(
        label: String, level: Logger.Level, message: Logger.Message, metadata: Logger.Metadata, module: String,
        time: Int64
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
    package func written(as format: LogFormat, standingFor count: Int = 1) -> String {
        var metadata = self.metadata
        if count > 1 { metadata[LogKey.repeated] = "\(count)" }
        let pairs = metadata.sorted { $0.key < $1.key }
        switch format {
        case .text:
            let words = pairs.map { " \($0.key)=\($0.value)" }.joined()
            return Self.oneLine(
                "\(Self.stamp(self.time)) \(self.level) \(self.label):\(words) [\(self.module)] \(self.message)")
        case .json: return self.object(pairs)
        }
    }

    private func object(_ pairs: [(key: String, value: Logger.MetadataValue)]) -> String {
        var line = JSONLine(textBytesMax: Self.textBytesMax)
        line.member("time", Self.stamp(self.time))
        line.member("level", self.level.rawValue)
        line.member("process", self.label)
        line.member("module", self.module)
        line.member("message", "\(self.message)")
        for (key, value) in pairs {
            // A name, two quotes each, a colon, a comma and what shows that a text was cut.
            guard line.bytes + Self.textBytesMax + key.utf8.count + 12 <= Self.bytesMax else { continue }
            line.member(key, "\(value)")
        }
        return line.finished
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

    /// RFC 3339 in local time, with milliseconds.
    static func stamp(_ milliseconds: Int64) -> String {
        var seconds = time_t(milliseconds / 1000)
        var parts = tm()
        guard localtime_r(&seconds, &parts) != nil else { return "-" }
        func words(_ format: String) -> String {
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
                guard let base = buffer.baseAddress, strftime(base, buffer.count, format, &parts) > 0 else {
                    return "-"
                }
                return String(cString: base)
            }
        }
        let fraction = String(milliseconds % 1000 + 1000).dropFirst()
        var zone = words("%z")
        if zone.utf8.count == 5 { zone.insert(":", at: zone.index(zone.endIndex, offsetBy: -2)) }
        return "\(words("%Y-%m-%dT%H:%M:%S")).\(fraction)\(zone == "+00:00" ? "Z" : zone)"
    }
}
