/// How fast and in which order a subscription is served; part of its options.
package struct Pace: Sendable, Equatable {
    /// What ``maxPerSecond`` may be.
    package static let perSecondRange = 1...100_000

    /// One message at a time, in post order: one that fails holds its successors until it succeeds or ends.
    package var isOrdered: Bool
    /// Most attempts started in any second; nil: as many as the window allows.
    package var maxPerSecond: Int?
    /// nil: as the queue says.
    ///
    /// It counts for subscribers that take several messages at once, and for none that is ordered.
    package var digest: Digest?

    package init(isOrdered: Bool = false, maxPerSecond: Int? = nil, digest: Digest? = nil) {
        self.isOrdered = isOrdered
        self.maxPerSecond = maxPerSecond
        self.digest = digest
    }
}
