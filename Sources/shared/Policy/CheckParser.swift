extension PolicyCheck {
    /// Reads a check string; an empty one allows.
    package init(text: String) throws(CheckInvalid) {
        guard !text.isEmpty else {
            self = .allow
            return
        }
        var parser = try CheckParser(text)
        self = try parser.whole()
    }

    /// Reads one check without operators, as it stands in a list.
    ///
    /// - Parameter text: One word.
    init(word text: String) throws(CheckInvalid) {
        let words = try CheckParser.words(of: text)
        guard let word = words.first else { throw CheckInvalid(1, .check) }
        guard words.count == 1, case .check = word.kind else { throw CheckInvalid(words.last?.column ?? 1, .text) }
        self = try CheckReader(word).check()
    }
}

/// Reads the grammar of check strings by recursive descent.
///
/// ```
/// any   = all *("or" all)
/// all   = unary *("and" unary)
/// unary = "not" unary / "(" any ")" / check
/// ```
///
/// Words are separated by blanks; parentheses may touch the words they surround.
struct CheckParser {
    struct Word {
        enum Kind { case opening, closing, and, or, not, check }

        let kind: Kind
        let scalars: [Unicode.Scalar]
        let column: Int
    }

    private var words: ArraySlice<Word>
    private let end: Int
    private var nesting = 0
    private var nodes = 0

    init(_ text: String) throws(CheckInvalid) {
        self.words = try Self.words(of: text)[...]
        self.end = text.unicodeScalars.count + 1
    }

    mutating func whole() throws(CheckInvalid) -> PolicyCheck {
        let check = try self.joined()
        guard self.words.isEmpty else { throw self.invalid(.joint) }
        return check
    }

    private func invalid(_ expected: CheckInvalid.Expected) -> CheckInvalid {
        CheckInvalid(self.words.first?.column ?? self.end, expected)
    }

    /// Takes the next word, if it is of this kind.
    private mutating func takes(_ kind: Word.Kind) -> Bool {
        guard self.words.first?.kind == kind else { return false }
        self.words.removeFirst()
        return true
    }

    private mutating func count() throws(CheckInvalid) {
        self.nodes += 1
        guard self.nodes <= PolicyLimits.nodesMax else {
            throw self.invalid(.less(than: "\(PolicyLimits.nodesMax + 1) checks and operators"))
        }
    }

    private mutating func joined() throws(CheckInvalid) -> PolicyCheck {
        var checks = [try self.conjunction()]
        while self.takes(.or) { checks.append(try self.conjunction()) }
        guard checks.count > 1 else { return checks[0] }
        try self.count()
        return .any(checks)
    }

    private mutating func conjunction() throws(CheckInvalid) -> PolicyCheck {
        var checks = [try self.unary()]
        while self.takes(.and) { checks.append(try self.unary()) }
        guard checks.count > 1 else { return checks[0] }
        try self.count()
        return .all(checks)
    }

    private mutating func unary() throws(CheckInvalid) -> PolicyCheck {
        guard let word = self.words.first else { throw self.invalid(.check) }
        switch word.kind {
        case .closing, .and, .or: throw self.invalid(.check)
        case .check:
            try self.count()
            self.words.removeFirst()
            return try CheckReader(word).check()
        case .not, .opening:
            guard self.nesting < PolicyLimits.nestingMax else {
                throw self.invalid(.less(than: "\(PolicyLimits.nestingMax + 1) parentheses and 'not' in each other"))
            }
            self.nesting += 1
            defer { self.nesting -= 1 }
            self.words.removeFirst()
            if word.kind == .not {
                try self.count()
                return .not(try self.unary())
            }
            let check = try self.joined()
            guard self.takes(.closing) else { throw self.invalid(self.words.isEmpty ? .closing : .joint) }
            return check
        }
    }

    // MARK: - Words

    static func words(of text: String) throws(CheckInvalid) -> [Word] {
        let scalars = Array(text.unicodeScalars)
        var words: [Word] = []
        var index = 0
        while index < scalars.count {
            guard !self.isBlank(scalars[index]) else {
                index += 1
                continue
            }
            var end = index
            while end < scalars.count, !self.isBlank(scalars[end]) {
                guard self.isPrintable(scalars[end]) else { throw CheckInvalid(end + 1, .text) }
                end += 1
            }
            try self.add(scalars, index..<end, to: &words)
            index = end
        }
        return words
    }

    /// Cuts the parentheses off a run of characters without blanks.
    ///
    /// One inside a word, before its colon, lacks a blank: `or(`.
    private static func add(
        _ scalars: [Unicode.Scalar], _ run: Range<Int>, to words: inout [Word]
    ) throws(CheckInvalid) {
        var (start, end) = (run.lowerBound, run.upperBound)
        while start < end, scalars[start] == "(" {
            words.append(Word(kind: .opening, scalars: [], column: start + 1))
            start += 1
        }
        while end > start, scalars[end - 1] == ")" { end -= 1 }
        if start < end {
            let word = Array(scalars[start..<end])
            if word[0] != "'", word[0] != "\"",
                let inside = word.prefix(while: { $0 != ":" }).firstIndex(where: { $0 == "(" || $0 == ")" })
            {
                throw CheckInvalid(start + inside + 1, .blank)
            }
            words.append(Word(kind: self.kind(of: word), scalars: word, column: start + 1))
        }
        for index in end..<run.upperBound {
            words.append(Word(kind: .closing, scalars: [], column: index + 1))
        }
    }

    private static func kind(of word: [Unicode.Scalar]) -> Word.Kind {
        guard word.count <= 3 else { return .check }
        return switch String(String.UnicodeScalarView(word)).lowercased() {
        case "and": .and
        case "or": .or
        case "not": .not
        default: .check
        }
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        scalar == " " || (scalar.value >= 9 && scalar.value <= 13)
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator, .surrogate, .unassigned: false
        default: true
        }
    }
}
