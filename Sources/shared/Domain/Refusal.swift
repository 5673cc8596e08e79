/// Why a request is refused.
///
/// The caller can correct each; how one looks on the wire is decided by the transport.
package enum Refusal: Error, Sendable, Equatable {
    // Who asks
    case clientMissing
    case clientMalformed
    case projectMissing
    case projectEmpty
    case projectTooLong
    /// The id holds U+FFFD: bytes of the header were no UTF-8.
    case projectMalformed
    /// The caller has none of the roles the operation asks for.
    case notAuthorized
    /// The project has as much of something as it may have, or would have more.
    case limitReached(ProjectLimit, max: Int)

    // What is asked for
    case queueNameInvalid
    case topicNameInvalid
    /// A parameter of the query string is not a number or not a boolean.
    case parameterMalformed(name: String, expected: String)
    /// A value is of the right kind and out of range, or conflicts with another.
    case requestInvalid(String)
    /// The body is missing, unreadable, or not of the shape the operation takes.
    case bodyInvalid(String)

    // What was found
    /// An operation that changes a queue needs one that is there.
    case queueNotFound
    case topicNotFound
    /// The key of a post was that of another request.
    case postKeyTaken
    /// A change of metadata is at odds with what is stored.
    case metadataConflict(String)
    case messageNotFound
    case claimNotFound
    /// A message is under an active claim that the caller did not show.
    case messageClaimed
    /// A claim was shown, or had to be, that does not hold the message.
    case messageNotClaimed(String)
    case subscriptionNotFound
    case suppressionNotFound
    case deadLetterNotFound
    case poolNotFound
    case flavorNotFound
    /// Another pool is at odds with what is asked for.
    case poolConflict(String)
    /// Pools of one flavor have to have the same capabilities.
    case poolsDiffer(String)
    /// Something would lose what it needs.
    case deletionRefused(String)
    case flavorPoolMissing(flavor: String, pool: String)
    /// The pools of a flavor cannot be changed to those asked for.
    case flavorUpdateRefused(String)
    case subscriberSchemeUnsupported(supported: [String])
    /// No trust can be made or used for a subscriber that is called with a token.
    case trustRefused(String)
    /// The subscriber was asked whether it wants to be notified, and did not say so.
    case subscriptionUnconfirmed
    /// The subscriber is already subscribed and confirmed.
    case subscriptionExists(id: String)
    /// Another subscription of the queue has the subscriber.
    case subscriberTaken
    /// The body names nothing of a subscription that could be changed.
    case subscriptionUnchanged
    /// The body does not say whether a subscription is confirmed.
    case confirmationMissing
}
