/// One of the conditions of a key, of which one has to hold for one of its values.
enum FilterCondition: Sendable, Equatable {
    case text([UInt8])
    /// In units of ``FilterNumber/scale``.
    case number(Int64)
    case boolean(Bool)
    case null
    case prefix([UInt8])
    case suffix([UInt8])
    /// In small characters.
    case equalsIgnoreCase([UInt8])
    case wildcard(WildcardPattern)
    case numeric(NumericRange)
    case cidr(AddressBlock)
    /// There is a value that is neither `null` nor an empty string.
    case exists
    /// There is no value. Never asked about a value: the evaluator knows when there is none.
    case isAbsent
    case anythingBut(FilterExclusion)
}

/// What `anything-but` excludes.
enum FilterExclusion: Sendable, Equatable {
    case texts([[UInt8]])
    case numbers([Int64])
    case prefix([UInt8])
    case suffix([UInt8])
    case wildcard(WildcardPattern)
}

/// A string of a body in the forms that conditions need, each made once.
struct TextForms {
    private var lowercase: [UInt8]?
    private var address: AddressBlock.Address??

    mutating func lowercased(_ text: Span<UInt8>) -> [UInt8] {
        if let lowercase { return lowercase }
        let lowercased = TextMatching.lowercased(text)
        self.lowercase = lowercased
        return lowercased
    }

    /// nil: it is none.
    mutating func address(_ text: Span<UInt8>) -> AddressBlock.Address? {
        if let address { return address }
        let read = AddressBlock.Address(text)
        self.address = .some(read)
        return read
    }
}

extension FilterCondition {
    /// Whether it holds for a string.
    ///
    /// - Parameter forms: What conditions of one key share of the text.
    func holds(forText text: Span<UInt8>, _ forms: inout TextForms) -> Bool {
        switch self {
        case .text(let value): return TextMatching.isEqual(text, value)
        case .prefix(let prefix): return TextMatching.hasPrefix(text, prefix)
        case .suffix(let suffix): return TextMatching.hasSuffix(text, suffix)
        case .equalsIgnoreCase(let value): return forms.lowercased(text) == value
        case .wildcard(let pattern): return pattern.matches(text)
        case .cidr(let block): return forms.address(text).map(block.contains) ?? false
        case .exists: return !text.isEmpty
        case .anythingBut(let exclusion): return !exclusion.excludes(text)
        case .number, .boolean, .null, .numeric, .isAbsent: return false
        }
    }

    /// How many comparisons it may take.
    var comparisons: Int {
        switch self {
        case .anythingBut(.texts(let excluded)): excluded.count
        case .anythingBut(.numbers(let excluded)): excluded.count
        default: 1
        }
    }

    func holds(forNumber number: FilterNumber) -> Bool {
        switch self {
        case .number(let value): number.isEqual(to: value)
        case .numeric(let range): range.contains(number)
        case .exists: true
        case .anythingBut(.numbers(let excluded)): !excluded.contains { number.isEqual(to: $0) }
        case .anythingBut: true
        case .text, .boolean, .null, .prefix, .suffix, .equalsIgnoreCase, .wildcard, .cidr, .isAbsent: false
        }
    }

    func holds(forBoolean boolean: Bool) -> Bool {
        switch self {
        case .boolean(let value): value == boolean
        case .exists, .anythingBut: true
        default: false
        }
    }

    var holdsForNull: Bool {
        switch self {
        case .null, .anythingBut: true
        default: false
        }
    }
}

extension FilterExclusion {
    fileprivate func excludes(_ text: Span<UInt8>) -> Bool {
        switch self {
        case .texts(let excluded):
            for value in excluded where TextMatching.isEqual(text, value) { return true }
            return false
        case .numbers: return false
        case .prefix(let prefix): return TextMatching.hasPrefix(text, prefix)
        case .suffix(let suffix): return TextMatching.hasSuffix(text, suffix)
        case .wildcard(let pattern): return pattern.matches(text)
        }
    }
}
