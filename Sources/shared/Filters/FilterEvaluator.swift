import JSON

/// Holds one body against a policy, in one pass over its bytes.
///
/// It follows the objects and arrays in which the policy has keys, and passes over all other values. A value that a key asks for is read
/// by `JSONReader`, so it is checked as strictly as a body that is posted.
struct FilterEvaluator {
    /// Levels of arrays and objects a body may nest.
    static let nestingMax = JSONReader.nestingMax

    private let plan: FilterPlan
    private var cursor = BodyCursor()
    private var comparisonsLeft = FilterBounds.comparisonsMax
    /// Why keys with keys below do not hold.
    private var causes = InlineArray<64, FilterCause>(repeating: FilterCause(key: 0, .isMissing))

    init(_ plan: FilterPlan) {
        self.plan = plan
    }

    mutating func decision(on body: Span<UInt8>) -> FilterDecision {
        do throws(BodyFault) {
            guard try self.cursor.peek(in: body) == UInt8(ascii: "{") else {
                return .refused(by: FilterRule(pointer: "", reason: .bodyIsNotObject))
            }
            let seen = try self.object(0, depth: 1, in: body)
            guard self.cursor.isAtEnd(in: body) else { throw BodyFault() }
            if self.plan.rule.holds(seen.holding) { return .matches }
            let cause = self.plan.cause(of: self.plan.rule, in: seen, causes: self.causes)
            return .refused(by: cause.rule(in: self.plan))
        } catch {
            return self.comparisonsLeft < 0
                ? .matches : .refused(by: FilterRule(pointer: "", reason: .bodyIsNotJSON))
        }
    }

    // MARK: - Objects

    /// Reads the object at hand for the keys of a scope.
    private mutating func object(_ number: Int, depth: Int, in bytes: Span<UInt8>) throws(BodyFault) -> FilterPlan.Seen
    {
        guard depth <= Self.nestingMax else { throw BodyFault() }
        let scope = self.plan.scopes[number]
        var seen = FilterPlan.Seen(holding: scope.holdingWhenEmpty, present: 0)
        self.cursor.advance()
        if try self.cursor.peek(in: bytes) == UInt8(ascii: "}") {
            self.cursor.advance()
            return seen
        }
        while true {
            guard try self.cursor.peek(in: bytes) == UInt8(ascii: "\"") else { throw BodyFault() }
            let name = try self.name(in: scope, bytes)
            guard try self.cursor.peek(in: bytes) == UInt8(ascii: ":") else { throw BodyFault() }
            self.cursor.advance()
            let first = try self.cursor.peek(in: bytes)
            if let name {
                let name = scope.names[name]
                // Of members with one name the last counts, so what an earlier one has shown is undone.
                seen.holding = seen.holding & ~name.mask | scope.holdingWhenEmpty & name.mask
                seen.present &= ~name.mask
                try self.value(first, of: name, &seen, depth: depth, in: bytes)
            } else {
                try self.cursor.skipValue(first, depth: depth, in: bytes)
            }
            let next = try self.cursor.peek(in: bytes)
            self.cursor.advance()
            if next == UInt8(ascii: "}") { return seen }
            guard next == UInt8(ascii: ",") else { throw BodyFault() }
        }
    }

    /// Passes the name at hand.
    ///
    /// - Returns: Which of the names of a scope it is.
    private mutating func name(in scope: FilterPlan.Scope, _ bytes: Span<UInt8>) throws(BodyFault) -> Int? {
        let start = self.cursor.index
        let hasEscapes = try self.cursor.skipString(in: bytes)
        if hasEscapes {
            let range = start..<self.cursor.index
            guard let text = Self.text(range, in: bytes) else { throw BodyFault() }
            return scope.names.firstIndex { $0.bytes == text }
        }
        let count = self.cursor.index - start - 2
        guard scope.lengths & 1 << UInt64(min(count, 63)) != 0 else { return nil }
        let text = bytes.extracting(start + 1..<self.cursor.index - 1)
        for index in scope.names.indices where TextMatching.isEqual(text, scope.names[index].bytes) { return index }
        return nil
    }

    // MARK: - Values

