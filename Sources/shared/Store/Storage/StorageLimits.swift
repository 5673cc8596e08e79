/// The bounds of one call to the storage of a backend, which callers keep to.
package enum StorageLimits {
    /// What the record of a message has in front of its body, at least.
    package static let recordHeadBytes = 13
    /// Messages of one claim.
    package static let claimMessagesMax = 100
    /// Ids of one call that names messages.
    package static let messageIDsMax = 100
    /// Dead letters of one redrive.
    package static let redrivesMax = 100
    /// Settlements, renewals and lapsed leases of one call.
    package static let settlementsMax = 500
    /// Events that one call fans out, about how many deliveries it makes, of how many projects it leases, and of how many
    /// subscriptions of each.
    package static let eventsOfCall = 16
    package static let pageOfCall = 200
    package static let projectsOfCall = 16
    package static let subscriptionsPerProject = 16
    /// Subscriptions of a shard that a look at the backlog looks at, and queues with events.
    package static let backlogSubscriptions = 250
    /// Subscriptions that one call of a survey looks at.
    package static let surveyedMax = 64
}
