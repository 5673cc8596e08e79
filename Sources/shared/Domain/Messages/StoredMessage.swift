/// A message of a queue, at the moment it was read.
package struct StoredMessage: Sendable, Equatable {
    package let id: MessageID
    /// Seconds it lives, from its posting; for a message a claim has prolonged, ttl and grace of that claim.
    package let ttl: Int
    /// Whole seconds since it was posted, by Redis' clock.
    package let age: Int
    /// Seconds it is held back; nil when neither its post nor its queue asked for it.
    package let delay: Int?
    /// The active claim it is under.
    package let claim: ClaimID?
    /// How often it was claimed while its queue counted.
    package let claimCount: Int
    /// The MD5 recorded when it was posted, 16 bytes.
    package let checksum: [UInt8]?
    /// Whether ``body`` is encrypted.
    package let isSealed: Bool
    /// The JSON value, byte for byte as it was posted; for a sealed message, what it was sealed into.
    package let body: ArraySlice<UInt8>

    package init(
        id: MessageID, ttl: Int, age: Int, delay: Int?, claim: ClaimID?, claimCount: Int, checksum: [UInt8]?,
        isSealed: Bool, body: ArraySlice<UInt8>
    ) {
        self.id = id
        self.ttl = ttl
        self.age = age
        self.delay = delay
        self.claim = claim
        self.claimCount = claimCount
        self.checksum = checksum
        self.isSealed = isSealed
        self.body = body
    }
}
