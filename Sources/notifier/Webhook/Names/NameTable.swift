package import Domain

/// Which names are known, which are being looked up, and which is looked up next; a value that the transfer thread asks.
///
/// ```
///  want ──► fresh: known ───────────────────────────────────────────► answered
///   │       stale: known, and looked up again behind the caller ────► answered
///   └─────► waiting, a turn of its project ──next──► running ──finished──► known, or failed for a while
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
        var isSilent = false
        var isRunning = false
        /// Callers that wait for it.
        var waiting = 0
    }

    private struct Turn: Hashable {
        let name: String
        let project: ProjectID?
    }

    /// Names that are looked up at once.
    package static let runningMax = 32
    /// Names that are kept beside those that callers wait for.
    package static let namesMax = 8192
    /// How long a name without an address, and one whose server does not answer, is not looked up again, ms.
    static let missingMilliseconds: Int64 = 2000
    static let silentMilliseconds: Int64 = 30_000

    /// How long addresses are used without another look, and how long at most, ms.
    private let freshMilliseconds: Int64
    private let staleMilliseconds: Int64
    private var entries: [String: Entry] = [:]
    /// How many ``entries`` there are when those that nobody waits for are dropped.
    private var clearedAt = Self.namesMax
    private var turns = FairQueue<ProjectID?, String>()
    /// What stands in ``turns``, so that a name stands there once for each project.
    private var queued: Set<Turn> = []
    /// Callers that left since ``turns`` was cleared of what they had waited for.
    private var left = 0
    private var running: [ProjectID?: Int] = [:]
    package private(set) var runningCount = 0

    package init(freshMilliseconds: Int64, staleMilliseconds: Int64) {
        self.freshMilliseconds = freshMilliseconds
        self.staleMilliseconds = staleMilliseconds
    }

    /// Asks for a name.
    ///
    /// A caller that is answered with `waiting` has to give up (``leave(_:now:)``) or be there when the name is finished.
    package mutating func want(_ name: String, for project: ProjectID?, now: Int64) -> Answer {
        var entry = self.entries[name] ?? self.makeEntry(now)
        defer { self.entries[name] = entry }
        if let foundAt = entry.foundAt {
            let age = now - foundAt
            if !entry.addresses.isEmpty, age < self.staleMilliseconds {
                if age >= self.freshMilliseconds, !entry.isRunning { self.enqueue(name, of: project) }
                return .addresses(entry.addresses)
            }
            let failedMax = entry.isSilent ? Self.silentMilliseconds : Self.missingMilliseconds
            if entry.addresses.isEmpty, age < failedMax { return .failed }
        }
        entry.waiting += 1
        // Also when another project waits for it already: that one may have a long line in front of it.
        if !entry.isRunning { self.enqueue(name, of: project) }
        return .waiting
    }

    private mutating func enqueue(_ name: String, of project: ProjectID?) {
        if self.queued.insert(Turn(name: name, project: project)).inserted { self.turns.append(name, of: project) }
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

    /// The next name to look up, one of each project in turn; ``finished(_:of:_:now:)`` has to follow.
    ///
    /// A project may take half of what is left: one that has nothing but silent names leaves room for the others.
    package mutating func next(now: Int64) -> (name: String, project: ProjectID?)? {
        while self.runningCount < Self.runningMax {
            let free = Self.runningMax - self.runningCount
            let running = self.running
            guard let (project, name) = self.turns.popFirst(where: { running[$0, default: 0] < free }) else {
                return nil
            }
            self.queued.remove(Turn(name: name, project: project))
            guard var entry = self.entries[name], !entry.isRunning, self.isDue(entry, now) else { continue }
            entry.isRunning = true
            self.entries[name] = entry
            self.running[project, default: 0] += 1
            self.runningCount += 1
            return (name, project)
        }
        return nil
    }

    /// What is kept: names, and turns of projects.
    package var sizes: (names: Int, turns: Int) { (self.entries.count, self.queued.count) }

    private func isDue(_ entry: Entry, _ now: Int64) -> Bool {
        guard entry.waiting == 0 else { return true }
        return entry.foundAt.map { now - $0 >= self.freshMilliseconds } ?? false
    }

    /// Takes the end of a lookup.
    ///
    /// - Returns: What the callers that wait for it are to be told.
    package mutating func finished(
        _ name: String, of project: ProjectID?, _ result: NameLookup.Result, now: Int64
    ) -> Answer {
        self.runningCount -= 1
        let left = (self.running[project] ?? 1) - 1
        self.running[project] = left > 0 ? left : nil
        var entry = self.entries[name] ?? Entry()
        entry.isRunning = false
        entry.waiting = 0
        switch result {
        case .addresses(let addresses): (entry.addresses, entry.foundAt) = (addresses, now)
        case .missing, .silent:
            // What was known is good until it is too old: a name server that is away for a moment stops nothing.
            let isKnown = entry.foundAt.map { !entry.addresses.isEmpty && now - $0 < self.staleMilliseconds } ?? false
            if result == .missing || !isKnown {
                (entry.addresses, entry.foundAt, entry.isSilent) = ([], now, result == .silent)
            }
        }
        self.entries[name] = entry
        return entry.addresses.isEmpty ? .failed : .addresses(entry.addresses)
    }

    private mutating func makeEntry(_ now: Int64) -> Entry {
        if self.entries.count >= self.clearedAt {
            // What nobody waits for can be looked up again; all of it at once, and then not soon again.
            self.entries = self.entries.filter { $0.value.isRunning || $0.value.waiting > 0 }
            self.clearedAt = max(Self.namesMax, self.entries.count * 2)
        }
        return Entry()
    }
}
