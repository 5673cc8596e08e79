import Cryptography

/// Finds the path of a request among those of the table.
///
/// A template is `/v2/queues/{queue}/messages`: a part in braces stands for any text, also for none, and a literal part goes
/// before it. Nothing is folded: a slash at the end makes another path, and `%2F` separates nothing. Not a general router,
/// because the order of checks is part of the API: an unknown path is 404 whatever the headers, a wrong method is 405 only
/// after them (docs/decisions/0004).
struct PathTree: Sendable {
    /// A path with its variable parts, percent-decoded and not checked otherwise.
    struct Match: Sendable {
        let path: RoutePath
        /// The first variable part; empty where there is none.
        var name = ""
        /// The second variable part; empty likewise.
        var id = ""
    }

    private struct Node: Sendable {
        var literals: [(text: [UInt8], node: Int)] = []
        var variable: Int?
        var path: RoutePath?
    }

    private var nodes = [Node()]

    init(_ paths: [RoutePath]) {
        for path in paths {
            precondition(Self.variables(of: path.template).count <= 2, "\(path.template) has too many variable parts")
            var node = 0
            for part in Self.parts(of: path.template) { node = self.child(of: node, for: part) }
            self.nodes[node].path = path
        }
    }

    /// The names of the variable parts of a template.
    static func variables(of template: String) -> [String] {
        Self.parts(of: template).filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    }

    private static func parts(of template: String) -> [Substring] {
        template.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    }

    private mutating func child(of node: Int, for part: Substring) -> Int {
        let bytes = Array(part.utf8)
        if part.hasPrefix("{") {
            if let known = self.nodes[node].variable { return known }
            self.nodes[node].variable = self.nodes.count
        } else {
            if let known = self.nodes[node].literals.first(where: { $0.text == bytes }) { return known.node }
            self.nodes[node].literals.append((bytes, self.nodes.count))
        }
        self.nodes.append(Node())
        return self.nodes.count - 1
    }

    /// - Parameter path: As it came over the wire, without a query string.
    /// - Returns: nil for a path that is not in the table.
    func match(_ path: String) -> Match? {
        var path = path
        return path.withUTF8 { bytes in
            guard bytes.first == UInt8(ascii: "/") else { return nil }
            var node = 0
            var (first, second): (Range<Int>?, Range<Int>?)
            var start = 1
            while true {
                var end = start
                while end < bytes.count, bytes[end] != UInt8(ascii: "/") { end += 1 }
                let part = UnsafeBufferPointer(rebasing: bytes[start..<end])
                if let literal = self.nodes[node].literals.first(where: { $0.text.elementsEqual(part) }) {
                    node = literal.node
                } else if let variable = self.nodes[node].variable {
                    node = variable
                    if first == nil { first = start..<end } else { second = start..<end }
                } else {
                    return nil
                }
                if end == bytes.count { break }
                start = end + 1
            }
            guard let found = self.nodes[node].path else { return nil }
            var match = Match(path: found)
            if let first { match.name = Percent.decode(UnsafeBufferPointer(rebasing: bytes[first])) }
            if let second { match.id = Percent.decode(UnsafeBufferPointer(rebasing: bytes[second])) }
            return match
        }
    }
}
