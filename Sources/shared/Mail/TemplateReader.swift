/// Splits a text at its places: `{{ inside }}` and, where they are wanted, `{0}`.
///
/// A brace that begins neither form is text.
struct TemplateReader {
    enum Part: Sendable, Equatable {
        case text(String)
        /// What stands between the braces, without blanks around it.
        case place(String)
    }

    enum Invalid: Error, Sendable, Equatable {
        case tooLong, unclosed, tooManyPlaces
    }

    /// Bytes of a text.
    static let bytesMax = 65_536
    /// Places of a text.
    static let placesMax = 100

    /// - Parameter takesNumbers: Whether `{` digits `}` is a place.
    static func parts(of text: String, takesNumbers: Bool = false) throws(Invalid) -> [Part] {
        guard text.utf8.count <= Self.bytesMax else { throw .tooLong }
        var parts: [Part] = []
        var places = 0
        var pending = ""
        var rest = text[...]
        while let open = rest.firstIndex(of: "{") {
            pending += rest[..<open]
            rest = rest[open...]
            guard let (inside, end) = try Self.place(rest, takesNumbers: takesNumbers) else {
                pending += "{"
                rest = rest.dropFirst()
                continue
            }
            places += 1
            guard places <= Self.placesMax else { throw .tooManyPlaces }
            if !pending.isEmpty { parts.append(.text(pending)) }
            parts.append(.place(inside))
            pending = ""
            rest = rest[end...]
        }
        pending += rest
        if !pending.isEmpty { parts.append(.text(pending)) }
        return parts
    }

    /// The place at the beginning of a text, and where it ends; nil when none stands there.
    private static func place(
        _ text: Substring, takesNumbers: Bool
    ) throws(Invalid) -> (inside: String, end: Substring.Index)? {
        if text.hasPrefix("{{") {
            guard let close = text.firstRange(of: "}}") else { throw .unclosed }
            let inside = text[text.index(text.startIndex, offsetBy: 2)..<close.lowerBound].drop { $0 == " " }
            return (String(inside.reversed().drop { $0 == " " }.reversed()), close.upperBound)
        }
        guard takesNumbers else { return nil }
        let digits = text.dropFirst().prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty, digits.endIndex < text.endIndex, text[digits.endIndex] == "}" else { return nil }
        return (String(digits), text.index(after: digits.endIndex))
    }
}
