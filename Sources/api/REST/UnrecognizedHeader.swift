import Cryptography
import Documents
import HTTPServer
import NIOCore

/// Where a request has names that a caller may choose, of which some look as if they were meant for Herald.
enum NamedBody: Sendable {
    case metadata(QueueMetadata.Owner)
    case metadataPatch(QueueMetadata.Owner)
    case subscription
}

/// The names of a request that were taken and mean nothing, and the header that says so (docs/api.md, "Names that mean nothing").
struct UnrecognizedHeader {
    /// Most names of the header, and its bytes.
    static let namesMax = 10
    static let bytesMax = 512

    /// Each once, in the order of the request: those of the query, then those of the body.
    let names: [String]

    init(_ request: ReceivedRequest, of route: Route) {
        var names: [String] = []
        if !request.head.query.isEmpty, let known = route.queryNames {
            names += Self.names(in: request.head.query, besides: known, isSigned: request.head.isSignedByQuery)
        }
        if let body = route.namedBody, request.body.readableBytes > 0 {
            switch body {
            case .metadata(let owner): names += UnrecognizedNames.inMetadata(request.document, of: owner)
            case .metadataPatch(let owner): names += UnrecognizedNames.inPatch(request.document, of: owner)
            case .subscription: names += UnrecognizedNames.inSubscription(request.document)
            }
        }
        var seen: Set<String> = []
        self.names = names.filter { seen.insert($0).inserted }
    }

    private static func names(in query: Substring, besides known: Set<String>, isSigned: Bool) -> [String] {
        // Cut at bytes: nearly every query has a few short names that are known.
        query.utf8.split(separator: UInt8(ascii: "&")).prefix(Query.parametersMax).compactMap { pair in
            let name = Percent.decode(Substring(pair.prefix { $0 != UInt8(ascii: "=") }), isForm: true)
            return name.isEmpty || known.contains(name) || isSigned && RequestHead.signedNames.contains(name)
                ? nil : name
        }
    }

    /// nil: all names are known.
    var value: String? {
        guard !self.names.isEmpty else { return nil }
        var value = ""
        for name in self.names.prefix(Self.namesMax) {
            let encoded = (value.isEmpty ? "" : ",") + Percent.encode(name)
            guard value.utf8.count + encoded.utf8.count <= Self.bytesMax else { break }
            value += encoded
        }
        // One name may be longer than the header.
        return value.isEmpty ? "..." : value
    }
}
