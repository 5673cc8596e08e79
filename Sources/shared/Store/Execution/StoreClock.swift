package import Domain

/// Where scripts read the time.
package enum StoreClock: Sendable {
    /// From Redis, inside the script: the one clock of a deployment.
    case redis
    /// From the caller, so that tests move time instead of waiting for it.
    case manual(@Sendable () -> Timestamp)

    /// The first argument of every script: milliseconds, or empty for Redis' own clock.
    var argument: String {
        switch self {
        case .redis: ""
        case .manual(let now): String(now().milliseconds)
        }
    }
}