    /// Reads the value at hand for the keys with its name; of an array its elements, at any depth.
    private mutating func value(
        _ first: UInt8, of name: FilterPlan.Name, _ seen: inout FilterPlan.Seen, depth: Int, in bytes: Span<UInt8>
    ) throws(BodyFault) {
        switch first {
        case UInt8(ascii: "{"):
            if let scope = name.scope {
                try self.nested(scope, of: name, &seen, depth: depth, in: bytes)
            } else {
                try self.cursor.skipValue(first, depth: depth, in: bytes)
            }
        case UInt8(ascii: "["):
            guard depth < Self.nestingMax else { throw BodyFault() }
            self.cursor.advance()
            var next = try self.cursor.peek(in: bytes)
            if next == UInt8(ascii: "]") {
                self.cursor.advance()
                return
            }
            while true {
                try self.value(next, of: name, &seen, depth: depth + 1, in: bytes)
                let end = try self.cursor.peek(in: bytes)
                self.cursor.advance()
                if end == UInt8(ascii: "]") { return }
                guard end == UInt8(ascii: ",") else { throw BodyFault() }
                next = try self.cursor.peek(in: bytes)
            }
        default:
            if name.leaves.isEmpty {
                try self.cursor.skipValue(first, depth: depth, in: bytes)
            } else {
                try self.scalar(of: name, &seen, in: bytes)
            }
        }
    }

    /// Reads the object at hand for the keys below a name.
    private mutating func nested(
        _ scope: Int, of name: FilterPlan.Name, _ seen: inout FilterPlan.Seen, depth: Int, in bytes: Span<UInt8>
    ) throws(BodyFault) {
        let inner = try self.object(scope, depth: depth + 1, in: bytes)
        let isFirst = seen.present & name.nestedMask == 0
        if isFirst {
            seen.present |= name.nestedMask
            seen.holding &= ~name.nestedMask
        }
        for (key, rule) in self.plan.scopes[scope].rules {
            if rule.holds(inner.holding) {
                seen.holding |= 1 << UInt64(key)
            } else if isFirst {
                self.causes[key] = self.plan.cause(of: rule, in: inner, causes: self.causes)
            } else {
                self.causes[key] = FilterCause(key: key, .noElement)
            }
        }
    }

    /// Reads the string, number or literal at hand for the conditions of a name.
    private mutating func scalar(
        of name: FilterPlan.Name, _ seen: inout FilterPlan.Seen, in bytes: Span<UInt8>
    ) throws(BodyFault) {
        let value: JSONValue
        do throws(JSONInvalid) {
            var reader = JSONReader(at: self.cursor.index)
            value = try reader.value(in: bytes)
            self.cursor.move(to: reader.index)
        } catch {
            throw BodyFault()
        }
        if seen.present & name.leafMask == 0 {
            seen.present |= name.leafMask
            seen.holding &= ~name.leafMask
        }
        for key in name.leaves where seen.holding & 1 << UInt64(key) == 0 {
            self.comparisonsLeft -= self.plan.keys[key].comparisons * (1 + value.range.count / 64)
            guard self.comparisonsLeft >= 0 else { throw BodyFault() }
            if Self.holds(self.plan.keys[key].conditions, for: value, in: bytes) { seen.holding |= 1 << UInt64(key) }
        }
    }

    private static func holds(_ conditions: [FilterCondition], for value: JSONValue, in bytes: Span<UInt8>) -> Bool {
        switch value.kind {
        case .string(let hasEscapes):
            guard hasEscapes, let text = JSONText.text(of: value, in: bytes) else {
                return Self.holds(
                    conditions, forText: bytes.extracting(value.range.lowerBound + 1..<value.range.upperBound - 1))
            }
            return Self.holds(conditions, forText: Array(text.utf8).span)
        case .integer, .fraction:
            let number = FilterNumber(value.range, in: bytes)
            return conditions.contains { $0.holds(forNumber: number) }
        case .boolean(let boolean): return conditions.contains { $0.holds(forBoolean: boolean) }
        case .null: return conditions.contains { $0.holdsForNull }
        case .object, .array: return false
        }
    }

    private static func holds(_ conditions: [FilterCondition], forText text: Span<UInt8>) -> Bool {
        var forms = TextForms()
        for condition in conditions where condition.holds(forText: text, &forms) { return true }
        return false
    }

    /// The text of a string with its escapes undone; nil when these are not sound.
    private static func text(_ range: Range<Int>, in bytes: Span<UInt8>) -> [UInt8]? {
        var reader = JSONReader(at: range.lowerBound)
        // A fault is a string that is no JSON: the caller refuses the body, and does not say where.
        guard let string = try? reader.value(in: bytes), let text = JSONText.text(of: string, in: bytes) else {
            return nil
        }
        return Array(text.utf8)
    }
}
