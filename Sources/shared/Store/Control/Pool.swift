package import Domain

/// A Redis an administrator registered for queues to live on.
package struct Pool: Sendable, Equatable {
    package let name: PoolName
    /// As given, with its password.
    package var uri: String
    /// Its part of new queues is its weight in the sum of all weights; 0 gets none.
    package var weight: Int
    /// The flavor it serves, whether there is one of the name or not; nil for none.
    package var label: String?
    /// A JSON object as the caller wrote it.
    package var options: [UInt8]
    package var capabilities: PoolCapabilities

    package static let weightRange = 0...Int(UInt32.max)
    /// Characters of a URI and of a label.
    package static let textMax = 255
    /// Pools of a deployment: all of them are read, and may be connected to, by every process.
    package static let countMax = 1000

    package init(
        name: PoolName, uri: String, weight: Int, label: String?, options: [UInt8], capabilities: PoolCapabilities
    ) {
        self.name = name
        self.uri = uri
        self.weight = weight
        self.label = label
        self.options = options
        self.capabilities = capabilities
    }
}

extension Pool {
    /// Its form in Redis: weight, capabilities, label, URI and options, each behind its length.
    var record: [UInt8] {
        RecordText.encode([
            Array(String(self.weight).utf8), Array(String(self.capabilities.rawValue).utf8),
            Array((self.label ?? "").utf8), Array(self.uri.utf8), self.options,
        ])
    }

    /// nil when this house has not written it.
    init?(name: PoolName, record: [UInt8]) {
        guard let parts = RecordText.decode(record), parts.count == 5,
            let weight = Int(String(decoding: parts[0], as: UTF8.self)),
            let capabilities = PoolCapabilities(stored: parts[1])
        else { return nil }
        let label = String(decoding: parts[2], as: UTF8.self)
        self.init(
            name: name, uri: String(decoding: parts[3], as: UTF8.self), weight: weight,
            label: label.isEmpty ? nil : label, options: parts[4],
            capabilities: capabilities)
    }
}

extension PoolCapabilities {
    /// - Parameter text: Their number; nil for one with a bit that no capability has.
    init?(stored text: [UInt8]) {
        let all: PoolCapabilities = [.fifo, .claims, .durability, .atLeastOnce, .highThroughput]
        guard let number = Int(String(decoding: text, as: UTF8.self)), number & ~all.rawValue == 0 else { return nil }
        self.init(rawValue: number)
    }
}

/// Texts of any content in one, each behind its length and a colon: `3:abc0:`.
enum RecordText {
    static func encode(_ parts: [[UInt8]]) -> [UInt8] {
        parts.flatMap { Array("\($0.count):".utf8) + $0 }
    }

    static func decode(_ bytes: [UInt8]) -> [[UInt8]]? {
        var rest = bytes[...]
        var parts: [[UInt8]] = []
        while !rest.isEmpty {
            guard let colon = rest.firstIndex(of: UInt8(ascii: ":")),
                let count = Int(String(decoding: rest[..<colon], as: UTF8.self)),
                count >= 0, count <= rest.endIndex - colon - 1
            else { return nil }
            let start = colon + 1
            parts.append(Array(rest[start..<start + count]))
            rest = rest[(start + count)...]
        }
        return parts
    }
}
