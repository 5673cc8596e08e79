/// The reserved attributes of a queue that posting has to know, taken from its metadata.
///
/// The metadata as the caller wrote it is stored beside them; nil means the caller did not set the attribute.
package struct QueueAttributes: Sendable, Equatable {
    /// `_max_messages_post_size`, bytes.
    package var postBytesMax: Int?
    /// `_default_message_ttl`, seconds.
    package var messageTTLDefault: Int?
    /// `_default_message_delay`, seconds.
    package var messageDelayDefault: Int?

    package init(postBytesMax: Int? = nil, messageTTLDefault: Int? = nil, messageDelayDefault: Int? = nil) {
        self.postBytesMax = postBytesMax
        self.messageTTLDefault = messageTTLDefault
        self.messageDelayDefault = messageDelayDefault
    }
}
