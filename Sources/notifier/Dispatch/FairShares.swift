package import Domain
package import Store

/// Shares attempts and bytes in flight between the projects of an engine.
///
/// Dynamic thresholds (Choudhury and Hahne, 1998): a project may take more while it holds less than ``weight`` times what
/// is free. One project alone so gets nearly 8/9 of everything, and the rest is there at once for a project that holds
/// nothing. Where many take all they can get together, a last part is kept for projects that hold hardly anything.
///
/// A slot is held from before a lease is asked for until its outcome is written down, so neither transfers nor results that
/// wait for Redis grow beyond the slots. What a call that is under way may bring is reserved, and counts against every
/// project until its reply says whose it is.
///
/// How fast a project takes its share is bounded too, see ``StartBudget``.
package struct FairShares: Sendable {
    /// A project may hold this many times what is free.
    package static let weight = 8
    /// This part of everything is kept for projects that hold less than ``few`` slots, or no byte: a 32nd.
    private static let keptPart = 32
    /// Slots that a project may take out of what is kept.
    package static let few = 2
    /// A lease call asks for no more than this, so that its reply stays of a size.
    package static let perCallMax = 64
    /// Bytes of bodies in flight, at first: 8192 of 32 KiB.
    package static let bytesMax = 256 << 20
    /// What a call that is under way is taken to bring, the most of one reply of `lease`.
    private static let perCallBytesMax = 4 << 20

    /// What one call may lease, and what is reserved for it until ``confirm(_:of:)``.
    package struct Reservation: Sendable {
        package let allowance: LeaseAllowance
        fileprivate let bytes: Int

        /// Whether less may come than the call has capacity for, so that something due may be left behind.
        package let isBounded: Bool
        /// Whether ``FairShares/next()`` or ``FairShares/nextPaced()`` names the shard when what is left behind may be leased.
        package let isAskedAgain: Bool
    }

    private struct Use {
        var slots = 0
        var bytes = 0
        var budget: StartBudget
        var isIdle: Bool { self.slots == 0 && self.bytes == 0 }
    }

    private var slotsMax: Int
    private var bytesMax: Int
    /// Slots of leases that were handed out.
    package private(set) var used = 0
    /// Slots of leases whose end is being written down: no project's any more, and not free yet.
    package private(set) var settling = 0
    package private(set) var bytes = 0
    /// Slots, and bytes, of calls that are under way.
    private var reserved = 0
    private var reservedBytes = 0
    private var uses: [ProjectID: Use] = [:]
    /// Shards that got nothing, longest waiting first.
    private var starved: [Int] = []
    /// Shards that got nothing for some projects.
    private var leftBehind: [Int] = []
    /// Projects that have fewer tokens than one call may take.
    private var fewTokens: Set<ProjectID> = []
    /// Shards that got nothing for projects without a token, longest waiting first.
    private var paced: [Int] = []
    /// Milliseconds of a clock that is never set.
    private var now: Int64 = 0

    /// - Parameters:
    ///   - slots: Attempts in flight at once, at least 1.
    ///   - bytes: Of bodies in flight at once, at least 1.
    package init(slots: Int, bytes: Int = Self.bytesMax) {
        self.slotsMax = max(1, slots)
        self.bytesMax = max(1, bytes)
    }

    /// How many slots and bytes there are.
    var limits: (slots: Int, bytes: Int) { (self.slotsMax, self.bytesMax) }

    /// Sets other limits; what is held beyond them is not taken away, and nothing is given until it has come back.
    package mutating func limit(slots: Int, bytes: Int) {
        self.slotsMax = max(1, slots)
        self.bytesMax = max(1, bytes)
    }

    /// Whether nothing is held and no call is under way.
    package var isIdle: Bool { self.used == 0 && self.reserved == 0 && self.settling == 0 }

    /// Slots a project holds.
    package func slots(of project: ProjectID) -> Int { self.uses[project]?.slots ?? 0 }

    /// Bytes a project holds.
    package func bytes(of project: ProjectID) -> Int { self.uses[project]?.bytes ?? 0 }

    /// Projects that may take nothing more at the time that was set.
    package var blocked: Int {
        let (slots, bytes) = self.thresholds()
        // None can hold more than all together.
        let mayBeOver = self.used >= slots || self.bytes >= bytes
        guard mayBeOver || !self.fewTokens.isEmpty else { return 0 }
        return self.uses.values.count { use in
            use.budget.isEmpty(at: self.now)
                || (mayBeOver && (use.slots >= max(slots, Self.few) || use.bytes >= max(bytes, 1)))
        }
    }

    // MARK: Pace

    /// Milliseconds between two calls of ``nextPaced()``.
    package static let pause: Int64 = 10
    /// So many calls of ``nextPaced()`` name every shard: in less time than fills a budget, and not all shards at once, of which
    /// some may hold nothing of the project.
    private static let pacedRound = 8

    /// Sets the time: before each ``reserve(for:upTo:settling:)``, and every ``pause`` while it ``isPacing``.
    ///
    /// - Parameter now: Milliseconds of a clock that is never set.
    package mutating func advance(to now: Int64) {
        self.now = now
    }

    /// Whether a shard waits until a project has tokens again.
    package var isPacing: Bool { !self.paced.isEmpty }

    /// The shards to be asked again now, an eighth of those that wait for tokens: to be called every ``pause`` while it
    /// ``isPacing``.
    package mutating func nextPaced() -> [Int] {
        guard self.free > 0, self.freeBytes > 0 else { return [] }
        let count = (self.paced.count + Self.pacedRound - 1) / Self.pacedRound
        defer { self.paced.removeFirst(count) }
        return Array(self.paced.prefix(count))
    }

    /// What projects may take that have fewer tokens than one call may take.
    private mutating func tokensLeft() -> [ProjectID: Int] {
        var left: [ProjectID: Int] = [:]
        for project in self.fewTokens {
            guard let index = self.uses.index(forKey: project) else { continue }
            self.uses.values[index].budget.fill(now: self.now)
            let tokens = self.uses.values[index].budget.tokens
            if tokens < Self.perCallMax { left[project] = max(0, tokens) }
        }
        if left.count < self.fewTokens.count { self.fewTokens = Set(left.keys) }
        return left
    }

    /// Counts what the body of an attempt costs.
    package mutating func begin(bytes: Int, of project: ProjectID) {
        self.take(StartBudget.cost(ofBytes: bytes), of: project)
    }

    private mutating func take(_ tokens: Int, of project: ProjectID) {
        guard tokens > 0, let index = self.uses.index(forKey: project) else { return }
        self.uses.values[index].budget.take(tokens, now: self.now)
        if self.uses.values[index].budget.tokens < Self.perCallMax { self.fewTokens.insert(project) }
    }

    // MARK: Taking

    /// Reserves up to `wanted` slots for one call, at most half of what is free and no more than ``perCallMax``.
    ///
    /// A shard that gets none is woken when some are free again, see ``next()``.
    ///
    /// - Parameters:
    ///   - settling: Slots of ``settling`` that the same call gives back: it may lease as many.
    ///   - isFanningOut: Whether the call fans out events too: those of a project with few tokens stay.
    package mutating func reserve(
        for shard: Int, upTo wanted: Int = Self.perCallMax, settling: Int = 0, isFanningOut: Bool = false
    ) -> Reservation {
        let unused = self.unused
        let (slots, bytes) = self.thresholds(and: settling)
        // Half: two calls that run beside each other must not both hand all that is left to one project.
        let most = settling + unused - max(0, unused) / 2
        let capacity = self.freeBytes > 0 ? max(0, min(most, wanted, Self.perCallMax)) : 0
        guard capacity > 0 else {
            if !self.starved.contains(shard) { self.starved.append(shard) }
            return Reservation(allowance: .none, bytes: 0, isBounded: true, isAskedAgain: true)
        }
        var tokens = self.tokensLeft()
        if isFanningOut { tokens = tokens.mapValues { $0 < StartBudget.fanOutMin ? 0 : $0 } }
        var newcomer = min(capacity, Self.allowed(slots, holding: 0))
        var named: [ProjectID: Int] = [:]
        if self.used > slots + Self.weight - (Self.weight + 1) * capacity || self.bytes >= bytes {
            (named, newcomer) = self.named(slots: slots, bytes: bytes, tokens, capacity: newcomer)
        } else if !tokens.isEmpty {
            (named, newcomer) = self.chosen(of: tokens.filter { $0.value < newcomer }, capacity: newcomer)
        }
        let left = named.filter { $0.value == 0 }.keys
        let paced = Set(left.filter { tokens[$0] == 0 })
        self.leaveBehind(left, of: shard, paced)
        let bytesOfCall = min(Self.perCallBytesMax, self.bytesMax / 64)
        self.reserved += capacity
        self.reservedBytes += bytesOfCall
        return Reservation(
            allowance: LeaseAllowance(capacity: capacity, projectMax: newcomer, projects: named, paced: paced),
            bytes: bytesOfCall,
            isBounded: capacity < min(wanted, Self.perCallMax) || newcomer < capacity || !named.isEmpty,
            isAskedAgain: !left.isEmpty)
    }

    /// Has a shard wait for what holds its projects back: slots or bytes, or time.
    private mutating func leaveBehind(_ projects: some Collection<ProjectID>, of shard: Int, _ paced: Set<ProjectID>) {
        if projects.count > paced.count, !self.leftBehind.contains(shard) { self.leftBehind.append(shard) }
        if !paced.isEmpty, !self.paced.contains(shard) { self.paced.append(shard) }
    }

    /// Turns a reservation into what its call brought.
    ///
    /// - Parameter projects: Whose each lease is.
    package mutating func confirm(_ reservation: Reservation, of projects: some Sequence<ProjectID>) {
        self.reserved -= reservation.allowance.capacity
        self.reservedBytes -= reservation.bytes
        self.count(projects)
    }

    /// Counts leases, one for each project that is named.
    package mutating func count(_ projects: some Sequence<ProjectID>) {
        Self.forEachRun(of: projects) { project, count in
            self.uses[project, default: Use(budget: StartBudget(now: self.now))].slots += count
            self.used += count
            self.take(count, of: project)
        }
    }

    /// Gives back the slots of leases that ended.
    package mutating func release(_ projects: some Sequence<ProjectID>) {
        Self.forEachRun(of: projects) { project, count in
            guard let index = self.uses.index(forKey: project) else { return }
            let released = min(count, self.uses.values[index].slots)
            self.used -= released
            self.uses.values[index].slots -= released
            self.uses.values[index].budget.ended(released)
            self.removeIfIdle(at: index)
        }
    }

    /// Leases come and end in runs of one project: one look at the table for each.
    private static func forEachRun(of projects: some Sequence<ProjectID>, _ body: (ProjectID, Int) -> Void) {
        var run: (project: ProjectID, count: Int)?
        for project in projects {
            if let current = run, current.project == project {
                run = (project, current.count + 1)
            } else {
                if let run { body(run.project, run.count) }
                run = (project, 1)
            }
        }
        if let run { body(run.project, run.count) }
    }

    private mutating func removeIfIdle(at index: Dictionary<ProjectID, Use>.Index) {
        guard self.uses.values[index].isIdle else { return }
        self.fewTokens.remove(self.uses.keys[index])
        self.uses.remove(at: index)
    }

    /// Takes the slots of leases that ended from their projects; they are free once ``settled(_:)`` says so.
    ///
    /// - Parameter bodies: What ``begin(bytes:of:)`` counted for them.
    package mutating func settling(_ projects: [ProjectID], bodies: [(bytes: Int, project: ProjectID)] = []) {
        for body in bodies { self.uses[body.project]?.budget.ended(StartBudget.cost(ofBytes: body.bytes)) }
        self.release(projects)
        self.settling += projects.count
    }

    /// The ends of so many leases are written down.
    package mutating func settled(_ count: Int) {
        self.settling = max(0, self.settling - count)
    }

    /// Whether another body of a project may be made: what a subscription makes of one small message can be large.
    package func mayHold(_ project: ProjectID) -> Bool {
        let held = self.bytes(of: project)
        return held == 0 ? self.freeBytes > 0 : held < self.thresholds().bytes
    }

    /// Counts a body that is kept in memory.
    package mutating func hold(bytes: Int, of project: ProjectID) {
        self.bytes += bytes
        self.uses[project, default: Use(budget: StartBudget(now: self.now))].bytes += bytes
    }

    /// Counts a body that is kept no more.
    package mutating func release(bytes: Int, of project: ProjectID) {
        guard let index = self.uses.index(forKey: project) else { return }
        let released = min(bytes, self.uses.values[index].bytes)
        self.bytes -= released
        self.uses.values[index].bytes -= released
        self.removeIfIdle(at: index)
    }

    /// The next shard that waits for slots or bytes, if there is something for it.
    package mutating func next() -> Int? {
        guard self.free > 0, self.freeBytes > 0 else { return nil }
        if !self.starved.isEmpty { return self.starved.removeFirst() }
        guard !self.leftBehind.isEmpty else { return nil }
        // None can hold more than all together.
        let (slots, bytes) = self.thresholds()
        return self.used < slots && self.bytes < bytes ? self.leftBehind.removeFirst() : nil
    }

    // MARK: Thresholds

    /// Less than nothing after a limit was lowered.
    private var unused: Int { self.slotsMax - self.used - self.reserved - self.settling }
    private var free: Int { max(0, self.unused) }
    private var freeBytes: Int { max(0, self.bytesMax - self.bytes - self.reservedBytes) }

    /// What a project has to hold less than, to be given more.
    ///
    /// What is reserved may turn out to be its own.
    ///
    /// - Parameter more: Slots that count as free besides.
    private func thresholds(and more: Int = 0) -> (slots: Int, bytes: Int) {
        let slots = max(0, self.unused + more - self.slotsMax / Self.keptPart)
        let bytes = max(0, self.freeBytes - self.bytesMax / Self.keptPart)
        return (Self.weight * slots - self.reserved, Self.weight * bytes - self.reservedBytes)
    }

    /// How many more a project may get so that it holds less than the threshold, or few, before each of them.
    private static func allowed(_ threshold: Int, holding slots: Int) -> Int {
        max(0, Self.few - slots, (threshold - slots + Self.weight) / (Self.weight + 1))
    }

    /// The projects that may get less than one that holds nothing, and what each of the others may get.
    ///
    /// - Parameter tokens: Of those that have few.
    private func named(
        slots: Int, bytes: Int, _ tokens: [ProjectID: Int], capacity: Int
    ) -> (named: [ProjectID: Int], others: Int) {
        var bound: [ProjectID: Int] = [:]
        for (project, use) in self.uses {
            let share = use.bytes >= max(bytes, 1) ? 0 : Self.allowed(slots, holding: use.slots)
            let allowed = min(share, tokens[project] ?? capacity)
            if allowed < capacity { bound[project] = allowed }
        }
        return self.chosen(of: bound, capacity: capacity)
    }

    /// The projects that a call names, and what each of the others may get.
    ///
    /// It can name only so many. Beyond that those that hold most are named, and what the others may get is so little that a project
    /// that is over its share soon is among them.
    private func chosen(of bound: [ProjectID: Int], capacity: Int) -> (named: [ProjectID: Int], others: Int) {
        guard bound.count > LeaseAllowance.projectsMax else { return (bound, capacity) }
        let order = bound.sorted { ($0.value, -self.slots(of: $0.key)) < ($1.value, -self.slots(of: $1.key)) }
        let least = order[LeaseAllowance.projectsMax].value
        let named = Dictionary(
            uniqueKeysWithValues: order.prefix(LeaseAllowance.projectsMax).map { ($0.key, $0.value) })
        return (named, min(capacity, max(Self.few, least)))
    }
}
