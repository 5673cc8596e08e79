import Documents
import Domain
import HTTPServer
import Operations

/// The query string of a list of queues, or of topics, and the answer to it.
struct NamedListQuery {
    /// Parameters of a listing; any other is a filter on metadata.
    private static let parameters: Set<String> = ["marker", "limit", "detailed", "name", "with_count"]

    let request: NamedListRequest
    private let path: String
    private let isDetailed: Bool
    private let link: PageLink

    /// - Parameter offersCount: Whether `with_count` is answered.
    /// - Throws: ``Refusal``.
    init(_ query: Query, path: String, offersCount: Bool) throws(Refusal) {
        var link = PageLink(path: path)
        let isDetailed = try query.boolean("detailed")
        let isCounting = offersCount ? try query.boolean("with_count") : nil
        let page = try query.page
        var request = NamedListRequest(
            marker: page.marker, limit: page.limit, namePart: query.text("name"), isCounting: isCounting ?? false)
        link.add("limit", page.limit)
        link.add("detailed", isDetailed)
        link.add("with_count", isCounting)
        if let part = request.namePart { link.add("name", part) }
        for parameter in query.parameters where !Self.parameters.contains(parameter.name) {
            request.filters.append((parameter.name, parameter.values))
            for value in parameter.values { link.add(parameter.name, value) }
        }
        try link.check()
        self.request = request
        self.path = path
        self.isDetailed = isDetailed ?? false
        self.link = link
    }

    /// - Parameter count: nil when it was not asked for.
    func reply(
        _ listings: [(name: String, metadata: [UInt8])], count: Int?, of owner: QueueMetadata.Owner, limits: Limits
    ) -> Reply {
        let lines = listings.map {
            // Names are made of characters that need no escape.
            QueueDocument.Line(name: $0.name, path: "\(self.path)/\($0.name)", metadata: $0.metadata)
        }
        return .json(
            .ok,
            QueueDocument.list(
                lines, of: owner, isDetailed: self.isDetailed, limits: limits,
                next: self.link.next(after: listings.last?.name), count: count))
    }
}
