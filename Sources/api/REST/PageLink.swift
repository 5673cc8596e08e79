import Cryptography
import Domain
import Operations

/// The link to the next page: the request as it was, with another marker.
struct PageLink: Sendable {
    /// Bytes of a link without its marker: with the longest marker it is a target that this server still reads.
    static let bytesMax = 15_000

    private let path: String
    private var pairs: [(name: String, value: String)] = []

    init(path: String) {
        self.path = path
    }

    mutating func add(_ name: String, _ value: String) {
        self.pairs.append((name, value))
    }

    /// Adds what the caller gave; nothing when it gave nothing.
    mutating func add(_ name: String, _ value: Int?) {
        if let value { self.add(name, String(value)) }
    }

    mutating func add(_ name: String, _ value: Bool?) {
        if let value { self.add(name, value ? "true" : "false") }
    }

    /// Refuses a request whose next page could not be asked for: encoding makes its parameters up to three times as long.
    ///
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    func check() throws(Refusal) {
        let bytes = self.pairs.reduce(self.path.utf8.count) { sum, pair in
            sum + Percent.encode(pair.name).utf8.count + Percent.encode(pair.value).utf8.count + 2
        }
        guard bytes <= Self.bytesMax else {
            throw .requestInvalid(
                "The parameters may take at most \(Self.bytesMax) bytes when they are percent-encoded.")
        }
    }

    /// The path and query of the next page; nil behind an empty page.
    ///
    /// - Parameter marker: Of the last item of the page; nil when the page is empty.
    func next(after marker: String?) -> String? {
        guard let marker else { return nil }
        let query = (self.pairs + [("marker", marker)]).map { "\(Percent.encode($0.name))=\(Percent.encode($0.value))" }
        return "\(self.path)?\(query.joined(separator: "&"))"
    }
}

extension Query {
    /// `marker` and `limit`.
    ///
    /// - Throws: ``Refusal/parameterMalformed(name:expected:)``.
    var page: PageRequest {
        get throws(Refusal) { PageRequest(marker: self.text("marker"), limit: try self.integer("limit")) }
    }
}
