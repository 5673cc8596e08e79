import NIOCore
import Wire

/// The link to the next page: the request as it was, with another marker.
struct PageLink: Sendable {
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

    /// Writes the value of `links`: one link after a page that holds something, none after an empty one.
    ///
    /// - Parameter marker: Of the last item of the page; nil when the page is empty.
    func write(after marker: String?, to body: inout ByteBuffer) {
        guard let marker else {
            body.writeStaticString("[]")
            return
        }
        let query = (self.pairs + [("marker", marker)]).map { "\(Percent.encode($0.name))=\(Percent.encode($0.value))" }
        body.writeStaticString(#"[{"rel":"next","href":"#)
        body.writeJSON("\(self.path)?\(query.joined(separator: "&"))")
        body.writeStaticString("}]")
    }
}
