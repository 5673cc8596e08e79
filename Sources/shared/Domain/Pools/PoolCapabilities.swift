/// What a pool promises of the queues on it (docs/api.md, "Pools and flavors").
package struct PoolCapabilities: OptionSet, Sendable, Hashable {
    package let rawValue: Int

    package init(rawValue: Int) { self.rawValue = rawValue }

    package static let fifo = PoolCapabilities(rawValue: 1 << 1)
    package static let claims = PoolCapabilities(rawValue: 1 << 2)
    /// What is acknowledged survives the death of the server.
    package static let durability = PoolCapabilities(rawValue: 1 << 3)
    package static let atLeastOnce = PoolCapabilities(rawValue: 1 << 4)
    package static let highThroughput = PoolCapabilities(rawValue: 1 << 5)

    /// What every Redis promises.
    package static let redis: PoolCapabilities = [.fifo, .claims, .atLeastOnce, .highThroughput]

    /// As callers know them, in the order of their codes.
    package var names: [String] {
        [
            (.fifo, "FIFO"), (.claims, "CLAIMS"), (.durability, "DURABILITY"), (.atLeastOnce, "AOD"),
            (.highThroughput, "HIGH_THROUGHPUT"),
        ].filter { (capability: PoolCapabilities, _: String) in self.contains(capability) }.map(\.1)
    }
}
