/// Whether a message goes to a subscription with a filter policy.
package enum FilterDecision: Sendable, Equatable {
    case matches
    case refused(by: FilterRule)

    package var isMatch: Bool { self == .matches }
}

/// What of a policy refused a message: a key of it, and what was found there.
///
/// Of several keys that would refuse, it is the first in the order of the policy. The sentence is made when it is asked for.
package struct FilterRule: Sendable, Equatable, CustomStringConvertible {
    package enum Reason: UInt8, Sendable {
        /// The key is not there, or has no value: an empty array or an object.
        case isMissing
        /// None of the conditions holds for a value of the key.
        case noCondition
        /// The key is there, and should not be.
        case isThere
        /// None of the alternatives of a `$or` holds.
        case noAlternative
        /// No object of the array holds what the keys below ask for.
        case noElement
        case bodyIsNotObject
        case bodyIsNotJSON
    }

    /// The key in the policy, as a JSON pointer (RFC 6901); the empty pointer is the whole policy.
    package let pointer: String
    package let reason: Reason

    package init(pointer: String, reason: Reason) {
        self.pointer = pointer
        self.reason = reason
    }

    /// One sentence without its full stop.
    package var description: String {
        switch self.reason {
        case .isMissing: "`\(self.pointer)` is not there"
        case .noCondition: "`\(self.pointer)` is none of the values"
        case .isThere: "`\(self.pointer)` is there"
        case .noAlternative: "`\(self.pointer)` has no alternative that holds"
        case .noElement: "`\(self.pointer)` has no element for which all keys hold"
        case .bodyIsNotObject: "the body is not a JSON object"
        case .bodyIsNotJSON: "the body is not JSON"
        }
    }
}
