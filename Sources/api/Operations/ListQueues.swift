import Domain
import Pools
import Store
import Wire

/// Which queues of a project to list, and how.
struct QueueListingRequest: Sendable {
    /// Names strictly greater than this, by byte; nil: from the first.
    var marker: String?
    var limit: Int
    /// Part of the name; nil: any.
    var namePart: String?
    /// Stored metadata must have each of these names with one of its values.
    var filters: [(name: String, values: [String])] = []
    var isCounting = false
}

struct QueuePage: Sendable {
    var queues: [QueueListing] = []
    /// Queues of the project, filters and pages aside; nil when nobody asked.
    var count: Int?
}

extension Operations {
    /// Queues the store reads at a time while a filter passes over them.
    private static let filterStep = 100
    /// Queues one request may pass over in search of matches.
    private static let filteredMax = 100_000

    /// A page of queues in the order of their names.
    ///
    /// A filter never shortens a page: it goes on until `limit` queues match or the project has no more.
    ///
    /// - Throws: `StoreError.overloaded` when ``filteredMax`` queues did not fill a page.
    func listQueues(of project: ProjectID, _ request: QueueListingRequest) async throws -> QueuePage {
        var page = QueuePage()
        if request.isCounting { page.count = try await self.stores.defaultStore.queues.count(of: project) }
        guard request.namePart != nil || !request.filters.isEmpty else {
            page.queues = try await self.stores.queues(of: project, after: request.marker, limit: request.limit)
            return page
        }
        var marker = request.marker
        var passed = 0
        while page.queues.count < request.limit {
            guard passed < Self.filteredMax else { throw StoreError.overloaded }
            let step = try await self.stores.queues(of: project, after: marker, limit: Self.filterStep)
            for queue in step where page.queues.count < request.limit && Self.matches(queue, request) {
                page.queues.append(queue)
            }
            guard step.count == Self.filterStep, let last = step.last else { break }
            marker = last.name.text
            passed += step.count
        }
        return page
    }

    private static func matches(_ queue: QueueListing, _ request: QueueListingRequest) -> Bool {
        if let part = request.namePart, !queue.name.text.contains(part) { return false }
        guard !request.filters.isEmpty else { return true }
        guard let metadata = QueueMetadata(stored: queue.metadata) else { return false }
        return request.filters.allSatisfy { metadata.has($0.name, among: $0.values) }
    }
}
