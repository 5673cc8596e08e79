package import Domain
import HTTPClient
package import Store

/// The leases this notifier holds in one shard, from the reply that brought them until their outcome is written down.
///
/// ```
///  started ──► running ──► ended ──► settled (removed)
///                 │          ▲
///                 └─► lost ──┘   the renewal was refused: another notifier has it, nothing is written down
/// ```
/// Each lease has an entry of its own, also when one delivery is leased twice: a settlement whose reply was lost may have
/// handed it back already, and then it is leased again while its old entry is still being settled.
package struct InFlightDeliveries: Sendable {
    /// What is known about one lease.
    package struct Entry: Sendable {
        /// The newest token: renewals change it.
        package fileprivate(set) var token: LeaseToken
        package let queue: QueueAddress
        /// Counts for its project as long as it is here; nil before anything is encoded, and when it is not needed any more.
        package fileprivate(set) var body: AttemptBody?
        /// What the start of the attempt cost, for its project.
        fileprivate var cost: (bytes: Int, project: ProjectID)?
        fileprivate var isLost = false
        /// Whether a renewal is under way whose answer may change the token.
        fileprivate var isRenewing = false
        fileprivate var ending: Settlement.Ending?
        /// Set when its subscription waits for capacity at this host.
        fileprivate(set) var fullHost: String?
        /// nil: nothing was attempted.
        fileprivate var report: AttemptReport?
        /// Whether it ended with the one before it, in one attempt.
        fileprivate var isShared = false
    }

    private var entries: [LeasedDelivery.ID: Entry] = [:]
    /// Ended and not yet written down, in the order they ended.
    private var ended: [LeasedDelivery.ID] = []
    private var startedEver: UInt64 = 0

    package init() {}

    package var count: Int { self.entries.count }

    package mutating func start(_ lease: Lease) -> LeasedDelivery.ID { self.start(lease.token, of: lease.queue) }

    package mutating func start(_ token: LeaseToken, of queue: QueueAddress) -> LeasedDelivery.ID {
        self.startedEver &+= 1
        let id = LeasedDelivery.ID(self.startedEver)
        self.entries[id] = Entry(token: token, queue: queue)
        return id
    }

    /// Keeps the body of an attempt for as long as the lease is here.
    package mutating func keep(_ body: AttemptBody, for id: LeasedDelivery.ID) {
        self.entries[id]?.body = body
        self.entries[id]?.cost = (body.bytes.count, body.project)
    }

    /// - Returns: The bodies that are not kept any more.
    package mutating func release(_ ids: [LeasedDelivery.ID]) -> [AttemptBody] {
        ids.compactMap { id in
            defer { self.entries[id]?.body = nil }
            return self.entries[id]?.body
        }
    }

    /// Ends an attempt; without effect the second time.
    ///
    /// What ends untried while its lease is being renewed waits for the answer: only the newest token can write it down.
    ///
    /// - Parameter fullHost: Where it found no capacity.
    /// - Returns: Whether it is the first that waits to be written down.
    package mutating func end(
        _ id: LeasedDelivery.ID, with ending: Settlement.Ending, _ report: AttemptReport?, fullHost: String? = nil
    ) -> Bool {
        guard let index = self.entries.index(forKey: id), self.entries.values[index].ending == nil else { return false }
        self.entries.values[index].ending = ending
        self.entries.values[index].report = report
        self.entries.values[index].fullHost = fullHost
        guard !self.entries.values[index].isRenewing || !ending.isUntried else { return false }
        self.ended.append(id)
        return self.ended.count == 1
    }

    /// Ends deliveries that went out in one attempt.
    package mutating func end(
        _ deliveries: [(id: LeasedDelivery.ID, ending: Settlement.Ending)], _ report: AttemptReport?,
        fullHost: String? = nil
    ) -> Bool {
        var isFirst = false
        for (index, delivery) in deliveries.enumerated() {
            if index > 0 { self.entries[delivery.id]?.isShared = true }
            let fullHost = index == 0 ? fullHost : nil
            isFirst = self.end(delivery.id, with: delivery.ending, report, fullHost: fullHost) || isFirst
        }
        return isFirst
    }

    /// The next results to write down, oldest first; they stay in flight until ``remove(_:)``.
    ///
    /// Those of one attempt come together, so that what is repeated is due at the same moment: up to ``sharedMax`` more.
    package mutating func takeEnded(upTo limit: Int) -> [LeasedDelivery.ID] {
        var count = min(limit, self.ended.count)
        let last = min(limit + Self.sharedMax, self.ended.count)
        while count < last, self.entries[self.ended[count]]?.isShared == true { count += 1 }
        let ids = Array(self.ended.prefix(count))
        self.ended.removeFirst(ids.count)
        return ids
    }

    private static let sharedMax = Digest.messagesRange.upperBound

    /// The newest token of a lease; nil when the lease is lost.
    package func token(of id: LeasedDelivery.ID) -> LeaseToken? {
        self.entries[id].flatMap { $0.isLost ? nil : $0.token }
    }

    /// What is to be written down about a lease, with its newest token; nil when the lease is lost.
    package func settlement(of id: LeasedDelivery.ID) -> Settlement? {
        guard let entry = self.entries[id], let ending = entry.ending, !entry.isLost else { return nil }
        return Settlement(entry.token, of: entry.queue, ending, after: entry.report, isShared: entry.isShared)
    }

    /// The projects of these.
    package func projects(of ids: [LeasedDelivery.ID]) -> [ProjectID] {
        ids.compactMap { self.entries[$0]?.queue.project }
    }

    /// The sizes of their bodies, with their projects.
    func bodies(of ids: [LeasedDelivery.ID]) -> [(bytes: Int, project: ProjectID)] {
        ids.compactMap { self.entries[$0]?.cost }
    }

    /// - Returns: What was in flight and is no more.
    package mutating func remove(_ ids: [LeasedDelivery.ID]) -> [Entry] {
        ids.compactMap { self.entries.removeValue(forKey: $0) }
    }

    // MARK: Renewal

    /// The leases that end before a time; ``renewed(_:to:)`` has to follow for each, or ``renewalsEnded()``.
    ///
    /// One that ended untried is left alone. Settling it needs the token as it is, and a renewal could give it that of a
    /// later lease of the same delivery. But one that waits for the answer to a renewal, because the first was lost, is
    /// renewed again.
    package mutating func renewals(endingBefore time: Timestamp) -> [(id: LeasedDelivery.ID, token: LeaseToken)] {
        var renewals: [(id: LeasedDelivery.ID, token: LeaseToken)] = []
        var index = self.entries.startIndex
        while index < self.entries.endIndex {
            let (id, entry) = self.entries[index]
            if entry.token.leasedUntil < time, !entry.isLost, entry.isRenewing || entry.ending?.isUntried != true {
                self.entries.values[index].isRenewing = true
                renewals.append((id, entry.token))
            }
            self.entries.formIndex(after: &index)
        }
        return renewals
    }

    /// A renewal was answered.
    ///
    /// - Parameter token: nil: the lease is another notifier's.
    /// - Returns: Whether its ending waited for that, and is the first that waits to be written down.
    package mutating func renewed(_ id: LeasedDelivery.ID, to token: LeaseToken?) -> Bool {
        guard let index = self.entries.index(forKey: id) else { return false }
        if let token { self.entries.values[index].token = token } else { self.entries.values[index].isLost = true }
        return self.endRenewal(at: index)
    }

    /// No renewal will be answered any more: what waited for one is written down with the token as it is known.
    ///
    /// - Returns: Whether something waited.
    package mutating func renewalsEnded() -> Bool {
        var isFirst = false
        for id in self.entries.filter({ $0.value.isRenewing }).map(\.key) {
            guard let index = self.entries.index(forKey: id) else { continue }
            isFirst = self.endRenewal(at: index) || isFirst
        }
        return isFirst
    }

    private mutating func endRenewal(at index: Dictionary<LeasedDelivery.ID, Entry>.Index) -> Bool {
        let wasRenewing = self.entries.values[index].isRenewing
        self.entries.values[index].isRenewing = false
        guard wasRenewing, self.entries.values[index].ending?.isUntried == true else { return false }
        self.ended.append(self.entries.keys[index])
        return self.ended.count == 1
    }

    /// The lease is another notifier's.
    package mutating func lose(_ id: LeasedDelivery.ID) {
        self.entries[id]?.isLost = true
    }
}

extension Settlement.Ending {
    /// Whether the delivery goes back as it came, without an attempt.
    fileprivate var isUntried: Bool {
        switch self {
        case .handedBack, .postponed, .parked, .collected: true
        case .delivered, .retry, .deadLetter, .dropped, .ended: false
        }
    }
}
