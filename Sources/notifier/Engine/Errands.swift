/// What a shard has to be asked for; each is done until nothing of it is left.
struct Errands: OptionSet, Sendable {
    let rawValue: UInt8

    /// Leases came with a settlement.
    static let start = Errands(rawValue: 1 << 0)
    /// Events wait to be fanned out.
    static let take = Errands(rawValue: 1 << 1)
    /// Deliveries wait that may be due.
    static let lease = Errands(rawValue: 1 << 2)
    /// Leases of a notifier that is gone have ended.
    static let reap = Errands(rawValue: 1 << 3)
    /// Something has expired.
    static let sweep = Errands(rawValue: 1 << 4)
}
