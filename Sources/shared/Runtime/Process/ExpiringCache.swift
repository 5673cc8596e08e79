package import NIOCore

/// Values by their keys, each for so long after it was put here, and so many at most.
///
/// With as many as may be, one at random makes way: which one a caller cannot choose.
package struct ExpiringCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Entry {
        var value: Value
        let until: NIODeadline
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

    package mutating func value(of key: Key, at now: NIODeadline) -> Value? {
        guard let entry = self.entries[key] else { return nil }
        guard now < entry.until else {
            self.remove(key)
            return nil
        }
        return entry.value
    }

    package mutating func put(_ value: Value, as key: Key, at now: NIODeadline) {
        guard self.lifetime > .zero else { return }
        self.remove(key)
        if self.entries.count >= self.entriesMax, let victim = self.keys.randomElement() { self.remove(victim) }
        self.entries[key] = Entry(value: value, until: now + self.lifetime, place: self.keys.count)
        self.keys.append(key)
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
