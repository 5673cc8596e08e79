/// Which names are known, which are being looked up, and which is looked up next; a value that the transfer thread asks.
///
/// ```
///  want ──► fresh: known ───────────────────────────────────────────► answered
///   │       stale: known, and looked up again behind the caller ────► answered
///   └─────► waiting, a turn of its owner ──next──► running ──finished──► known, or failed for a while
/// ```
package struct NameTable {
    /// What is known of a name.
    package enum Answer: Equatable {
        /// In the order in which they are to be tried.
        case addresses([String])
        case failed
        /// It is, or will be, looked up.
        case waiting
    }

    private struct Entry {
        /// Empty: there is none, or none is known yet.
        var addresses: [String] = []
        /// When ``addresses`` were found, or found to be missing; nil: not yet.
        var foundAt: Int64?
        /// When it is looked up again if a caller wants it: a while after each lookup, whatever that found.
        var dueAt: Int64 = 0
        /// Lookups in a row without an answer.
        var silences = 0
        /// When the lookup that runs began; nil: none runs.
        var runningSince: Int64?
        var isRunning: Bool { self.runningSince != nil }
        /// Callers that wait for it.
        var waiting = 0
    }

    private struct Turn: Hashable {
        let name: String
        let owner: String?
    }

    /// Names that are looked up at once.
    package static let runningMax = 32
    /// Of these, as many as owners may take together that are not known to have their names answered.
    package static let unprovenMax = 24
    /// Names that are kept beside those that callers wait for, and owners of which something is known.
    package static let namesMax = 8192
    /// How long a name without an address is not looked up again, ms.
    static let missingMilliseconds: Int64 = 2000
    /// How long one that was not answered is not looked up again: at first, and while an address is known; then twice as
    /// long each time, and at most, ms.
    static let silentMilliseconds: ClosedRange<Int64> = 2000...30_000

    /// How long addresses are used without another look, and how long at most, ms.
    private let freshMilliseconds: Int64
    private let staleMilliseconds: Int64
    private var entries: [String: Entry] = [:]
    /// How many ``entries`` there are when those without a waiting caller are dropped.
    private var clearedAt = Self.namesMax
    private var turns = FairQueue<String?, String>()
    /// What stands in ``turns``, so that a name stands there once for each owner.
    private var queued: Set<Turn> = []
    /// Callers that left since ``turns`` was cleared of what they had waited for.
    private var left = 0
    private var lookups: [String?: OwnerLookups] = [:]
    /// How many ``lookups`` there are when those that say nothing are dropped.
    private var lookupsClearedAt = Self.namesMax
    package private(set) var runningCount = 0

    package init(freshMilliseconds: Int64, staleMilliseconds: Int64) {
        self.freshMilliseconds = freshMilliseconds
        self.staleMilliseconds = staleMilliseconds
    }

    /// Asks for a name.
    ///
    /// A caller that is answered with `waiting` has to give up (``leave(_:now:)``) or be there when the name is finished.
    package mutating func want(_ name: String, for owner: String?, now: Int64) -> Answer {
        if let index = self.entries.index(forKey: name), let answer = self.known(index, name, for: owner, now: now) {
            return answer
        }
        var entry = self.entries[name] ?? self.makeEntry()
        entry.waiting += 1
        self.entries[name] = entry
        // Also when another owner waits for it already: that one may have many that go first.
        if !entry.isRunning { self.enqueue(name, of: owner) }
        return .waiting
    }

    /// What can be said without a lookup; nil: nothing.
    private mutating func known(
        _ index: [String: Entry].Index, _ name: String, for owner: String?, now: Int64
    ) -> Answer? {
        let entry = self.entries.values[index]
        guard let foundAt = entry.foundAt else { return nil }
        if entry.addresses.isEmpty { return now < entry.dueAt ? .failed : nil }
        guard now - foundAt < self.staleMilliseconds else { return nil }
        if now >= entry.dueAt, !entry.isRunning { self.enqueue(name, of: owner) }
        return .addresses(entry.addresses)
    }

    private mutating func enqueue(_ name: String, of owner: String?) {
        if self.queued.insert(Turn(name: name, owner: owner)).inserted { self.turns.append(name, of: owner) }
    }

    /// A caller waits no more.
    package mutating func leave(_ name: String, now: Int64) {
        guard var entry = self.entries[name] else { return }
        entry.waiting = max(0, entry.waiting - 1)
        self.entries[name] = entry
        self.left += 1
        // Half of what stands there at least is cleared away, so that a caller that leaves costs little.
        guard self.left > max(1024, self.queued.count / 2) else { return }
        self.left = 0
        let wanted = Set(self.queued.lazy.map(\.name)).filter { name in
            self.entries[name].map { self.isDue($0, now) } ?? false
        }
        self.turns.removeAll { _, name in !wanted.contains(name) }
        self.queued = self.queued.filter { wanted.contains($0.name) }
    }

    /// The next name to look up, one of each owner in turn; ``finished(_:of:_:now:)`` has to follow.
    ///
    /// An owner may take half of what is left, see ``OwnerLookups``: one that has nothing but silent names leaves capacity for
    /// the others, and so do many of them.
    package mutating func next(now: Int64) -> (name: String, owner: String?)? {
        while self.runningCount < Self.runningMax {
            guard let (owner, name) = self.takeTurn(now) else { return nil }
            self.queued.remove(Turn(name: name, owner: owner))
            guard var entry = self.entries[name], !entry.isRunning, self.isDue(entry, now) else { continue }
            entry.runningSince = now
            self.entries[name] = entry
            if self.lookups.count >= self.lookupsClearedAt { self.clearLookups(now) }
            self.lookups[owner, default: OwnerLookups()].begin(now)
            self.runningCount += 1
            return (name, owner)
        }
        return nil
    }

    private mutating func takeTurn(_ now: Int64) -> (owner: String?, element: String)? {
        // Taken out meanwhile, since the rule reads other parts of this value.
        var turns = FairQueue<String?, String>()
        swap(&turns, &self.turns)
        defer { swap(&turns, &self.turns) }
        return turns.popFirst { owner in
            (self.lookups[owner] ?? OwnerLookups()).mayBegin(beside: self.runningCount, now: now)
        }
    }

    private mutating func clearLookups(_ now: Int64) {
        self.lookups = self.lookups.filter { $0.value.isRunning || $0.value.isSilent(now) }
        if self.lookups.count >= Self.namesMax { self.lookups = self.lookups.filter { $0.value.isRunning } }
        self.lookupsClearedAt = max(Self.namesMax, self.lookups.count * 2)
    }

    /// What is kept: names, and turns of owners.
    package var sizes: (names: Int, turns: Int) { (self.entries.count, self.queued.count) }

    private func isDue(_ entry: Entry, _ now: Int64) -> Bool {
        entry.waiting > 0 || entry.foundAt != nil && now >= entry.dueAt
    }

    /// Takes the end of a lookup.
    ///
    /// - Returns: The answer for the callers that wait for it.
    package mutating func finished(
        _ name: String, of owner: String?, _ result: NameLookup.Result, now: Int64
    ) -> Answer {
        self.runningCount -= 1
        var entry = self.entries[name] ?? Entry()
        self.lookups[owner]?.end(since: entry.runningSince, result, now: now)
        entry.runningSince = nil
        entry.waiting = 0
        // What was known is good until it is too old: a name server that is away for a moment stops nothing.
        let isKnown = entry.foundAt.map { !entry.addresses.isEmpty && now - $0 < self.staleMilliseconds } ?? false
        switch result {
        case .addresses(let addresses):
            (entry.addresses, entry.foundAt, entry.silences) = (addresses, now, 0)
            entry.dueAt = now + self.freshMilliseconds
        case .missing:
            (entry.addresses, entry.foundAt, entry.silences) = ([], now, 0)
            entry.dueAt = now + Self.missingMilliseconds
        case .silent, .unable:
            entry.dueAt = now + Self.silentMilliseconds.lowerBound
            if isKnown { break }
            (entry.addresses, entry.foundAt) = ([], now)
            guard result == .silent else { break }
            // Five doublings reach the longest.
            let doubled = Self.silentMilliseconds.lowerBound << min(entry.silences, 5)
            entry.dueAt = now + min(doubled, Self.silentMilliseconds.upperBound)
            entry.silences += 1
        }
        self.entries[name] = entry
        return entry.addresses.isEmpty ? .failed : .addresses(entry.addresses)
    }

    private mutating func makeEntry() -> Entry {
        if self.entries.count >= self.clearedAt {
            // A name without a waiting caller can be looked up again; all of it at once, and then not soon again.
            self.entries = self.entries.filter { $0.value.isRunning || $0.value.waiting > 0 }
            self.clearedAt = max(Self.namesMax, self.entries.count * 2)
        }
        return Entry()
    }
}

