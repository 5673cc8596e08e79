package import Documents
package import Domain
import Placement
package import Signing
import Store

/// Which queues, or topics, of a project to list, and how.
package struct NamedListRequest: Sendable {
    /// Names strictly greater than this, by byte; nil: from the first.
    package var marker: String?
    /// Entries of the page; nil: the default.
    package var limit: Int?
    /// Part of the name; nil: any.
    package var namePart: String?
    /// Stored metadata must have each of these names with one of its values.
    package var filters: [(name: String, values: [String])] = []
    /// Whether all queues of the project are counted too.
    package var isCounting = false

    package init(marker: String? = nil, limit: Int? = nil, namePart: String? = nil, isCounting: Bool = false) {
        self.marker = marker
        self.limit = limit
        self.namePart = namePart
        self.isCounting = isCounting
    }
}

/// A page of a listing of queues.
package struct QueuePage: Sendable {
    package fileprivate(set) var queues: [QueueListing] = []
    /// Queues of the project, filters and pages aside; nil when they were not to be counted.
    package fileprivate(set) var count: Int?
}

extension Operations {
    /// Creates a queue, unless it exists; then nothing changes.
    ///
    /// With pools, one of its flavor is chosen for it. One that exists and is empty, on a pool of another flavor, is
    /// created anew on a pool of this one.
    ///
    /// - Parameters:
    ///   - document: A JSON object as the caller wrote it; empty stands for `{}`.
    ///   - scope: What the caller is restricted to; nil: nothing.
    /// - Returns: Whether it was created.
    /// - Throws: ``Refusal/limitReached(_:max:)`` when the project has as many queues as it may.
    package func createQueue(
        _ queue: QueueAddress, document: [UInt8], within scope: APIKeyScope? = nil
    ) async throws -> Bool {
        let document = document.isEmpty ? Array("{}".utf8) : document
        let metadata = try QueueMetadata(document: document, of: queue.name, limits: self.limits)
        try self.check(metadata, within: scope)
        let placement = try self.placement(of: metadata)
        let limits = try await self.projects.limits(of: queue.project)
        for _ in 0..<Self.settlingsMax {
            let created: Bool? = try await self.stores.making(queue, placement, queuesMax: limits.queues) { place in
                if let flavor = placement.flavor, !self.stores.snapshot.serves(flavor, on: place.pool) {
                    try await self.leave(place, queue, for: flavor)
                    return nil
                }
                try Self.check(metadata.attributes, on: place.store)
                return try await place.store.queues.create(queue, metadata: document, attributes: metadata.attributes)
            }
            if let created { return created }
        }
        throw StoreError.contended
    }

    /// Times the place of a queue may change while one request is under way.
    private static let settlingsMax = 8

    /// What metadata say about where the queue is to be.
    ///
    /// Without pools a flavor has no meaning.
    func placement(of metadata: QueueMetadata) throws(Refusal) -> PlacementRequest {
        PlacementRequest(
            flavor: self.stores.snapshot.pools.isEmpty ? nil : try metadata.flavor(),
            deadLetters: metadata.attributes.deadLetterQueue)
    }

    /// Ends a queue that holds nothing, so that it can be made elsewhere.
    private func leave(_ place: QueuePlacement, _ queue: QueueAddress, for flavor: FlavorName) async throws {
        guard try await place.store.subscriptions.list(queue, after: nil, limit: 1).isEmpty,
            try await place.store.queues.deleteIfEmpty(queue)
        else {
            throw Refusal.metadataConflict(
                "The queue lives on a pool of another flavor than \(flavor), and is not empty.")
        }
    }

    /// The metadata of a queue.
    ///
    /// None are set on a queue that does not exist, which is no error.
    package func showQueue(_ queue: QueueAddress) async throws -> QueueMetadata {
        let stored = try await self.store(of: queue).queues.metadata(of: queue)
        guard let metadata = QueueMetadata(stored: stored ?? Array("{}".utf8)) else {
            throw StoreError.corrupt("the metadata of a queue is no JSON object")
        }
        return metadata
    }

