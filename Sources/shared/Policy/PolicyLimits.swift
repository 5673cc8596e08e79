/// What a policy may take, so that no file makes a request slow or a process large.
///
/// Everything is checked when files are read; nothing has to be counted when a request is.
package enum PolicyLimits {
    /// Bytes of one file.
    package static let fileBytesMax = 262_144
    /// Files of the directory.
    package static let filesMax = 100
    /// Rules of one file.
    package static let rulesMax = 1000
    /// Bytes of the name of a rule.
    package static let nameBytesMax = 256
    /// Bytes of a check string.
    package static let textBytesMax = 16_384
    /// Checks and operators of one rule.
    package static let nodesMax = 1000
    /// Parentheses and `not` within each other, in one rule.
    package static let nestingMax = 32
    /// Rules that refer to each other in a row.
    package static let chainMax = 32
    /// Checks and operators that one decision may take, those of rules referred to counted as often as they are.
    package static let costMax = 10_000
}
