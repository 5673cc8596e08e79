import Settings

/// Reads one check: `@`, `!`, or a kind, a colon and a text.
struct CheckReader {
    private let scalars: [Unicode.Scalar]
    private let column: Int

    init(_ word: CheckParser.Word) {
        self.scalars = word.scalars
        self.column = word.column
    }

    func check() throws(CheckInvalid) -> PolicyCheck {
        guard let first = self.scalars.first else { throw self.invalid(0, .check) }
        if self.scalars.count == 1, first == "@" { return .allow }
        if self.scalars.count == 1, first == "!" { return .deny }
        if first == "'" || first == "\"" { return try self.quoted(first) }
        guard let colon = self.scalars.firstIndex(of: ":") else { throw self.invalid(0, .check) }
        let kind = self.text(0..<colon)
        switch kind {
        case "rule":
            let name = try self.value(from: colon + 1)
            if let parenthesis = self.scalars.firstIndex(where: Self.isParenthesis) {
                throw self.invalid(parenthesis, .blank)
            }
            return .rule(name)
        case "role": return .role(try self.template(from: colon + 1))
        default: break
        }
        if let attribute = PolicyCredentials.Attribute(rawValue: kind) {
            return .credential(attribute, try self.template(from: colon + 1))
        }
        guard Self.isLiteral(kind) else { throw self.invalid(0, .attribute(suggestion: Self.nearest(kind))) }
        return .literal(kind, try self.template(from: colon + 1))
    }

    /// A quoted text; backslashes mean nothing in it, so none may be there.
    private func quoted(_ quote: Unicode.Scalar) throws(CheckInvalid) -> PolicyCheck {
        guard let end = self.scalars.dropFirst().firstIndex(of: quote) else {
            throw self.invalid(self.scalars.count, .quote)
        }
        if let backslash = self.scalars[..<end].firstIndex(of: "\\") { throw self.invalid(backslash, .text) }
        guard end + 1 < self.scalars.count, self.scalars[end + 1] == ":" else { throw self.invalid(end + 1, .colon) }
        return .literal(self.text(1..<end), try self.template(from: end + 2))
    }

    private func value(from start: Int) throws(CheckInvalid) -> String {
        guard start < self.scalars.count else { throw self.invalid(start, .value) }
        return self.text(start..<self.scalars.count)
    }

    private func template(from start: Int) throws(CheckInvalid) -> CheckText {
        guard start < self.scalars.count else { throw self.invalid(start, .value) }
        var parts: [CheckText.Part] = []
        var text = String.UnicodeScalarView()
        var index = start
        while index < self.scalars.count {
            let scalar = self.scalars[index]
            if Self.isParenthesis(scalar) { throw self.invalid(index, .blank) }
            if scalar == "'" || scalar == "\"" { throw self.invalid(index, .text) }
            guard scalar == "%" else {
                text.append(scalar)
                index += 1
                continue
            }
            if index + 1 < self.scalars.count, self.scalars[index + 1] == "%" {
                text.append("%")
                index += 2
                continue
            }
            let (key, end) = try self.placeholder(at: index)
            if !text.isEmpty { parts.append(.text(String(text))) }
            text = String.UnicodeScalarView()
            parts.append(.target(key))
            index = end
        }
        if !text.isEmpty { parts.append(.text(String(text))) }
        return CheckText(parts)
    }

    /// The key of `%(key)s`, and where what follows begins.
    private func placeholder(at index: Int) throws(CheckInvalid) -> (PolicyTarget.Key, end: Int) {
        guard index + 1 < self.scalars.count, self.scalars[index + 1] == "(",
            let closing = self.scalars[index...].firstIndex(of: ")"), closing + 1 < self.scalars.count,
            self.scalars[closing + 1] == "s",
            let key = PolicyTarget.Key(rawValue: self.text(index + 2..<closing))
        else { throw self.invalid(index, .placeholder) }
        return (key, closing + 2)
    }

    private func text(_ range: Range<Int>) -> String { String(String.UnicodeScalarView(self.scalars[range])) }

    private func invalid(_ index: Int, _ expected: CheckInvalid.Expected) -> CheckInvalid {
        CheckInvalid(self.column + index, expected)
    }

    private static func isParenthesis(_ scalar: Unicode.Scalar) -> Bool { scalar == "(" || scalar == ")" }

    /// Words of Python, and whole numbers, stand for themselves.
    private static func isLiteral(_ kind: String) -> Bool {
        ["True", "False", "None"].contains(kind) || Int64(kind).map(String.init) == kind
    }

    private static func nearest(_ kind: String) -> String? {
        NearestName.of(kind, among: ["role", "rule"] + PolicyCredentials.Attribute.allCases.map(\.rawValue))
    }
}
