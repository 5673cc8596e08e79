package import NIOCore

/// Values by their keys, each for so long after it was put here, and so many at most.
///
/// With as many as may be, one at random makes way: which one a caller cannot choose.
package struct ExpiringCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// A value, and until when it counts.
    package struct Kept: Sendable {
        package let value: Value
        package let until: NIODeadline
    }

    private struct Entry {
        let kept: Kept
        /// Its place in ``keys``.
        var place: Int
    }

    private let entriesMax: Int
    private let lifetime: TimeAmount
    private var entries: [Key: Entry] = [:]
    private var keys: [Key] = []

    /// - Parameter lifetime: Zero: nothing is kept.
    package init(entriesMax: Int, lifetime: TimeAmount) {
        self.entriesMax = entriesMax
        self.lifetime = lifetime
    }

    package var count: Int { self.entries.count }

    package mutating func kept(_ key: Key, at now: NIODeadline) -> Kept? {
        guard let entry = self.entries[key] else { return nil }
        guard now < entry.kept.until else {
            self.remove(key)
            return nil
        }
        return entry.kept
    }

    /// - Parameter now: When the value was true.
    @discardableResult
    package mutating func put(_ value: Value, as key: Key, at now: NIODeadline) -> Kept {
        let kept = Kept(value: value, until: now + self.lifetime)
        guard self.lifetime > .zero else { return kept }
        self.remove(key)
        if self.entries.count >= self.entriesMax, let victim = self.keys.randomElement() { self.remove(victim) }
        self.entries[key] = Entry(kept: kept, place: self.keys.count)
        self.keys.append(key)
        return kept
    }

    package mutating func remove(_ key: Key) {
        guard let entry = self.entries.removeValue(forKey: key) else { return }
        // The last one takes its place.
        let last = self.keys.removeLast()
        guard entry.place < self.keys.count else { return }
        self.keys[entry.place] = last
        self.entries[last]?.place = entry.place
    }
}
