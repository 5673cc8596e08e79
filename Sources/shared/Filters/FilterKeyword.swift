/// The names of conditions that are written as objects.
enum FilterKeyword: String, CaseIterable, Sendable {
    case anythingBut = "anything-but"
    case cidr
    case equalsIgnoreCase = "equals-ignore-case"
    case exists
    case numeric
    case prefix
    case suffix
    case wildcard

    /// Those that may stand in `anything-but`.
    static let exclusions: [FilterKeyword] = [.prefix, .suffix, .wildcard]

    /// What a `$or` is called.
    static let or = "$or"

    static func list(_ keywords: [FilterKeyword]) -> String {
        keywords.map { "`\($0.rawValue)`" }.joined(separator: ", ")
    }
}
