package import Domain
import Redis

/// How the keys are spread: which shard a queue belongs to, and the hash tag that puts a shard into its Cluster slot.
///
/// The number is fixed for the life of a deployment, since another one would look for every queue in another place.
package struct Shards: Sendable {
    package static let countRange = 1...256

    /// The tag of each shard, in order.
    package let tags: [String]

    package var count: Int { self.tags.count }

    /// - Parameter count: Within ``countRange``.
    package init(count: Int) {
        precondition(Self.countRange.contains(count), "shards are counted from 1 through 256")
        self.tags = (0..<count).map { Self.tag(of: $0, count: count) }
    }

    /// The shard that holds a queue, its subscriptions and their deliveries.
    ///
    /// Frozen: stored data lies where it says.
    package func shard(of queue: QueueAddress) -> Int {
        // FNV-1a over the queue's key, then the finalizer of MurmurHash3, whose low bits depend on all bits.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in queue.key.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
        hash = (hash ^ hash >> 33) &* 0xc4ce_b9fe_1a85_ec53
        return Int((hash ^ hash >> 33) % UInt64(self.count))
    }

    /// The middle of a shard's part of all slots: shards on their targets fall evenly on any number of nodes.
    package static func slotTarget(of shard: Int, count: Int) -> Int {
        let width = KeySlot.count / count
        return shard * width + width / 2
    }

    /// Of `s07`, `s071`, `s072` … `s07100` the one nearest to the shard's target.
    private static func tag(of shard: Int, count: Int) -> String {
        let target = Self.slotTarget(of: shard, count: count)
        let stem = shard < 10 ? "s0\(shard)" : "s\(shard)"
        var nearest = stem
        for counter in 1...36 * 36 {
            let tag = stem + String(counter, radix: 36)
            if Self.distance(of: tag, from: target) < Self.distance(of: nearest, from: target) { nearest = tag }
        }
        return nearest
    }

    private static func distance(of tag: String, from target: Int) -> Int {
        abs(Int(KeySlot(ofTag: tag).number) - target)
    }
}
