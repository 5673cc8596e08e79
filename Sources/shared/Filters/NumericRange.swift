/// The numbers that a `numeric` condition asks for, in units of ``FilterNumber/scale``.
struct NumericRange: Sendable, Equatable {
    struct End: Sendable, Equatable {
        let number: Int64
        let isIncluded: Bool
    }

    let lower: End?
    let upper: End?

    func contains(_ number: FilterNumber) -> Bool {
        if let lower {
            guard !number.isBelow(lower.number), lower.isIncluded || !number.isEqual(to: lower.number) else {
                return false
            }
        }
        if let upper {
            guard number.isBelow(upper.number) || (upper.isIncluded && number.isEqual(to: upper.number)) else {
                return false
            }
        }
        return true
    }
}

extension NumericRange {
    /// - Parameter pairs: Operators and numbers in the order of the policy.
    init(_ pairs: [(relation: String, number: Int64)], at pointer: String) throws(FilterPolicyInvalid) {
        switch pairs.count {
        case 0: throw FilterPolicyInvalid(.notNumericPairs, at: pointer)
        case 1:
            let end = End(number: pairs[0].number, isIncluded: pairs[0].relation.hasSuffix("="))
            switch pairs[0].relation {
            case "=": (self.lower, self.upper) = (end, end)
            case "<", "<=": (self.lower, self.upper) = (nil, end)
            default: (self.lower, self.upper) = (end, nil)
            }
        case 2 where pairs[0].relation.hasPrefix(">") && pairs[1].relation.hasPrefix("<"):
            guard pairs[0].number < pairs[1].number else { throw FilterPolicyInvalid(.emptyRange, at: pointer) }
            self.lower = End(number: pairs[0].number, isIncluded: pairs[0].relation.hasSuffix("="))
            self.upper = End(number: pairs[1].number, isIncluded: pairs[1].relation.hasSuffix("="))
        default: throw FilterPolicyInvalid(.notRange, at: pointer)
        }
    }
}
