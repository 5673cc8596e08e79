package import Domain
import JSON
package import NIOCore

/// What callers read about queues over WebSocket.
package enum QueueActionDocument {
    /// `{"queues": [{"name": "q", "metadata": {}}]}`.
    ///
    /// - Parameter isDetailed: Whether the metadata are shown, as they are stored.
    package static func list(_ queues: [QueueListing], isDetailed: Bool) -> ByteBuffer {
        JSONWriter.object(capacity: 1024) { object in
            object.array("queues") { list in
                for queue in queues {
                    list.object { item in
                        item.member("name", queue.name.text)
                        if isDetailed { item.member("metadata", verbatim: queue.metadata[...]) }
                    }
                }
            }
        }
    }

    /// Metadata as they are stored, without defaults.
    package static func metadata(_ metadata: QueueMetadata) -> ByteBuffer {
        JSONWriter.object(capacity: 512) { object in
            for (name, value) in metadata.verbatimMembers { object.member(named: name, verbatim: value[...]) }
        }
    }
}
