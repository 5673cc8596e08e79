package import Domain

/// A flavor among all flavors of all projects.
package struct FlavorAddress: Hashable, Sendable {
    package let project: ProjectID
    package let name: FlavorName

    package init(project: ProjectID, name: FlavorName) {
        self.project = project
        self.name = name
    }

    /// Length-prefixed as a queue's key is.
    var key: String { "\(self.project.text.utf8.count):\(self.project.text):\(self.name.text)" }

    /// nil when this house has not written it.
    init?(key: [UInt8]) {
        // The names of flavors and queues have one alphabet.
        guard let queue = QueueAddress(key: key[...]), let name = try? FlavorName(queue.name.text) else { return nil }
        self.init(project: queue.project, name: name)
    }
}

/// What is kept of a flavor; its pools are those that carry its name.
package struct Flavor: Sendable, Equatable {
    /// Of its first pool, when it was made.
    package var capabilities: PoolCapabilities

    /// Flavors of a deployment: all of them are read by every process.
    package static let countMax = 10_000

    package init(capabilities: PoolCapabilities) {
        self.capabilities = capabilities
    }

    var record: [UInt8] { Array(String(self.capabilities.rawValue).utf8) }

    init?(record: [UInt8]) {
        guard let capabilities = PoolCapabilities(stored: record) else { return nil }
        self.init(capabilities: capabilities)
    }
}
