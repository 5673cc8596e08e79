import Cryptography
import Documents
import HTTPServer
import NIOCore

extension UnrecognizedHeader {
    /// Those of the query, then those of the body.
    init(_ request: ReceivedRequest, of route: Route) {
        var names: [String] = []
        if !request.head.query.isEmpty, let known = route.queryNames {
            names += Self.names(in: request.head.query, besides: known, isSigned: request.head.isSignedByQuery)
        }
        if let body = route.namedBody, request.body.readableBytes > 0 {
            names += body.unrecognized(in: request.document)
        }
        self.init(names)
    }

    private static func names(in query: Substring, besides known: Set<String>, isSigned: Bool) -> [String] {
        // Cut at bytes: nearly every query has a few short names that are known.
        query.utf8.split(separator: UInt8(ascii: "&")).prefix(Query.parametersMax).compactMap { pair in
            let name = Percent.decode(Substring(pair.prefix { $0 != UInt8(ascii: "=") }), isForm: true)
            return name.isEmpty || known.contains(name) || isSigned && RequestHead.signedNames.contains(name)
                ? nil : name
        }
    }
}
