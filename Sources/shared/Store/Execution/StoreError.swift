package import Domain
package import Redis

/// Why the store could not do its part.
///
/// None of it is the caller's fault.
package enum StoreError: Error, Sendable, Equatable {
    /// Redis refused the command, or never saw it: nothing was written, a repeat is safe.
    case unavailable(RedisError)
    /// The command was sent and no reply came: it may or may not have been carried out.
    case outcomeUnknown(RedisError)
    /// The command was carried out, and nothing said in time that what it wrote has got that far.
    case notReached(Durability)
    /// The queue lives on another pool than the caller believed, or the pools have changed: nothing was written here.
    case misplaced
    /// The queue is closed while it moves to another pool: nothing was written.
    case closed
    /// The bounded work of one request is used up.
    case overloaded
    /// Others changed the same thing faster, as often as it was tried: nothing was changed.
    case contended
    /// Redis answered something that no script of this deployment answers, or holds something that none has written.
    case corrupt(String)

    init(_ error: RedisError) {
        switch error {
        case .notSent: self = .unavailable(error)
        case .outcomeUnknown: self = .outcomeUnknown(error)
        case .refused(let refusal):
            // Redis refuses for its own state (OOM, READONLY, MISCONF, CLUSTERDOWN …) before the first write
            // of a script. ERR is about what the script did or met, and a text lies under each key of a closed queue.
            switch RedisServerError.code(of: refusal.message) {
            case "WRONGTYPE": self = .closed
            case "ERR": self = .corrupt(refusal.message)
            default: self = .unavailable(error)
            }
        case .malformedReply: self = .corrupt("malformed reply")
        }
    }
}

/// What is wrong when the store cannot do its part, in as many words as callers, operators and logs need.
package enum StoreTrouble: String, Sendable, CaseIterable {
    /// No connection, or no answer.
    case unreachable
    /// `maxmemory` is reached: what only grows is refused, what frees goes on.
    case full
    /// The Redis is a replica, or refuses writes because it cannot save them or has too few replicas.
    case readOnly = "read_only"
    /// The Redis is reading its data from disk.
    case loading
    /// More at once than may wait, a script that runs too long, or more work than one request may cause.
    case overloaded
    /// Others changed the same thing at the same time.
    case contended
    /// The queue moves to another pool.
    case moving
    /// What was written has not reached the replicas that are waited for.
    case notReplicated = "not_replicated"
    /// Redis does not say that what was written is on its disk.
    case notOnDisk = "not_on_disk"
    /// The Redis was emptied, or is another one: what this process knew is gone.
    case storeChanged = "store_changed"
    /// The Redis holds, or answers, what no Herald has written.
    case corrupt
}

extension StoreError {
    /// Whether the command may have been carried out.
    package var mayHaveWritten: Bool {
        switch self {
        case .outcomeUnknown, .notReached: true
        case .unavailable, .misplaced, .closed, .overloaded, .contended, .corrupt: false
        }
    }

    package var trouble: StoreTrouble {
        switch self {
        case .unavailable(let error), .outcomeUnknown(let error): Self.trouble(of: error)
        case .notReached(.replicated): .notReplicated
        case .notReached: .notOnDisk
        case .misplaced, .contended: .contended
        case .closed: .moving
        case .overloaded: .overloaded
        case .corrupt: .corrupt
        }
    }

    private static func trouble(of error: RedisError) -> StoreTrouble {
        switch error {
        case .notSent(let reason):
            switch reason {
            case .replica: .readOnly
            case .loading: .loading
            case .storeChanged: .storeChanged
            case .tooManyInFlight: .overloaded
            case .disconnected, .deadline, .cancelled, .shutDown: .unreachable
            }
        case .refused(let refusal):
            switch refusal.kind {
            case .oom: .full
            case .readonly, .unblocked, .misconf, .noreplicas: .readOnly
            case .loading: .loading
            case .busy: .overloaded
            case .moved, .masterdown, .clusterdown, .noauth, .noscript, .wrongtype, .other: .unreachable
            }
        case .outcomeUnknown, .malformedReply: .unreachable
        }
    }
}
