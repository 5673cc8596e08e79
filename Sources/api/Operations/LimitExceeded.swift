package import Domain

/// A project uses as much as it may, and may again in a while.
package struct LimitExceeded: Error, Equatable {
    package let limit: ProjectLimit
    package let max: Int
    /// Seconds after which the caller may try again, at least 1.
    package let retryAfter: Int
}
