import Domain

extension StoragePool {
    /// Its form in Redis: weight, capabilities, label, URI and options, each behind its length.
    var record: [UInt8] {
        RecordText.encode([
            Array(String(self.weight).utf8), Array(String(self.capabilities.rawValue).utf8),
            Array((self.label ?? "").utf8), Array(self.uri.utf8), self.options,
        ])
    }

    /// nil for a record that Herald has not written.
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

extension FlavorAddress {
    /// Length-prefixed as a queue's key is.
    var key: String { "\(self.project.text.utf8.count):\(self.project.text):\(self.name.text)" }

    /// nil for a key that Herald has not written.
    init?(key: [UInt8]) {
        // The names of flavors and queues have one alphabet.
        guard let queue = QueueAddress(key: key[...]), let name = try? FlavorName(queue.name.text) else { return nil }
        self.init(project: queue.project, name: name)
    }
}

extension Flavor {
    var record: [UInt8] { Array(String(self.capabilities.rawValue).utf8) }

    /// nil for a record that Herald has not written.
    init?(record: [UInt8]) {
        guard let capabilities = PoolCapabilities(stored: record) else { return nil }
        self.init(capabilities: capabilities)
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
