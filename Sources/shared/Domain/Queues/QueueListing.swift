/// One line of a listing of queues.
package struct QueueListing: Sendable, Equatable {
    package let name: QueueName
    /// The JSON object, byte for byte as it was put.
    package let metadata: [UInt8]

    package init(name: QueueName, metadata: [UInt8]) {
        self.name = name
        self.metadata = metadata
    }
}

/// One line of a listing of topics.
package struct TopicListing: Sendable, Equatable {
    package let name: TopicName
    /// The JSON object, byte for byte as it was put.
    package let metadata: [UInt8]

    package init(name: TopicName, metadata: [UInt8]) {
        self.name = name
        self.metadata = metadata
    }
}
