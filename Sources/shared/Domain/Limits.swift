/// The bounds of the Messaging API v2 that a deployment may move (contract: "Limits and settings").
package struct Limits: Sendable {
    /// Largest `limit` of a listing, for queues, messages and subscriptions alike.
    package var pageMax = 20
    /// Bytes in the body of a queue PUT.
    package var queueMetadataBytesMax = 65_536
    /// Bytes in the body of a message post, as sent.
    package var postBytesMax = 262_144
    /// Seconds a message may live.
    package var messageTTLMax = 1_209_600
    /// Seconds a message may be held back.
    package var messageDelayMax = 900
    /// Seconds a message lives when neither it nor its queue says.
    package var messageTTLDefault = 3600
    /// Seconds a subscription lives when it does not say.
    package var subscriptionTTLDefault = 3600

    package init() {}

    /// The page size of a request that does not name one.
    package static let pageDefault = 10
    /// Fewest seconds any message or subscription may be asked to live.
    package static let ttlMin = 60
    /// Levels of arrays and objects a body may nest.
    package static let nestingMax = 100
}
