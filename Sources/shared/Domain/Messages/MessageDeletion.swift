/// The result of deleting one message.
package enum MessageDeletion: Sendable, Equatable {
    /// The message is gone, or was before.
    case deleted
    /// It is under an active claim, and no claim was named.
    case claimed
    /// A claim was named, and the message is not under an active one, or the named one is not active.
    case notClaimed
    /// The named claim is active and another one holds the message.
    case claimedByAnother
}

/// The result of deleting messages together with their claims: all of them, or none.
package enum BulkDeletion: Sendable, Equatable {
    case deleted
    /// One of the messages is not under an active claim. Nothing was deleted.
    case notClaimed
    /// One of the messages is under an active claim that was not named. Nothing was deleted.
    case claimedByAnother
}
