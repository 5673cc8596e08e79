import JSON

/// Reads the array of conditions of one key.
struct FilterConditionReader {
    private(set) var json: PolicyJSON
    private(set) var conditions: [FilterCondition] = []
    /// What the key counts among the combinations: its conditions, and of `anything-but` each value.
    private(set) var values = 0
    private var patterns: [WildcardPattern] = []

    init(json: PolicyJSON) {
        self.json = json
    }

    /// Points of the wildcards of the key.
    var wildcardPoints: Int {
        self.patterns.reduce(0) { $0 + $1.points } * self.patterns.count { $0.wildcards > 0 }
    }

    mutating func read(at pointer: String) throws(FilterPolicyInvalid) {
        try self.json.openArray(at: pointer)
        var count = 0
        while try self.json.nextElement(at: pointer) {
            let place = JSONPointer.appending(count, to: pointer)
            count += 1
            switch try self.json.peek(at: place) {
            case UInt8(ascii: "{"): try self.readObject(at: place)
            case UInt8(ascii: "["): throw try self.refusal(.notCondition, at: place)
            default:
                self.values += 1
                self.conditions.append(try self.plain(at: place))
            }
        }
        guard count > 0 else { throw FilterPolicyInvalid(.noConditions, at: pointer) }
    }

    private mutating func plain(at pointer: String) throws(FilterPolicyInvalid) -> FilterCondition {
        let value = try self.json.value(at: pointer)
        switch value.kind {
        case .string: return .text(Array((self.json.text(value) ?? "").utf8))
        case .integer, .fraction: return .number(try self.number(value, at: pointer))
        case .boolean(let boolean): return .boolean(boolean)
        case .null: return .null
        case .object, .array: throw FilterPolicyInvalid(.notCondition, at: pointer)
        }
    }

    // MARK: - Conditions with a name

    private mutating func readObject(at pointer: String) throws(FilterPolicyInvalid) {
        let (name, place) = try self.openCondition(at: pointer)
        guard let keyword = FilterKeyword(rawValue: name) else { throw try self.refusal(.unknownCondition, at: place) }
        let valuesBefore = self.values
        switch keyword {
        case .prefix: self.conditions.append(.prefix(try self.text(at: place)))
        case .suffix: self.conditions.append(.suffix(try self.text(at: place)))
        case .equalsIgnoreCase:
            let text = try self.text(at: place)
            self.conditions.append(.equalsIgnoreCase(TextMatching.lowercased(text.span)))
        case .wildcard: self.conditions.append(.wildcard(try self.pattern(at: place)))
        case .cidr:
            let text = try self.text(at: place)
            guard let block = AddressBlock(text.span) else { throw FilterPolicyInvalid(.notAddressBlock, at: place) }
            self.conditions.append(.cidr(block))
        case .exists:
            guard case .boolean(let boolean) = try self.json.value(at: place).kind else {
                throw FilterPolicyInvalid(.notBoolean, at: place)
            }
            self.conditions.append(boolean ? .exists : .isAbsent)
        case .numeric: self.conditions.append(.numeric(try self.range(at: place)))
        case .anythingBut: self.conditions.append(.anythingBut(try self.exclusion(at: place)))
        }
        if self.values == valuesBefore { self.values += 1 }
        try self.closeCondition(at: pointer)
    }

    /// Opens an object of one member, whose value is to be read.
    private mutating func openCondition(
        at pointer: String
    ) throws(FilterPolicyInvalid) -> (name: String, place: String) {
        try self.json.openObject(at: pointer)
        guard let name = try self.json.nextName(at: pointer) else {
            throw FilterPolicyInvalid(.notOneCondition(0), at: pointer)
        }
        return (name, JSONPointer.appending(name, to: pointer))
    }

    private mutating func closeCondition(at pointer: String) throws(FilterPolicyInvalid) {
        var count = 1
        while let name = try self.json.nextName(at: pointer) {
            try self.json.skip(at: JSONPointer.appending(name, to: pointer))
            count += 1
        }
        guard count == 1 else { throw FilterPolicyInvalid(.notOneCondition(count), at: pointer) }
    }

