import JSON

/// Reads the text of a policy into a plan, and holds it against the bounds.
struct FilterPolicyReader {
    private var json: PolicyJSON
    private var names: [[NameDraft]] = [[]]
    private var keys: [FilterPlan.Key] = []
    private var orPointers: [String] = []
    private var wildcardPoints = 0

    /// A name of a scope while keys are still added to it.
    private struct NameDraft {
        let bytes: [UInt8]
        var leaves: [Int] = []
        var nested: [Int] = []
        var scope: Int?

        var name: FilterPlan.Name {
            FilterPlan.Name(
                bytes: self.bytes, leaves: self.leaves, nested: self.nested, scope: self.scope)
        }
    }

    /// Keys that have to hold together, as read.
    private struct Group {
        var terms: [FilterPlan.Rule.Term] = []
        /// Keys with conditions that have to hold together.
        var keys = 0
        /// Combinations of their values, at most one more than are allowed.
        var combinations = 1

        mutating func add(_ term: FilterPlan.Rule.Term, keys: Int, combinations: Int) {
            self.terms.append(term)
            self.keys += keys
            self.combinations = Self.bounded(self.combinations, combinations)
        }

        /// A product that is no larger than it has to be to be refused.
        ///
        /// The first factor is such a product, so nothing overflows.
        static func bounded(_ one: Int, _ other: Int) -> Int {
            min(one * min(other, FilterBounds.combinationsMax + 1), FilterBounds.combinationsMax + 1)
        }
    }

    /// - Parameter bytes: At most ``FilterBounds/policyBytesMax``.
    static func plan(_ bytes: [UInt8]) throws(FilterPolicyInvalid) -> FilterPlan {
        var reader = FilterPolicyReader(json: PolicyJSON(bytes))
        guard try reader.json.peek(at: "") == UInt8(ascii: "{") else {
            try reader.json.skip(at: "")
            throw FilterPolicyInvalid(.notObject, at: "")
        }
        let group = try reader.group(at: "", scope: 0, level: 1)
        try reader.json.end()
        guard group.keys <= FilterBounds.keysTogetherMax else {
            throw FilterPolicyInvalid(.tooManyKeysTogether(group.keys), at: "")
        }
        guard group.combinations <= FilterBounds.combinationsMax else {
            throw FilterPolicyInvalid(.tooManyCombinations, at: "")
        }
        guard reader.wildcardPoints <= FilterBounds.wildcardPointsMax else {
            throw FilterPolicyInvalid(.tooManyWildcardPoints, at: "")
        }
        return FilterPlan(
            names: reader.names.map { $0.map(\.name) }, keys: reader.keys, rule: FilterPlan.Rule(terms: group.terms),
            orPointers: reader.orPointers)
    }

    private init(json: PolicyJSON) {
        self.json = json
    }

    // MARK: - Keys

    /// Reads an object of keys.
    ///
    /// - Parameters:
    ///   - scope: That of the objects of the body in which the keys are looked for.
    ///   - level: Of the keys, from 1.
    private mutating func group(at pointer: String, scope: Int, level: Int) throws(FilterPolicyInvalid) -> Group {
        var group = Group()
        var seen: Set<[UInt8]> = []
        try self.json.openObject(at: pointer)
        while let name = try self.json.nextName(at: pointer) {
            let place = JSONPointer.appending(name, to: pointer)
            guard seen.insert(Array(name.utf8)).inserted else { throw FilterPolicyInvalid(.duplicateKey, at: place) }
            if name == FilterKeyword.or, self.json.isOr(at: place) {
                try self.readOr(into: &group, at: place, scope: scope, level: level)
            } else {
                try self.readKey(name, into: &group, at: place, scope: scope, level: level)
            }
        }
        guard !group.terms.isEmpty else { throw FilterPolicyInvalid(.noKeys, at: pointer) }
        return group
    }

    private mutating func readOr(
        into group: inout Group, at pointer: String, scope: Int, level: Int
    ) throws(FilterPolicyInvalid) {
        let number = self.orPointers.count
        self.orPointers.append(pointer)
        var rules: [FilterPlan.Rule] = []
        var keys = 0
        var combinations = 0
        try self.json.openArray(at: pointer)
        while try self.json.nextElement(at: pointer) {
            let place = JSONPointer.appending(rules.count, to: pointer)
            let alternative = try self.group(at: place, scope: scope, level: level)
            rules.append(FilterPlan.Rule(terms: alternative.terms))
            keys = max(keys, alternative.keys)
            combinations = min(combinations + alternative.combinations, FilterBounds.combinationsMax + 1)
        }
        group.add(.or(FilterPlan.Rule.Or(number: number, rules: rules)), keys: keys, combinations: combinations)
    }

    private mutating func readKey(
        _ name: String, into group: inout Group, at pointer: String, scope: Int, level: Int
    ) throws(FilterPolicyInvalid) {
        guard level <= FilterBounds.levelsMax else { throw FilterPolicyInvalid(.tooManyLevels, at: pointer) }
        let key = self.keys.count
        guard key < FilterBounds.keysMax else { throw FilterPolicyInvalid(.tooManyKeys, at: pointer) }
        let place = self.place(of: name, in: scope)
        switch try self.json.peek(at: pointer) {
        case UInt8(ascii: "["):
            var conditions = FilterConditionReader(json: self.json)
            try conditions.read(at: pointer)
            self.json = conditions.json
            self.wildcardPoints += conditions.wildcardPoints
            self.keys.append(FilterPlan.Key(pointer: pointer, conditions: conditions.conditions))
            self.names[scope][place].leaves.append(key)
            group.add(.key(key), keys: 1, combinations: Group.bounded(conditions.values, level))
        case UInt8(ascii: "{"):
            let inner: Int
            if let scope = self.names[scope][place].scope {
                inner = scope
            } else {
                inner = self.names.count
                self.names.append([])
                self.names[scope][place].scope = inner
            }
            // The number of this key comes before those below, and its rule is known when they have been read.
            self.keys.append(FilterPlan.Key(pointer: pointer, conditions: []))
            let below = try self.group(at: pointer, scope: inner, level: level + 1)
            self.keys[key] = FilterPlan.Key(
                pointer: pointer, conditions: [], nested: (FilterPlan.Rule(terms: below.terms), inner))
            self.names[scope][place].nested.append(key)
            group.add(.key(key), keys: below.keys, combinations: below.combinations)
        default: throw FilterPolicyInvalid(.neitherKeysNorConditions, at: pointer)
        }
    }

    /// Where a name stands in a scope, of which it becomes a part when it is none yet.
    private mutating func place(of name: String, in scope: Int) -> Int {
        let bytes = Array(name.utf8)
        if let place = self.names[scope].firstIndex(where: { $0.bytes == bytes }) { return place }
        self.names[scope].append(NameDraft(bytes: bytes))
        return self.names[scope].count - 1
    }
}
