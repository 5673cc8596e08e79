/// The reserved attributes of a queue that scripts have to know, taken from its metadata.
///
/// The metadata as the caller wrote it is stored beside them; nil means the caller did not set the attribute.
package struct QueueAttributes: Sendable, Equatable {
    /// `_max_messages_post_size`, bytes.
    package var postBytesMax: Int?
    /// `_default_message_ttl`, seconds.
    package var messageTTLDefault: Int?
    /// `_default_message_delay`, seconds.
    package var messageDelayDefault: Int?
    /// `_max_claim_count`: a message claimed this often moves to ``deadLetterQueue`` instead of being claimed again.
    package var claimCountMax: Int?
    /// `_dead_letter_queue`, of the same project and not the queue itself; messages move only with both set.
    package var deadLetterQueue: QueueName?
    /// `_dead_letter_queue_messages_ttl`, seconds from the move on.
    package var deadLetterTTL: Int?
    /// `_enable_encrypt_messages`.
    package var encryptsMessages: Bool
    /// `_durability`.
    package var durability: Durability?
    /// `_retry_policy`; nil also when it says nothing.
    package var retryPolicy: RetryPolicy?
    /// Of `_email`: for subscriptions that have none of their own.
    package var digest: Digest?

    package init(
        postBytesMax: Int? = nil, messageTTLDefault: Int? = nil, messageDelayDefault: Int? = nil,
        claimCountMax: Int? = nil, deadLetterQueue: QueueName? = nil, deadLetterTTL: Int? = nil,
        encryptsMessages: Bool = false, durability: Durability? = nil, retryPolicy: RetryPolicy? = nil,
        digest: Digest? = nil
    ) {
        self.postBytesMax = postBytesMax
        self.messageTTLDefault = messageTTLDefault
        self.messageDelayDefault = messageDelayDefault
        self.claimCountMax = claimCountMax
        self.deadLetterQueue = deadLetterQueue
        self.deadLetterTTL = deadLetterTTL
        self.encryptsMessages = encryptsMessages
        self.durability = durability
        self.retryPolicy = retryPolicy
        self.digest = digest
    }
}
