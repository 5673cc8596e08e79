/// A policy in the form in which bodies are held against it.
///
/// Each key of the policy has a number, which is its bit in a decision. Keys of one object of the body are one scope: those of the
/// alternatives of a `$or` stand in the scope of the `$or`, and keys below one name are one scope, wherever in the policy they stand. So
/// a body is read once, however many alternatives ask for the same member of it.
///
/// ```
/// {"a": [1], "$or": [{"b": {"c": [2]}}, {"b": {"d": [3]}}]}
///
/// scope 0   "a" key 0        "b" keys 1 and 3, scope 1       rule: 0 and (1 or 3)
/// scope 1   "c" key 2        "d" key 4                       rules: of key 1: 2, of key 3: 4
/// ```
final class FilterPlan: Sendable {
    /// The first is that of the body.
    let scopes: [Scope]
    let keys: [Key]
    /// What has to hold for the body.
    let rule: Rule
    /// The places of the `$or`, by their numbers.
    let orPointers: [String]

    final class Scope: Sendable {
        let names: [Name]
        /// A bit for each length of a name, lengths of 63 and more in one.
        let lengths: UInt64
        /// The rules of the keys that this scope is below of.
        let rules: [(key: Int, rule: Rule)]
        /// The keys that hold in an object without members.
        let holdingWhenEmpty: UInt64

        init(names: [Name], rules: [(key: Int, rule: Rule)], holdingWhenEmpty: UInt64) {
            self.names = names
            self.lengths = names.reduce(0) { $0 | 1 << UInt64(min($1.bytes.count, 63)) }
            self.rules = rules
            self.holdingWhenEmpty = holdingWhenEmpty
        }
    }

    /// A name of members, and all keys that ask for it.
    final class Name: Sendable {
        let bytes: [UInt8]
        /// Those with conditions.
        let leaves: [Int]
        let leafMask: UInt64
        /// Those with keys below.
        let nestedMask: UInt64
        /// Where these are.
        let scope: Int?

        init(bytes: [UInt8], leaves: [Int], nested: [Int], scope: Int?) {
            self.bytes = bytes
            self.leaves = leaves
            self.leafMask = leaves.reduce(0) { $0 | 1 << UInt64($1) }
            self.nestedMask = nested.reduce(0) { $0 | 1 << UInt64($1) }
            self.scope = scope
        }

        var mask: UInt64 { self.leafMask | self.nestedMask }
    }

    final class Key: Sendable {
        let pointer: String
        /// None of a key with keys below.
        let conditions: [FilterCondition]
        /// How many comparisons a value may take.
        let comparisons: Int
        /// The rule and the scope of the keys below.
        let nested: (rule: Rule, scope: Int)?

        init(pointer: String, conditions: [FilterCondition], nested: (rule: Rule, scope: Int)? = nil) {
            self.pointer = pointer
            self.conditions = conditions
            self.comparisons = conditions.reduce(0) { $0 + $1.comparisons }
            self.nested = nested
        }

        var holdsWhenAbsent: Bool { self.conditions.contains(.isAbsent) }
    }

    /// Keys that have to hold together, and alternatives of which one has to.
    struct Rule: Sendable {
        let mask: UInt64
        let alternatives: [Or]
        /// All of it in the order of the policy, for the first that does not hold.
        let terms: [Term]

        enum Term: Sendable {
            case key(Int)
            case or(Or)
        }

        struct Or: Sendable {
            let number: Int
            let rules: [Rule]

            func holds(_ holding: UInt64) -> Bool {
                for rule in self.rules where rule.holds(holding) { return true }
                return false
            }
        }

        init(terms: [Term]) {
            var mask: UInt64 = 0
            var alternatives: [Or] = []
            for term in terms {
                switch term {
                case .key(let key): mask |= 1 << UInt64(key)
                case .or(let or): alternatives.append(or)
                }
            }
            self.mask = mask
            self.alternatives = alternatives
            self.terms = terms
        }

        /// - Parameter holding: The keys that hold.
        func holds(_ holding: UInt64) -> Bool {
            guard holding & self.mask == self.mask else { return false }
            for or in self.alternatives where !or.holds(holding) { return false }
            return true
        }
    }

    /// - Parameters:
    ///   - names: By scope; scopes below stand behind.
    init(names: [[Name]], keys: [Key], rule: Rule, orPointers: [String]) {
        var holding = [UInt64](repeating: 0, count: names.count)
        for scope in names.indices.reversed() {
            for name in names[scope] {
                for number in name.leaves where keys[number].holdsWhenAbsent { holding[scope] |= 1 << UInt64(number) }
            }
            for (number, key) in keys.enumerated() {
                guard let nested = key.nested,
                    names[scope].contains(where: { $0.nestedMask & 1 << UInt64(number) != 0 })
                else { continue }
                if nested.rule.holds(holding[nested.scope]) { holding[scope] |= 1 << UInt64(number) }
            }
        }
        self.scopes = names.indices.map { scope in
            Scope(
                names: names[scope],
                rules: keys.enumerated().compactMap { number, key in
                    guard let nested = key.nested, nested.scope == scope else { return nil }
                    return (number, nested.rule)
                },
                holdingWhenEmpty: holding[scope])
        }
        self.keys = keys
        self.rule = rule
        self.orPointers = orPointers
    }
}