    /// Refuses a queue for dead letters that a restricted caller may not reach.
    ///
    /// - Parameter scope: What the caller is restricted to; nil: nothing.
    private func check(_ metadata: QueueMetadata, within scope: APIKeyScope?) throws(Refusal) {
        guard let scope, !scope.queues.isEmpty, let queue = metadata.attributes.deadLetterQueue else { return }
        guard scope.queues.contains(where: { $0.matches(queue) }) else { throw .notAuthorized }
    }

    /// Refuses a queue that asks for more than its Redis gives, or for what the version before would not do.
    ///
    /// - Parameter before: What it was; what stays is not refused.
    private static func check(
        _ attributes: QueueAttributes, on store: Store, changing before: QueueAttributes = QueueAttributes()
    ) throws(Refusal) {
        if attributes.retryPolicy?.waits != nil, attributes.retryPolicy != before.retryPolicy {
            try Self.check("A schedule of waits", StoreFormat.ofWaits, on: store)
        }
        guard let durability = attributes.durability, durability != before.durability else { return }
        try Self.check("_durability", StoreFormat.ofDurabilities, on: store)
        guard !store.durability.offers(durability) else { return }
        let offered = Durability.allCases.filter { store.durability.offers($0) }.map { "'\($0.rawValue)'" }
        throw .requestInvalid(
            "_durability cannot be '\(durability.rawValue)' here; this deployment offers \(offered.joined(separator: ", "))."
        )
    }

    /// Changes the metadata of a queue, all operations or none, also against others who change it at the same time.
    ///
    /// - Returns: The new metadata.
    /// - Throws: ``Refusal/queueNotFound`` or ``Refusal/metadataConflict(_:)``, the latter with pools also when the queue
    ///   would have to move to another one.
    package func updateQueue(
        _ queue: QueueAddress, _ patch: QueuePatch, within scope: APIKeyScope? = nil
    ) async throws -> QueueMetadata {
        var settled: PlacementRequest?
        for _ in 0..<Self.settlingsMax {
            switch try await self.update(queue, patch, within: scope, settled: settled) {
            case .updated(let metadata): return metadata
            case .unsettled(let placement):
                try await self.settle(placement, of: queue)
                settled = placement
            }
        }
        throw StoreError.contended
    }

    private enum Update {
        case updated(QueueMetadata)
        /// New metadata say something new about the place of the queue, which has to be looked at first; nothing was changed.
        case unsettled(PlacementRequest)
    }

    private func settle(_ placement: PlacementRequest, of queue: QueueAddress) async throws {
        try await self.stores.making(queue, placement) { place in
            guard let flavor = placement.flavor, !self.stores.snapshot.serves(flavor, on: place.pool) else { return }
            throw Refusal.metadataConflict(
                "The queue lives on a pool of another flavor than \(flavor), and stays there.")
        }
    }

    private func update(
        _ queue: QueueAddress, _ patch: QueuePatch, within scope: APIKeyScope?, settled: PlacementRequest?
    ) async throws -> Update {
        let limits = self.limits
        var unsettled: PlacementRequest?
        let store = try await self.store(of: queue)
        let updated = try await store.queues.update(queue) { stored in
            guard let metadata = QueueMetadata(stored: stored) else {
                throw StoreError.corrupt("the metadata of a queue is no JSON object")
            }
            let result = try patch.applied(to: metadata, of: queue.name, limits: limits)
            try self.check(result.metadata, within: scope)
            try Self.check(result.metadata.attributes, on: store, changing: metadata.attributes)
            let placement = try self.placement(of: result.metadata)
            guard try placement == settled || placement == self.placement(of: metadata) else {
                unsettled = placement
                return nil
            }
            return (result.document, result.metadata.attributes)
        }
        if let unsettled { return .unsettled(unsettled) }
        guard let updated else { throw Refusal.queueNotFound }
        guard let metadata = QueueMetadata(stored: updated) else {
            throw StoreError.corrupt("the metadata of a queue is no JSON object")
        }
        return .updated(metadata)
    }

    /// Removes a queue with its messages; its subscriptions stay.
    ///
    /// A queue that is not there is no error.
    package func deleteQueue(_ queue: QueueAddress) async throws {
        try await self.stores.delete(queue)
    }