    private mutating func exclusion(at pointer: String) throws(FilterPolicyInvalid) -> FilterExclusion {
        switch try self.json.peek(at: pointer) {
        case UInt8(ascii: "{"):
            let (name, place) = try self.openCondition(at: pointer)
            let exclusion: FilterExclusion
            switch FilterKeyword(rawValue: name) {
            case .prefix: exclusion = .prefix(try self.text(at: place))
            case .suffix: exclusion = .suffix(try self.text(at: place))
            case .wildcard: exclusion = .wildcard(try self.pattern(at: place))
            default: throw try self.refusal(.unknownExclusion, at: place)
            }
            try self.closeCondition(at: pointer)
            return exclusion
        case UInt8(ascii: "["):
            var texts: [[UInt8]] = []
            var numbers: [Int64] = []
            try self.json.openArray(at: pointer)
            while try self.json.nextElement(at: pointer) {
                let place = JSONPointer.appending(texts.count + numbers.count, to: pointer)
                try self.readExcluded(into: &texts, &numbers, at: place)
                guard texts.isEmpty || numbers.isEmpty else { throw FilterPolicyInvalid(.mixedExclusions, at: pointer) }
            }
            guard !texts.isEmpty || !numbers.isEmpty else { throw FilterPolicyInvalid(.noExclusions, at: pointer) }
            self.values += texts.count + numbers.count
            return texts.isEmpty ? .numbers(numbers) : .texts(texts)
        default:
            var texts: [[UInt8]] = []
            var numbers: [Int64] = []
            try self.readExcluded(into: &texts, &numbers, at: pointer)
            return texts.isEmpty ? .numbers(numbers) : .texts(texts)
        }
    }

    private mutating func readExcluded(
        into texts: inout [[UInt8]], _ numbers: inout [Int64], at pointer: String
    ) throws(FilterPolicyInvalid) {
        let value = try self.json.value(at: pointer)
        switch value.kind {
        case .string: texts.append(Array((self.json.text(value) ?? "").utf8))
        case .integer, .fraction: numbers.append(try self.number(value, at: pointer))
        case .boolean, .null, .object, .array: throw FilterPolicyInvalid(.notExclusion, at: pointer)
        }
    }

    // MARK: - Values of conditions

    private mutating func text(at pointer: String) throws(FilterPolicyInvalid) -> [UInt8] {
        let value = try self.json.value(at: pointer)
        guard let text = self.json.text(value), !text.isEmpty else { throw FilterPolicyInvalid(.notText, at: pointer) }
        return Array(text.utf8)
    }

    private mutating func pattern(at pointer: String) throws(FilterPolicyInvalid) -> WildcardPattern {
        let text = try self.text(at: pointer)
        let pattern: WildcardPattern
        do throws(WildcardPattern.Fault) {
            pattern = try WildcardPattern(text)
        } catch {
            switch error {
            case .adjacent: throw FilterPolicyInvalid(.adjacentWildcards, at: pointer)
            case .badEscape: throw FilterPolicyInvalid(.badWildcardEscape, at: pointer)
            }
        }
        guard pattern.wildcards <= FilterBounds.wildcardsMax else {
            throw FilterPolicyInvalid(.tooManyWildcards(pattern.wildcards), at: pointer)
        }
        self.patterns.append(pattern)
        return pattern
    }

    private func number(_ value: JSONValue, at pointer: String) throws(FilterPolicyInvalid) -> Int64 {
        let number = FilterNumber(value.range, in: self.json.bytes.span)
        guard !number.isOutOfRange else { throw FilterPolicyInvalid(.numberOutOfRange, at: pointer) }
        guard number.isExact else { throw FilterPolicyInvalid(.numberTooPrecise, at: pointer) }
        return number.floor
    }

    private mutating func range(at pointer: String) throws(FilterPolicyInvalid) -> NumericRange {
        guard try self.json.peek(at: pointer) == UInt8(ascii: "[") else {
            throw try self.refusal(.notNumericPairs, at: pointer)
        }
        var pairs: [(relation: String, number: Int64)] = []
        try self.json.openArray(at: pointer)
        while try self.json.nextElement(at: pointer) {
            let relation = try self.json.value(at: JSONPointer.appending(pairs.count * 2, to: pointer))
            guard let relation = self.json.text(relation), ["=", "<", "<=", ">", ">="].contains(relation),
                try self.json.nextElement(at: pointer)
            else { throw FilterPolicyInvalid(.notNumericPairs, at: pointer) }
            let place = JSONPointer.appending(pairs.count * 2 + 1, to: pointer)
            let number = try self.json.value(at: place)
            switch number.kind {
            case .integer, .fraction: pairs.append((relation, try self.number(number, at: place)))
            default: throw FilterPolicyInvalid(.notNumericPairs, at: pointer)
            }
        }
        return try NumericRange(pairs, at: pointer)
    }

    /// What is thrown about the value that comes next, unless it is no JSON.
    private mutating func refusal(
        _ reason: FilterPolicyInvalid.Reason, at pointer: String
    ) throws(FilterPolicyInvalid) -> FilterPolicyInvalid {
        try self.json.skip(at: pointer)
        return FilterPolicyInvalid(reason, at: pointer)
    }
}
