package import Domain

/// One line of a listing of queues.
package struct QueueListing: Sendable, Equatable {
    package let name: QueueName
    /// The JSON object, byte for byte as it was put.
    package let metadata: [UInt8]
}
