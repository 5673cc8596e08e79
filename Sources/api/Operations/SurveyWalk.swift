import Domain
import Placement
import Store

/// Where a look through all stores stands: at a collection, at one of the Redis that hold queues, at a shard, and at members of it.
struct SurveyPlace: Sendable, Equatable {
    let collection: SurveyedCollection
    /// The first pool of the Redis; nil: the default store.
    var pool: PoolName?
    var shard = 0
    var scan = ScanPlace.start

    init(_ collection: SurveyedCollection, pool: PoolName? = nil, shard: Int = 0, scan: ScanPlace = .start) {
        self.collection = collection
        self.pool = pool
        self.shard = shard
        self.scan = scan
    }

    /// `open:p1:3:0:64:06a4j0…`: collection, pool, shard, batch, and of a batch that was not taken whole its end and the last member
    /// that was, which may have colons.
    var marker: String {
        let taken = self.scan.taken.map { "\($0.end):\($0.after)" } ?? ":"
        return "\(self.collection.rawValue):\(self.pool?.text ?? ""):\(self.shard):\(self.scan.cursor):\(taken)"
    }

    /// - Returns: nil for a text that is no marker.
    init?(marker: String) {
        let parts = marker.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 6, let collection = SurveyedCollection(rawValue: parts[0]),
            let shard = Int(parts[2]), Shards.countRange.contains(shard + 1), let cursor = UInt64(parts[3])
        else { return nil }
        var pool: PoolName?
        if !parts[1].isEmpty {
            guard let name = try? PoolName(parts[1]) else { return nil }
            pool = name
        }
        var taken: ScanPlace.Taken?
        if !parts[4].isEmpty {
            guard let end = UInt64(parts[4]), !parts[5].isEmpty else { return nil }
            taken = ScanPlace.Taken(after: parts[5], end: end)
        }
        guard taken != nil || parts[5].isEmpty else { return nil }
        self.init(collection, pool: pool, shard: shard, scan: ScanPlace(cursor: cursor, taken: taken))
    }
}

/// A look through collections, one after the other, in all stores, shard by shard, which ends once it has cost so much.
struct SurveyWalk {
    /// Members that one page looks at, about, and questions that it asks of stores: some 20 ms of Redis in all.
    private static let membersMax = 500
    private static let questionsMax = 64

    /// Takes members of a shard, from the first on.
    ///
    /// - Returns: How many of them it has taken; none: the page is full.
    typealias Visit = (
        _ members: [String], _ place: SurveyPlace, _ pool: String, _ surveys: any SurveyStorage
    ) async throws(StoreError) -> Int

    /// A marker that no page of the list has.
    static let markerInvalid = Refusal.requestInvalid("The marker is not that of a page of this list.")

    private let collections: [SurveyedCollection]
    /// nil: everything was looked through.
    private(set) var place: SurveyPlace?
    private(set) var unreachable: [String] = []
    private var members = 0
    private var questions = 0

    /// - Parameter marker: Of the page before; nil: from the start.
    /// - Throws: ``Refusal/requestInvalid(_:)`` for a marker that no page of these collections has.
    init(_ collections: [SurveyedCollection], after marker: String?) throws(Refusal) {
        self.collections = collections
        guard let marker else {
            self.place = collections.first.map { SurveyPlace($0) }
            return
        }
        guard let place = SurveyPlace(marker: marker), collections.contains(place.collection) else {
            throw Self.markerInvalid
        }
        self.place = place
    }

    private var isSpent: Bool { self.members >= Self.membersMax || self.questions >= Self.questionsMax }

    /// Goes on until the page is full, all was looked through, or it has cost enough.
    ///
    /// - Parameter stores: All there are, the default one first and the others in the order of their first pools.
    /// - Throws: Where the default store does not answer; other stores that do not are noted.
    mutating func run(through stores: [MeasuredStore], _ visit: Visit) async throws(StoreError) {
        while let place = self.place, !self.isSpent {
            let (reached, next) = self.around(place, stores)
            // Its pool may be gone since the page before: then the next one is looked through from its start.
            let here = place.pool == reached?.endpoint.pools.first ? place : next.here ?? place
            self.place = here
            if let reached {
                do throws(StoreError) {
                    guard let store = reached.store else { throw StoreError.misplaced }
                    if try await self.look(through: store.surveys, reached.endpoint.name, from: here, visit) { return }
                } catch {
                    if reached.endpoint.isDefault { throw error }
                    if !self.unreachable.contains(reached.endpoint.name) {
                        self.unreachable.append(reached.endpoint.name)
                    }
                }
            }
            self.place = next.behind
        }
    }

    /// The store of a place, or the first one behind it, and the place that begins there, and the one behind that store.
    private func around(
        _ place: SurveyPlace, _ stores: [MeasuredStore]
    ) -> (reached: MeasuredStore?, next: (here: SurveyPlace?, behind: SurveyPlace?)) {
        let later = self.collections.drop { $0 != place.collection }.dropFirst().first.map { SurveyPlace($0) }
        guard let index = stores.firstIndex(where: { !Self.isBefore($0.endpoint.pools.first ?? nil, place.pool) })
        else {
            return (nil, (nil, later))
        }
        func start(_ store: MeasuredStore) -> SurveyPlace {
            SurveyPlace(place.collection, pool: store.endpoint.pools.first ?? nil)
        }
        let behind = stores.dropFirst(index + 1).first.map(start) ?? later
        return (stores[index], (start(stores[index]), behind))
    }

    /// Whether a pool comes before another; nil, the default store, comes first.
    static func isBefore(_ pool: PoolName?, _ other: PoolName?) -> Bool {
        guard let other else { return false }
        return pool.map { $0 < other } ?? true
    }

    /// Looks through a collection of one store.
    ///
    /// - Returns: Whether the page ends here; then ``place`` is where the next one begins.
    private mutating func look(
        through surveys: any SurveyStorage, _ pool: String, from start: SurveyPlace, _ visit: Visit
    ) async throws(StoreError) -> Bool {
        self.questions += 1
        let counts = try await surveys.counts(of: start.collection)
        for shard in counts.indices where shard >= start.shard && counts[shard] > 0 {
            var scan: ScanPlace? = shard == start.shard ? start.scan : .start
            while let here = scan {
                let place = SurveyPlace(start.collection, pool: start.pool, shard: shard, scan: here)
                self.place = place
                if self.isSpent { return true }
                self.questions += 1
                let batch = try await surveys.batch(of: start.collection, in: shard, at: here.cursor)
                scan = try await self.take(here.rest(of: batch), of: batch, at: here) {
                    (members: [String]) async throws(StoreError) in
                    try await visit(members, place, pool, surveys)
                }
                guard let next = scan, next.cursor == here.cursor else { continue }
                self.place?.scan = next
                return true
            }
        }
        return false
    }

    /// Takes what is left of a batch, some members at a time.
    ///
    /// - Returns: Where to go on: at the same batch when the page is full; nil behind the last one.
    private mutating func take(
        _ members: [String], of batch: ScanBatch, at place: ScanPlace,
        _ visit: ([String]) async throws(StoreError) -> Int
    ) async throws(StoreError) -> ScanPlace? {
        var place = place
        var rest = members[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(StorageLimits.surveyedMax))
            let taken = try await visit(part)
            if taken == 0 { return place }
            self.members += taken
            self.questions += 1
            guard let behind = place.behind(part[taken - 1], of: batch) else { return nil }
            place = behind
            rest = rest.dropFirst(taken)
        }
        return ScanPlace.start.behind(batch)
    }
}
