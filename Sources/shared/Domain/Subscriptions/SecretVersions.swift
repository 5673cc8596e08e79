/// How often the secret of a subscription or the key of a project was rotated, and how long the one before still counts.
package struct SecretVersions: Sendable, Hashable {
    /// From 1.
    package let current: Int
    /// When the version before the current one stops counting; nil when none does beside it.
    package let previousUntil: Timestamp?

    /// Of what was never rotated.
    package static let first = Self(current: 1, previousUntil: nil)

    package init(current: Int, previousUntil: Timestamp?) {
        self.current = current
        self.previousUntil = previousUntil
    }
}
