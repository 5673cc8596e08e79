package import Domain

/// A delivery that ended without success, with all that is needed to send it again.
package struct DeadLetter: Sendable, Equatable {
    package let subscription: SubscriptionID
    package let queue: QueueAddress
    package let position: Position
    package let attempts: Int
    package let reason: DeliveryDecision.Reason
    /// How the last attempt ended, as the worker put it.
    package let summary: String
    package let endedAt: Timestamp
    package let ttl: Int
    package let delay: Int?
    package let checksum: [UInt8]?
    package let isSealed: Bool
    package let kind: NotificationKind
    /// Empty for a confirmation, which holds a signature.
    package let body: ArraySlice<UInt8>
}
