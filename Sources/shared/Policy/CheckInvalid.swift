/// Why a text is no check: where, and what is expected there.
package struct CheckInvalid: Error, Sendable, Equatable {
    package enum Expected: Sendable, Equatable {
        /// A check, `not` or an opening parenthesis.
        case check
        /// `and`, `or`, a closing parenthesis or the end.
        case joint
        case closing
        /// A colon behind the name of a check or a quoted text.
        case colon
        /// Text behind a colon.
        case value
        /// A blank before or behind a parenthesis.
        case blank
        /// The end of a quoted text, in the same word.
        case quote
        /// `%(project_id)s` or `%%`.
        case placeholder
        case attribute(suggestion: String?)
        /// Printable text, without quotes where there is none to be quoted.
        case text
        /// No more parentheses and `not` within each other, or checks.
        case less(than: String)
    }

    /// In characters, from 1.
    package let column: Int
    package let expected: Expected

    init(_ column: Int, _ expected: Expected) {
        self.column = column
        self.expected = expected
    }
}

extension CheckInvalid: CustomStringConvertible {
    package var description: String { "column \(self.column): expected \(self.expected.words)" }
}

extension CheckInvalid.Expected {
    fileprivate var words: String {
        switch self {
        case .check: "a check such as role:NAME, rule:NAME or user_id:VALUE, or 'not', '(', '@' or '!'"
        case .joint: "'and', 'or', ')' or the end"
        case .closing: "')'"
        case .colon: "a colon"
        case .value: "text behind the colon"
        case .blank: "a blank between a parenthesis and what is not in it"
        case .quote: "the end of the quoted text in the same word"
        case .placeholder:
            "\(PolicyTarget.Key.allCases.map { "%(\($0.rawValue))s" }.joined(separator: ", ")), or %% for a percent sign"
        case .attribute(let suggestion):
            "role, rule, or one of \(PolicyCredentials.Attribute.allCases.map(\.rawValue).joined(separator: ", "))"
                + (suggestion.map { "; did you mean '\($0)'?" } ?? "")
        case .text: "plain text without blanks, quotes, backslashes or control characters"
        case .less(let than): "less than \(than)"
        }
    }
}
