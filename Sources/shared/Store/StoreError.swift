package import Redis

/// Why the store could not do its part.
///
/// None of it is the caller's fault.
package enum StoreError: Error, Sendable, Equatable {
    /// Redis refused the command, or never saw it: nothing was written, a repeat is safe.
    case unavailable(RedisError)
    /// The command was sent and no reply came: it may or may not have been carried out.
    case outcomeUnknown(RedisError)
    /// The queue lives on another pool than the caller believed, or the pools have changed: nothing was written here.
    case misplaced
    /// The bounded work of one request is used up.
    case overloaded
    /// Redis answered something that no script of this house answers, or holds something that none has written.
    case corrupt(String)

    init(_ error: RedisError) {
        switch error {
        case .notSent: self = .unavailable(error)
        case .outcomeUnknown: self = .outcomeUnknown(error)
        case .refused(let refusal):
            // Redis refuses for its own state (OOM, READONLY, MISCONF, CLUSTERDOWN …) before the first write
            // of a script. ERR and WRONGTYPE are about what the script did or met.
            switch RedisServerError.code(of: refusal.message) {
            case "ERR", "WRONGTYPE": self = .corrupt(refusal.message)
            default: self = .unavailable(error)
            }
        case .malformedReply: self = .corrupt("malformed reply")
        }
    }
}
