/// A flavor among all flavors of all projects.
package struct FlavorAddress: Hashable, Sendable {
    package let project: ProjectID
    package let name: FlavorName

    package init(project: ProjectID, name: FlavorName) {
        self.project = project
        self.name = name
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
}

/// A flavor as callers see it.
package struct FlavorView: Sendable {
    package let name: FlavorName
    /// In the order of their names.
    package let pools: [PoolName]
    package let capabilities: PoolCapabilities

    package init(name: FlavorName, pools: [PoolName], capabilities: PoolCapabilities) {
        self.name = name
        self.pools = pools
        self.capabilities = capabilities
    }
}
