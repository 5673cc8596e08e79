/// How fast, in which order and with which messages a subscription is served; part of its options.
package struct Pace: Sendable, Equatable {
    /// What ``maxPerSecond`` may be.
    package static let perSecondRange = 1...100_000
    /// What ``inFlightMax`` may be: a window grows no further.
    package static let inFlightRange = 1...64

    /// One message at a time, in post order: one that fails holds its successors until it succeeds or ends.
    package var isOrdered: Bool
    /// Most attempts started in any second; nil: as many as the window allows.
    package var maxPerSecond: Int?
    /// nil: as the queue says.
    ///
    /// It counts for subscribers that take several messages at once, and for none that is ordered.
    package var digest: Digest?
    /// Most attempts under way at once, of a subscriber that takes no digests; nil: as many as the window grows to.
    package var inFlightMax: Int?
    /// Whether a filter policy says which messages it gets at all; the policy itself is in the options.
    package var isFiltered: Bool

    package init(
        isOrdered: Bool = false, maxPerSecond: Int? = nil, digest: Digest? = nil, inFlightMax: Int? = nil,
        isFiltered: Bool = false
    ) {
        self.isOrdered = isOrdered
        self.maxPerSecond = maxPerSecond
        self.digest = digest
        self.inFlightMax = inFlightMax
        self.isFiltered = isFiltered
    }
}
