package import Foundation

/// Cuts a stream of bytes into lines.
package struct LineSplitter: Sendable {
    /// A line longer than this is cut: nothing a process prints may eat our memory.
    package static let lineBytesMax = 64 * 1024

    private var rest = Data()

    package init() {}

    /// Takes more bytes, and gives the lines they complete.
    package mutating func take(_ data: Data) -> [String] {
        self.rest.append(data)
        var lines: [String] = []
        while let end = self.rest.firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(String(decoding: self.rest[..<end], as: UTF8.self))
            self.rest = Data(self.rest[(end + 1)...])
        }
        if self.rest.count > Self.lineBytesMax { lines += self.finish() }
        return lines
    }

    /// The line that has no end, if there is one.
    package mutating func finish() -> [String] {
        guard !self.rest.isEmpty else { return [] }
        defer { self.rest = Data() }
        return [String(decoding: self.rest, as: UTF8.self)]
    }
}