    /// Queues or topics the store reads at a time while a filter passes over them: what surely fits into one reply.
    private var filterStep: Int { max(1, min(100, Limits.pageBytesMax / self.limits.queueMetadataStoredBytesMax)) }
    /// Queues one request may pass over in search of matches.
    private static let filteredMax = 100_000

    /// A page of queues in the order of their names.
    ///
    /// A filter never shortens a page: it goes on until `limit` queues match or the project has no more.
    ///
    /// - Throws: `StoreError.overloaded` when ``filteredMax`` queues did not fill a page.
    package func listQueues(of project: ProjectID, _ request: NamedListRequest) async throws -> QueuePage {
        let limit = try Self.pageSize(request.limit, max: self.limits.queuePageMax)
        var page = QueuePage()
        if request.isCounting { page.count = try await self.stores.defaultStore.directory.count(of: project) }
        page.queues = try await self.page(request, limit: limit, name: \.name.text, metadata: \.metadata) {
            marker, limit in
            try await self.stores.queues(of: project, after: marker, limit: limit)
        }
        return page
    }

    /// Reads until the page is full or nothing is left.
    ///
    /// - Parameter read: Gives so many behind a name, fewer only at the end.
    func page<Listing>(
        _ request: NamedListRequest, limit: Int, name: (Listing) -> String, metadata: (Listing) -> [UInt8],
        _ read: (_ after: String?, _ limit: Int) async throws -> [Listing]
    ) async throws -> [Listing] {
        guard request.namePart != nil || !request.filters.isEmpty else {
            return try await read(request.marker, limit)
        }
        var found: [Listing] = []
        var marker = request.marker
        var passed = 0
        while found.count < limit {
            guard passed < Self.filteredMax else { throw StoreError.overloaded }
            let step = try await read(marker, self.filterStep)
            for listing in step where found.count < limit {
                if Self.matches(name(listing), metadata(listing), request) { found.append(listing) }
            }
            guard step.count == self.filterStep, let last = step.last else { break }
            marker = name(last)
            passed += step.count
        }
        return found
    }

    private static func matches(_ name: String, _ metadata: [UInt8], _ request: NamedListRequest) -> Bool {
        if let part = request.namePart, !name.contains(part) { return false }
        guard !request.filters.isEmpty else { return true }
        guard let metadata = QueueMetadata(stored: metadata) else { return false }
        return request.filters.allSatisfy { metadata.has($0.name, among: $0.values) }
    }

    /// Counts the messages of a queue; zeros for one that is not there.
    package func showStats(of queue: QueueAddress) async throws -> QueueStats {
        try await self.store(of: queue).queues.stats(of: queue)
    }

    /// The same; nil for a queue that is not there.
    package func findStats(of queue: QueueAddress) async throws -> QueueStats? {
        let store = try await self.store(of: queue)
        let stats = try await store.queues.stats(of: queue)
        guard stats.total == 0, try await store.queues.metadata(of: queue) == nil else { return stats }
        return nil
    }

    /// Removes every message, every subscription, or both; the queue and its metadata stay.
    ///
    package func purgeQueue(_ queue: QueueAddress, _ body: PurgeBody) async throws {
        let store = try await self.store(of: queue)
        if body.kinds.isEmpty { try await store.ping() }
        // Subscriptions first: no subscriber is notified of a message that the same request removes.
        if body.kinds.contains(.subscriptions) { try await store.subscriptions.purge(queue) }
        if body.kinds.contains(.messages) { try await store.messages.purge(queue) }
    }

    /// Makes credentials for parts of one queue, which need not be there.
    ///
    /// The store is not asked: nothing is kept.
    ///
    /// - Throws: ``Refusal/requestInvalid(_:)``, also when no key of pre-signed URLs is configured.
    package func shareQueue(
        _ queue: QueueAddress, _ body: ShareBody, now: Timestamp
    ) throws(Refusal) -> ShareRequest.Share {
        try ShareRequest.sign(
            parts: body.parts.map(\.rawValue), methods: body.methods, expires: body.expires, of: queue,
            key: self.options.shareKey,
            now: now)
    }
}
