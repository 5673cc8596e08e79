import Domain

/// Members of a collection that came in one answer, and where the next batch begins.
package struct ScanBatch: Sendable, Equatable {
    /// Each once, in byte order.
    package let members: [String]
    /// 0: this was the last batch.
    package let next: UInt64

    package init(members: some Sequence<String>, next: UInt64) {
        let sorted = members.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        var kept: [String] = []
        for member in sorted where !(kept.last?.hasSameBytes(as: member) ?? false) { kept.append(member) }
        self.members = kept
        self.next = next
    }
}

/// Where a look through a collection stands: at a batch, and behind those of its members that were taken.
///
/// ```
/// cursor ─── batch, in byte order ───► end        A batch that ends elsewhere than it did is another one: the collection
///             taken ──►│ still to take            has grown or shrunk. Then all of it is taken, some for the second time,
///                    after                        and none is missed.
/// ```
package struct ScanPlace: Sendable, Equatable {
    /// The batch, as the storage numbers them.
    package let cursor: UInt64
    /// The last member of it that was taken, and where the batch ended then; nil: nothing of it was taken.
    package let taken: Taken?

    package struct Taken: Sendable, Equatable {
        package let after: String
        package let end: UInt64

        package init(after: String, end: UInt64) {
            self.after = after
            self.end = end
        }
    }

    package static let start = ScanPlace(cursor: 0, taken: nil)

    package init(cursor: UInt64, taken: Taken?) {
        self.cursor = cursor
        self.taken = taken
    }

    /// The members of the batch at this place that are still to be taken.
    package func rest(of batch: ScanBatch) -> [String] {
        guard let taken = self.taken, taken.end == batch.next else { return batch.members }
        return batch.members.filter { taken.after.utf8.lexicographicallyPrecedes($0.utf8) }
    }

    /// The place behind a member of the batch at this place.
    package func behind(_ member: String, of batch: ScanBatch) -> ScanPlace? {
        if batch.members.last?.hasSameBytes(as: member) ?? true { return self.behind(batch) }
        return ScanPlace(cursor: self.cursor, taken: Taken(after: member, end: batch.next))
    }

    /// The place behind the whole batch; nil: nothing is left.
    package func behind(_ batch: ScanBatch) -> ScanPlace? {
        batch.next == 0 ? nil : ScanPlace(cursor: batch.next, taken: nil)
    }
}
