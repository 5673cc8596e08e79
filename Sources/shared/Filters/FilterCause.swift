/// What made a rule not hold, in the two bytes that a decision keeps for each key.
struct FilterCause: Sendable {
    /// A key, or behind all keys that there may be a `$or`.
    private let place: UInt8
    private let reason: FilterRule.Reason

    init(key: Int, _ reason: FilterRule.Reason) {
        self.place = UInt8(truncatingIfNeeded: key)
        self.reason = reason
    }

    init(or number: Int) {
        self.place = UInt8(truncatingIfNeeded: FilterBounds.keysMax + number)
        self.reason = .noAlternative
    }

    /// The cause in words that a caller can show.
    func rule(in plan: FilterPlan) -> FilterRule {
        let place = Int(self.place)
        let pointer =
            place < FilterBounds.keysMax ? plan.keys[place].pointer : plan.orPointers[place - FilterBounds.keysMax]
        return FilterRule(pointer: pointer, reason: self.reason)
    }
}

extension FilterPlan {
    /// What is known of an object of the body, a bit for each key.
    struct Seen {
        var holding: UInt64
        /// The keys that have a value, or an object for the keys below.
        var present: UInt64
    }

    /// The first of a rule that does not hold; the rule must not hold.
    ///
    /// - Parameter causes: Of the keys with keys below, as far as there was an object for these.
    func cause(
        of rule: Rule, in seen: Seen, causes: borrowing InlineArray<64, FilterCause>
    ) -> FilterCause {
        for term in rule.terms {
            switch term {
            case .key(let number):
                let bit: UInt64 = 1 << UInt64(number)
                guard seen.holding & bit == 0 else { continue }
                let isPresent = seen.present & bit != 0
                guard let nested = self.keys[number].nested else {
                    return FilterCause(key: number, self.reason(of: self.keys[number], isPresent: isPresent))
                }
                if isPresent { return causes[number] }
                let empty = Seen(holding: self.scopes[nested.scope].holdingWhenEmpty, present: 0)
                return self.cause(of: nested.rule, in: empty, causes: causes)
            case .or(let or):
                if !or.holds(seen.holding) { return FilterCause(or: or.number) }
            }
        }
        return FilterCause(key: 0, .noCondition)  // cannot happen: a rule that holds is not asked
    }

    private func reason(of key: Key, isPresent: Bool) -> FilterRule.Reason {
        guard isPresent else { return .isMissing }
        return key.conditions.allSatisfy { $0 == .isAbsent } ? .isThere : .noCondition
    }
}
