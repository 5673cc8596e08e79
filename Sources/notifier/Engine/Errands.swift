/// What a shard has to be asked for; each is done until nothing of it is left.
struct Errands: OptionSet, Sendable {
    let rawValue: UInt8

    /// Events wait to be fanned out.
    static let take = Errands(rawValue: 1 << 0)
    /// Deliveries wait that may be due.
    static let lease = Errands(rawValue: 1 << 1)
    /// Leases of a notifier that is gone have ended.
    static let reap = Errands(rawValue: 1 << 2)
    /// Something has expired.
    static let sweep = Errands(rawValue: 1 << 3)
}
