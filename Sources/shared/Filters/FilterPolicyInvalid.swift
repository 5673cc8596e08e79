package import JSON

/// Why a text is no filter policy, and where in it.
package struct FilterPolicyInvalid: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Reason: Sendable, Equatable {
        case notJSON(JSONInvalid)
        case notObject
        case noKeys
        case duplicateKey
        case neitherKeysNorConditions
        case noConditions
        case notCondition
        case notOneCondition(Int)
        case unknownCondition
        case unknownExclusion
        case notText
        case notBoolean
        case notExclusion
        case noExclusions
        case mixedExclusions
        case numberOutOfRange
        case numberTooPrecise
        case notNumericPairs
        case notRange
        case emptyRange
        case notAddressBlock
        case adjacentWildcards
        case badWildcardEscape
        case tooManyBytes(Int)
        case tooManyKeys
        case tooManyKeysTogether(Int)
        case tooManyLevels
        case tooManyCombinations
        case tooManyWildcards(Int)
        case tooManyWildcardPoints
    }

    /// The place of what is wrong, as a JSON pointer (RFC 6901); the empty pointer is the whole policy.
    package let pointer: String
    package let reason: Reason

    package init(_ reason: Reason, at pointer: String) {
        self.reason = reason
        self.pointer = pointer
    }

    /// One sentence without its full stop, which begins with the place.
    package var description: String {
        let place = self.pointer.isEmpty ? "the filter policy" : "`\(self.pointer)`"
        return "\(place) \(self.reason.predicate)"
    }
}

extension FilterPolicyInvalid.Reason {
    /// What is said of the place.
    fileprivate var predicate: String {
        switch self {
        case .notJSON(let fault): "is not JSON: \(fault)"
        case .notObject: "is not an object"
        case .noKeys: "has no keys"
        case .duplicateKey: "is given more than once"
        case .neitherKeysNorConditions: "takes an array of conditions or an object of keys"
        case .noConditions: "has no conditions"
        case .notCondition: "takes a string, a number, true, false, null or an object with one condition"
        case .notOneCondition(let count): "takes one condition, and names \(count)"
        case .unknownCondition: "is not a condition; there are \(FilterKeyword.list(FilterKeyword.allCases))"
        case .unknownExclusion:
            "is not a condition of `anything-but`; there are \(FilterKeyword.list(FilterKeyword.exclusions))"
        case .notText: "takes a string that is not empty"
        case .notBoolean: "takes true or false"
        case .notExclusion: "takes a string, a number, an array of either or an object with one condition"
        case .noExclusions: "has no values"
        case .mixedExclusions: "takes strings only or numbers only"
        case .numberOutOfRange: "takes numbers from -\(FilterBounds.numberMax) to \(FilterBounds.numberMax)"
        case .numberTooPrecise: "takes numbers of at most \(FilterBounds.decimals) digits behind the decimal point"
        case .notNumericPairs: "takes pairs of an operator (=, <, <=, >, >=) and a number"
        case .notRange: "takes one pair, or two for a range: first > or >=, then < or <="
        case .emptyRange: "takes a range whose lower end is below its upper end"
        case .notAddressBlock: "takes a block of addresses such as `10.0.0.0/24` or `2001:db8::/32`"
        case .adjacentWildcards: "takes a pattern without two wildcards side by side"
        case .badWildcardEscape: #"takes a pattern in which a backslash stands before `*` or a backslash"#
        case .tooManyBytes(let count): "has \(count) bytes, and may have \(FilterBounds.policyBytesMax)"
        case .tooManyKeys: "is one key too many; a policy may have \(FilterBounds.keysMax)"
        case .tooManyKeysTogether(let count):
            "has \(count) keys that have to hold together, and may have \(FilterBounds.keysTogetherMax)"
        case .tooManyLevels: "is nested too deep; keys may have \(FilterBounds.levelsMax) levels"
        case .tooManyCombinations: "has more than \(FilterBounds.combinationsMax) combinations of values"
        case .tooManyWildcards(let count): "has \(count) wildcards, and may have \(FilterBounds.wildcardsMax)"
        case .tooManyWildcardPoints: "has wildcards of more than \(FilterBounds.wildcardPointsMax) points"
        }
    }
}
