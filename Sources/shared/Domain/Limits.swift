/// The bounds of the Messaging API v2 that a deployment may move (docs/configuration.md).
package struct Limits: Sendable, Equatable {
    /// Largest `limit` of a list of queues.
    package var queuePageMax = 20
    /// Largest `limit` of a list of messages, and number of `ids` got or deleted at once.
    package var messagePageMax = 20
    /// Largest `limit` of a list of subscriptions.
    package var subscriptionPageMax = 20
    /// Messages one claim or pop may take.
    package var claimMessagesMax = 20
    /// Bytes in the body of a queue PUT or PATCH.
    package var queueMetadataBytesMax = 65_536
    /// Bytes in the body of a message post, as sent.
    package var postBytesMax = 262_144
    /// Messages in one post.
    package var postMessagesMax = 1000
    /// Seconds a message may live.
    package var messageTTLMax = 1_209_600
    /// Seconds a message may be held back.
    package var messageDelayMax = 900
    /// Seconds a claim may hold.
    package var claimTTLMax = 43_200
    /// Seconds a claim may keep its messages alive beyond its own end.
    package var claimGraceMax = 43_200
    /// Seconds a message lives when neither it nor its queue says.
    package var messageTTLDefault = 3600
    /// Seconds a message is held back when neither it nor its queue says: shown by queues, and used for none.
    package var messageDelayDefault = 0
    /// Seconds a claim holds when it does not say.
    package var claimTTLDefault = 300
    /// Seconds of grace of a claim that does not say.
    package var claimGraceDefault = 60
    /// Seconds a subscription lives when it does not say.
    package var subscriptionTTLDefault = 3600
    /// Seconds for which the key of a post is kept.
    package var postKeyWindow = 86_400
    package init() {}

    /// Bytes the metadata of one queue or topic may take in the store.
    package var queueMetadataStoredBytesMax: Int { max(self.queueMetadataBytesMax, Self.queueMetadataStoredBytesMin) }

    /// Bytes of the fullest page there may be: the store reads a page in one reply, and a reply has a bound.
    package static let pageBytesMax = 60 << 20
    /// Largest `limit` of a list of pools or flavors.
    package static let poolPageMax = 20
    /// Largest `limit` of a list of projects: each costs a question to each shard.
    package static let projectPageMax = 20
    /// The page size of a request that does not name one.
    package static let pageDefault = 10
    /// The messages of a claim that does not say how many.
    package static let claimDefault = 10
    /// Bytes of metadata a queue may gather over many PATCHes, unless one PUT may bring more.
    package static let queueMetadataStoredBytesMin = 262_144
    /// Fewest seconds any message or subscription may be asked to live.
    package static let ttlMin = 60
    /// Queues that a message comes through: from the last one it is not sent to endpoints, which may be queues again.
    package static let hopsMax = 5
}
