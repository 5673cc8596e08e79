import NIOCore

/// Tokens that hold, by their digests, each for so long after Keystone said so.
///
/// With as many as may be, one at random makes way: which one a client cannot choose.
struct TokenCache: Sendable {
    private struct Entry {
        let token: ValidatedToken
        let until: NIODeadline
        /// Its place in ``keys``.
        var place: Int
    }

    private let entriesMax: Int
    private let lifetime: TimeAmount
    private var entries: [[UInt8]: Entry] = [:]
    private var keys: [[UInt8]] = []

    /// - Parameter lifetime: Zero: nothing is kept.
    init(entriesMax: Int, lifetime: TimeAmount) {
        self.entriesMax = entriesMax
        self.lifetime = lifetime
    }

    var count: Int { self.entries.count }

    mutating func token(_ digest: [UInt8], at now: NIODeadline) -> ValidatedToken? {
        guard let entry = self.entries[digest] else { return nil }
        guard now < entry.until else {
            self.remove(digest)
            return nil
        }
        return entry.token
    }

    mutating func put(_ token: ValidatedToken, as digest: [UInt8], at now: NIODeadline) {
        guard self.lifetime > .zero else { return }
        self.remove(digest)
        if self.entries.count >= self.entriesMax, let victim = self.keys.randomElement() { self.remove(victim) }
        self.entries[digest] = Entry(token: token, until: now + self.lifetime, place: self.keys.count)
        self.keys.append(digest)
    }

    mutating func remove(_ digest: [UInt8]) {
        guard let entry = self.entries.removeValue(forKey: digest) else { return }
        // The last one takes its place.
        let last = self.keys.removeLast()
        guard entry.place < self.keys.count else { return }
        self.keys[entry.place] = last
        self.entries[last]?.place = entry.place
    }
}
