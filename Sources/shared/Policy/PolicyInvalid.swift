/// Why a policy is not used.
package enum PolicyInvalid: Error, Sendable, Equatable {
    /// A file or folder that cannot be read, or is not what it should be.
    case unreadable(path: String, reason: String)
    /// A rule whose check string is none.
    case malformed(path: String, rule: String, CheckInvalid)
    /// A rule whose value is no check string and no list of them.
    case mistyped(path: String, rule: String, expected: String)
    /// A rule that no route, action or other rule uses.
    case unknownRule(path: String, name: String, suggestion: String?)
    /// Rules that refer to each other in a circle, the first again at the end.
    case circle([String])
    /// A rule that refers to more rules in a row, or takes more checks, than ``PolicyLimits`` allows.
    case excessive(rule: String, limit: String)
}

extension PolicyInvalid {
    /// The file or folder it was found in; nil: it takes several rules.
    package var path: String? {
        switch self {
        case .unreadable(let path, _), .malformed(let path, _, _), .mistyped(let path, _, _),
            .unknownRule(let path, _, _):
            path
        case .circle, .excessive: nil
        }
    }
}

extension PolicyInvalid: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(path): \(reason)"
        case .malformed(let path, let rule, let invalid): "\(path): rule '\(rule)', \(invalid)"
        case .mistyped(let path, let rule, let expected): "\(path): rule '\(rule)': expected \(expected)"
        case .unknownRule(let path, let name, let suggestion):
            "\(path): no route, action or other rule uses the rule '\(name)'"
                + (suggestion.map { "; did you mean '\($0)'?" } ?? "")
        case .circle(let names): "rules refer to each other in a circle: \(names.joined(separator: " > "))"
        case .excessive(let rule, let limit): "rule '\(rule)' is too large: at most \(limit) are allowed"
        }
    }
}
