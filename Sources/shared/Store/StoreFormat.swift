/// The format of what a store keeps in Redis: names of keys, layouts of records, meaning of values.
///
/// The number is kept with the identity of the store. A process opens no store of a format it does not understand, and
/// writes what the store's format allows, also where it understands a newer one: other processes read it. The number is
/// raised on purpose, once every registered process understands the new one; `docs/operations.md` tells how.
///
/// | format | what it added |
/// |---|---|
/// | 1 | the first one |
/// | 2 | traces of messages, durabilities of queues, pools of Sentinels and clusters and behind TLS |
/// | 3 | queues that move between pools |
/// | 4 | filter policies of subscriptions, retry policies that name their waits, keys of posts, dead letters of subscriptions that ended, asymmetric signatures and formats of webhooks |
///
/// A bit, field or value that no format it understands has makes a record unreadable: nothing is ignored.
package enum StoreFormat {
    /// The formats this Herald reads and writes.
    package static let understood: ClosedRange<Int> = 1...4

    /// The format from which on a record of a message may have a trace.
    static let ofTraces = 2
    /// The format from which on the deliveries of a subscription that ends are kept.
    static let ofEndedDeliveries = 4
    /// The format from which on a queue may ask for a durability of its own.
    package static let ofDurabilities = 2
    /// The format from which on a pool may be something else than one server in the clear.
    package static let ofPoolForms = 2
    /// The format from which on a queue may move to another pool.
    package static let ofMoves = 3
    /// The format from which on a subscription may have a filter policy.
    package static let ofFilters = 4
    /// The format from which on a retry policy may name its waits.
    package static let ofWaits = 4
    /// The format from which on a post may have a key.
    package static let ofPostKeys = 4
    /// The format from which on the webhooks of a subscription may be signed otherwise than by its secret.
    package static let ofSignatures = 4
    /// The format from which on the webhooks of a subscription may hold something else than the notification.
    package static let ofFormats = 4

    /// Says behind its subject that something is of another format than the store has.
    package static func words(asking needed: Int, of format: Int) -> String {
        "takes format \(needed) of the stored data, which has format \(format): see 'herald format raise'."
    }
}
