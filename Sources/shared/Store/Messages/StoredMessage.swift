package import Domain

/// A message as it lies in a queue, at the moment it was read.
package struct StoredMessage: Sendable, Equatable {
    package let id: MessageID
    /// Seconds it lives, from its posting.
    package let ttl: Int
    /// Whole seconds since it was posted, by Redis' clock.
    package let age: Int
    /// Seconds it is held back; nil when neither its post nor its queue asked for it.
    package let delay: Int?
    /// The JSON value, byte for byte as it was posted.
    package let body: ArraySlice<UInt8>
}
