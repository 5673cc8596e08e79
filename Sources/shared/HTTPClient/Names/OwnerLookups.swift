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
