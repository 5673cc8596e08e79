import Cryptography
import Documents

/// Where a request has names that a caller may choose, of which some look as if they were meant for Herald.
enum NamedBody: Sendable {
    case metadata(QueueMetadata.Owner)
    case metadataPatch(QueueMetadata.Owner)
    case subscription

    func unrecognized(in document: [UInt8]) -> [String] {
        switch self {
        case .metadata(let owner): UnrecognizedNames.inMetadata(document, of: owner)
        case .metadataPatch(let owner): UnrecognizedNames.inPatch(document, of: owner)
        case .subscription: UnrecognizedNames.inSubscription(document)
        }
    }
}

/// The names of a request that were taken and mean nothing, and the header that says so (docs/api.md, "Names that mean nothing").
struct UnrecognizedHeader {
    static let name: StaticString = "Herald-Unrecognized"
    /// Most names of the header, and its bytes.
    static let namesMax = 10
    static let bytesMax = 512

    /// Each once, in the order of the request.
    let names: [String]

    init(_ names: [String]) {
        var seen: Set<String> = []
        self.names = names.filter { seen.insert($0).inserted }
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

    /// Why the request is refused where such names are not taken; nil: it has none.
    var problem: Problem? { self.names.isEmpty ? nil : .unrecognized(self.names.prefix(Self.namesMax)) }
}
