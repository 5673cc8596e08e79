package import Domain
import JSON
package import NIOCore

/// What callers read about queues and topics.
package enum QueueDocument {
    /// One line of a listing of queues, or of topics.
    package struct Line: Sendable {
        package let name: String
        /// The path of the queue or topic.
        package let path: String
        /// The JSON object, byte for byte as it was put.
        package let metadata: [UInt8]

        package init(name: String, path: String, metadata: [UInt8]) {
            self.name = name
            self.path = path
            self.metadata = metadata
        }
    }

    /// `{"queues": [{"name": "q", "href": "/v2/queues/q", "metadata": {}}], "links": [], "count": 1}`, and the same of
    /// topics.
    ///
    /// - Parameters:
    ///   - isDetailed: Whether the metadata are shown.
    ///   - next: The path and query of the next page; nil behind an empty page.
    ///   - count: nil when it was not asked for.
    package static func list(
        _ lines: [Line], of owner: QueueMetadata.Owner, isDetailed: Bool, limits: Limits, next: String?, count: Int?
    ) -> ByteBuffer {
        JSONWriter.object(capacity: 1024) { object in
            object.array(owner == .queue ? "queues" : "topics") { list in
                for line in lines {
                    list.object { item in
                        item.member("name", line.name)
                        item.member("href", line.path)
                        guard isDetailed else { return }
                        item.object("metadata") { metadata in
                            // Metadata that cannot be read are listed as unset; reading that queue alone reports the damage.
                            (QueueMetadata(stored: line.metadata) ?? .unset)
                                .write(to: &metadata, limits: limits, of: owner)
                        }
                    }
                }
            }
            object.links(next: next)
            if let count { object.member("count", count) }
        }
    }

    /// Metadata, with the defaults of the attributes that are always shown.
    package static func metadata(
        _ metadata: QueueMetadata, of owner: QueueMetadata.Owner, limits: Limits
    ) -> ByteBuffer {
        JSONWriter.object(capacity: 512) { metadata.write(to: &$0, limits: limits, of: owner) }
    }

    /// `{"messages": {"claimed": 0, "free": 1, "total": 1, "oldest": {…}, "newest": {…}}}`.
    package static func stats(_ stats: QueueStats, of queue: QueueAddress) -> ByteBuffer {
        JSONWriter.object { object in
            object.object("messages") { messages in
                messages.member("claimed", stats.claimed)
                messages.member("free", stats.free)
                messages.member("total", stats.total)
                if let oldest = stats.oldest {
                    messages.object("oldest") { Self.write(oldest, of: queue, to: &$0) }
                }
                if let newest = stats.newest {
                    messages.object("newest") { Self.write(newest, of: queue, to: &$0) }
                }
            }
        }
    }

    /// The stats of a topic, which holds no message.
    package static let topicStats = JSONWriter.object { object in
        object.object("messages") { messages in
            messages.member("claimed", 0)
            messages.member("free", 0)
            messages.member("total", 0)
        }
    }

    private static func write(_ edge: QueueStats.Edge, of queue: QueueAddress, to object: inout JSONObjectWriter) {
        object.member("href", "\(queue.path)/messages/\(edge.id.text)")
        object.member("age", edge.age)
        object.member("created", edge.createdAt.iso8601Seconds)
    }
}
