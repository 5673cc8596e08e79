package import Foundation

/// The file of an audit log.
package struct AuditFile: Sendable {
    /// A line of it.
    package struct Line: Sendable, CustomStringConvertible {
        package let text: String
        private let members: [String: String]

        /// nil for what is no line of an audit log: one JSON object in printable ASCII.
        package init?(_ text: Substring) {
            guard text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }),
                let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
            else { return nil }
            self.text = String(text)
            self.members = object.mapValues { "\($0)" }
        }

        package subscript(name: String) -> String? { self.members[name] }
        package var status: Int? { self.members["status"].flatMap { Int($0) } }
        package var names: Set<String> { Set(self.members.keys) }
        package var description: String { self.text }
    }

    package struct Malformed: Error {
        package let line: String
    }

    package let path: String

    package init(_ url: URL) { self.path = url.path }

    /// The lines that are written so far; a file that is not there has none.
    package var lines: [Line] {
        get throws {
            guard let data = FileManager.default.contents(atPath: self.path) else { return [] }
            // The last line may be on its way.
            let whole = data[..<(data.lastIndex(of: UInt8(ascii: "\n")) ?? data.startIndex)]
            return try String(decoding: whole, as: UTF8.self).split(separator: "\n").map { text in
                guard let line = Line(text) else { throw Malformed(line: String(text)) }
                return line
            }
        }
    }

    /// Waits until a line is written for which `isWanted` holds; nil when none is.
    package func line(where isWanted: (Line) -> Bool) async throws -> Line? {
        try await eventually { try self.lines.first(where: isWanted) }
    }
}
