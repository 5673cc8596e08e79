/// What a filter policy may be at most, so that reading it and deciding by it have a bounded cost.
///
/// Where Amazon SNS documents a bound ("Filter policy constraints in Amazon SNS"), this is that bound, unless said otherwise.
package enum FilterBounds {
    /// Bytes of a policy's text.
    ///
    /// SNS takes 256 KiB; 150 combinations of values do not need that much, and every notifier keeps the policies of the subscriptions it
    /// delivers to.
    package static let policyBytesMax = 32_768

    /// Keys with conditions that have to hold together, as many as SNS takes.
    ///
    /// Of the alternatives of a `$or` the one with most counts.
    package static let keysTogetherMax = 5

    /// Keys of a policy, those of all alternatives and those with keys below them included.
    ///
    /// A bound of ours: a decision keeps one bit for each.
    package static let keysMax = 64

    /// Levels of keys, the outermost included.
    ///
    /// A bound of ours: SNS has none, but multiplies values by their level.
    package static let levelsMax = 5

    /// Combinations of values, as SNS counts them.
    ///
    /// The values of each key times its level are multiplied with each other, and alternatives of a `$or` are added. Each value of an
    /// `anything-but` list counts, which SNS does not say.
    package static let combinationsMax = 150

    /// Wildcards of one pattern, as many as SNS takes.
    package static let wildcardsMax = 3

    /// Points of all patterns, as SNS counts them.
    ///
    /// A pattern with one wildcard has one, another has three for each wildcard. Those of a key are added and multiplied by the number of
    /// its patterns.
    package static let wildcardPointsMax = 100

    /// Comparisons of values of a body with conditions, one more for each 64 bytes of the value.
    ///
    /// A bound of ours: a body has as many values as fit, and each of 150 conditions may have to be held against each. A body beyond it
    /// matches, for nothing is refused that was not looked at.
    package static let comparisonsMax = 16_384

    /// The largest number, and the negative of the smallest.
    package static let numberMax: Int64 = 1_000_000_000

    /// Digits behind the decimal point of a number.
    package static let decimals = 5
}
