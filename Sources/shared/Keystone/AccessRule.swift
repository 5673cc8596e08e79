/// One kind of request that a token of an application credential is for.
package struct AccessRule: Sendable, Equatable {
    package let service: String
    package let method: String
    /// A path in which `*` and `{name}` stand for one or more characters but slashes, and `**` for any.
    package let path: String

    package init(service: String, method: String, path: String) {
        self.service = service
        self.method = method
        self.path = path
    }

    /// Paths longer than this match no rule, however it is written: matching costs the product of both lengths.
    private static let pathBytesMax = 2048

    /// - Parameters:
    ///   - path: As it came over the wire, without the query string.
    ///   - services: The names that this service goes by in a catalogue.
    package func admits(_ method: String, _ path: String, of services: Set<String>) -> Bool {
        services.contains(self.service) && self.method.uppercased() == method.uppercased()
            && Self.matches(Array(path.utf8), Self.pattern(self.path))
    }

    private enum Piece: Equatable {
        case byte(UInt8)
        /// One or more bytes but slashes.
        case segment
        /// Any bytes.
        case rest
    }

    private static func pattern(_ text: String) -> [Piece] {
        var pieces: [Piece] = []
        var bytes = Array(text.utf8)[...]
        while let byte = bytes.popFirst() {
            switch byte {
            case UInt8(ascii: "*") where bytes.first == byte:
                bytes.removeFirst()
                pieces.append(.rest)
            case UInt8(ascii: "*"): pieces.append(.segment)
            case UInt8(ascii: "{"):
                // Without its end it stands for itself, which no path holds.
                guard let end = bytes.firstIndex(of: UInt8(ascii: "}")) else {
                    pieces.append(.byte(byte))
                    continue
                }
                bytes = bytes[(end + 1)...]
                pieces.append(.segment)
            default: pieces.append(.byte(byte))
            }
        }
        return pieces
    }

    /// Walks over the path once, and keeps for each place of the pattern whether the path up to here leads to it.
    private static func matches(_ path: [UInt8], _ pattern: [Piece]) -> Bool {
        guard path.count <= Self.pathBytesMax else { return false }
        var reached = [Bool](repeating: false, count: pattern.count + 1)
        reached[0] = true
        Self.skipRests(&reached, pattern)
        for byte in path {
            var next = [Bool](repeating: false, count: pattern.count + 1)
            for (place, piece) in pattern.enumerated() {
                switch piece {
                case .byte(let wanted): if reached[place], byte == wanted { next[place + 1] = true }
                case .segment:
                    guard byte != UInt8(ascii: "/") else { continue }
                    // It goes on, at its end, as long as nothing else takes the byte.
                    if reached[place] || reached[place + 1] { next[place + 1] = true }
                case .rest: if reached[place] || reached[place + 1] { next[place + 1] = true }
                }
            }
            reached = next
            Self.skipRests(&reached, pattern)
        }
        return reached[pattern.count]
    }

    /// `**` may stand for nothing.
    private static func skipRests(_ reached: inout [Bool], _ pattern: [Piece]) {
        for (place, piece) in pattern.enumerated() where piece == .rest && reached[place] { reached[place + 1] = true }
    }
}