/// The lookups of one owner, and how many it may have at once.
///
/// A lookup that is not answered holds its thread for 10 s and longer. So an owner whose names were answered last may take
/// half of the threads that are free, and any other half of what is free of ``NameTable/unprovenMax``; the threads beyond
/// those are there for owners that are answered, and for the first lookup of each owner that was never asked.
struct OwnerLookups {
    /// A lookup that runs for so long counts as not answered, ms.
    private static let slowMilliseconds: Int64 = 2000
    /// For how long a lookup without an answer counts, ms.
    private static let silenceMilliseconds: Int64 = 60_000

    /// When the lookups that run began, ms, the oldest first.
    private var runningSince: [Int64] = []
    /// When the last lookup without an answer ended, ms.
    private var silentAt: Int64?
    /// Whether the last lookup was answered.
    private var isAnswered = false

    var isRunning: Bool { !self.runningSince.isEmpty }

    /// Whether a lookup was not answered lately, or is not as it seems.
    func isSilent(_ now: Int64) -> Bool {
        if let first = self.runningSince.first, now - first >= Self.slowMilliseconds { return true }
        return self.silentAt.map { now - $0 < Self.silenceMilliseconds } ?? false
    }

    /// - Parameter runningCount: Lookups of all owners that run.
    func mayBegin(beside runningCount: Int, now: Int64) -> Bool {
        let isTrusted = !self.isSilent(now) && (self.isAnswered || self.runningSince.isEmpty)
        let threads = isTrusted ? NameTable.runningMax : NameTable.unprovenMax
        return self.runningSince.count < threads - runningCount
    }

    mutating func begin(_ now: Int64) { self.runningSince.append(now) }

    /// - Parameter since: When the lookup began.
    mutating func end(since: Int64?, _ result: NameLookup.Result, now: Int64) {
        if let index = self.runningSince.firstIndex(where: { $0 == since }) { self.runningSince.remove(at: index) }
        switch result {
        case .addresses, .missing: self.isAnswered = true
        case .silent: (self.isAnswered, self.silentAt) = (false, now)
        case .unable: break
        }
    }
}
