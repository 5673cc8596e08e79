/// A Redis an administrator registered for queues to live on.
package struct StoragePool: Sendable, Equatable {
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
