import Documents
import Domain
import Placement
import Store

/// Which queues, or topics, of a project to list, and how.
struct NamedListingRequest: Sendable {
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
    /// Queues or topics the store reads at a time while a filter passes over them: what surely fits into one reply.
    private var filterStep: Int { max(1, min(100, Limits.pageBytesMax / self.limits.queueMetadataStoredBytesMax)) }
    /// Queues one request may pass over in search of matches.
    private static let filteredMax = 100_000

    /// A page of queues in the order of their names.
    ///
    /// A filter never shortens a page: it goes on until `limit` queues match or the project has no more.
    ///
    /// - Throws: `StoreError.overloaded` when ``filteredMax`` queues did not fill a page.
    func listQueues(of project: ProjectID, _ request: NamedListingRequest) async throws -> QueuePage {
        var page = QueuePage()
        if request.isCounting { page.count = try await self.stores.defaultStore.queues.count(of: project) }
        page.queues = try await self.page(request, name: \.name.text, metadata: \.metadata) { marker, limit in
            try await self.stores.queues(of: project, after: marker, limit: limit)
        }
        return page
    }

    /// Reads until the page is full or nothing is left.
    ///
    /// - Parameter read: Gives so many behind a name, fewer only at the end.
    func page<Listing>(
        _ request: NamedListingRequest, name: (Listing) -> String, metadata: (Listing) -> [UInt8],
        _ read: (_ after: String?, _ limit: Int) async throws -> [Listing]
    ) async throws -> [Listing] {
        guard request.namePart != nil || !request.filters.isEmpty else {
            return try await read(request.marker, request.limit)
        }
        var found: [Listing] = []
        var marker = request.marker
        var passed = 0
        while found.count < request.limit {
            guard passed < Self.filteredMax else { throw StoreError.overloaded }
            let step = try await read(marker, self.filterStep)
            for listing in step where found.count < request.limit {
                if Self.matches(name(listing), metadata(listing), request) { found.append(listing) }
            }
            guard step.count == self.filterStep, let last = step.last else { break }
            marker = name(last)
            passed += step.count
        }
        return found
    }

    private static func matches(_ name: String, _ metadata: [UInt8], _ request: NamedListingRequest) -> Bool {
        if let part = request.namePart, !name.contains(part) { return false }
        guard !request.filters.isEmpty else { return true }
        guard let metadata = QueueMetadata(stored: metadata) else { return false }
        return request.filters.allSatisfy { metadata.has($0.name, among: $0.values) }
    }
}
