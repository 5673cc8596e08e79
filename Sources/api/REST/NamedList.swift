import Documents
import Domain
import HTTPTypes
import JSON
import NIOCore

/// What a caller wants of a list of queues, or of topics, and how it is answered.
struct NamedListWish {
    /// Parameters of a listing; any other is a filter on metadata.
    private static let parameters: Set<String> = ["marker", "limit", "detailed", "name", "with_count"]

    let request: NamedListingRequest
    private let path: String
    private let isDetailed: Bool
    private let link: PageLink

    /// - Parameter offersCount: Whether `with_count` is answered.
    /// - Throws: ``Refusal``.
    init(_ query: Query, path: String, limitMax: Int, offersCount: Bool) throws(Refusal) {
        var link = PageLink(path: path)
        let isDetailed = try query.boolean("detailed")
        let isCounting = offersCount ? try query.boolean("with_count") : nil
        var request = NamedListingRequest(
            marker: query.text("marker"), limit: try query.limit(max: limitMax), namePart: query.text("name"),
            isCounting: isCounting ?? false)
        link.add("limit", try query.integer("limit"))
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

    /// - Parameters:
    ///   - key: Of the list in the answer.
    ///   - count: nil when nobody asked.
    func reply(
        _ key: String, _ listings: [(name: String, metadata: [UInt8])], count: Int?, of owner: QueueMetadata.Owner,
        limits: Limits
    ) -> Reply {
        Reply.json(.ok, capacity: 1024) { body in
            body.writeStaticString("{")
            body.writeJSON(key)
            body.writeStaticString(":[")
            for (index, listing) in listings.enumerated() {
                if index > 0 { body.writeStaticString(",") }
                body.writeStaticString(#"{"name":"#)
                body.writeJSON(listing.name)
                body.writeStaticString(#","href":"#)
                // Names are made of characters that need no escape.
                body.writeJSON("\(self.path)/\(listing.name)")
                if self.isDetailed {
                    body.writeStaticString(#","metadata":"#)
                    // What cannot be read is shown as unset; showing it alone tells of the damage.
                    let metadata = QueueMetadata(stored: listing.metadata) ?? .unset
                    metadata.write(to: &body, limits: limits, of: owner)
                }
                body.writeStaticString("}")
            }
            body.writeStaticString(#"],"links":"#)
            self.link.write(after: listings.last?.name, to: &body)
            if let count {
                body.writeStaticString(#","count":"#)
                body.writeJSON(count)
            }
            body.writeStaticString("}")
        }
    }
}
