import Domain
import HTTPServer
import Store

extension StoreTrouble {
    /// What a caller reads: a title of its own for each, and what to do.
    fileprivate var problem: (title: String, description: String) {
        switch self {
        case .unreachable:
            ("Service temporarily unavailable", "The storage cannot be reached. Please try again in a few seconds.")
        case .full:
            (
                "The storage is full",
                "The storage takes no new messages until some are consumed or expire. Please try again later; "
                    + "claiming, popping and deleting go on."
            )
        case .readOnly:
            ("The storage is read-only", "The storage takes no writes now. Please try again in a few seconds.")
        case .loading:
            ("The storage is starting", "The storage is reading its data. Please try again in a few seconds.")
        case .overloaded:
            (
                "The service is overloaded",
                "The request needs more work than can be done for it now. Please try again in a few seconds."
            )
        case .contended:
            (
                "Too many changes at the same time",
                "Others changed the same thing at the same time, again and again. Nothing was changed; please try again."
            )
        case .moving:
            (
                "The queue moves",
                "The queue is being moved to another pool. Nothing was changed; please try again in a few seconds."
            )
        case .notReplicated:
            (
                "Stored, and not replicated",
                "What was sent is stored, and too few replicas say that they have it: a failover of the storage may lose it, and "
                    + "sending it again may double it."
            )
        case .notOnDisk:
            (
                "Stored, and not on disk",
                "What was sent is stored, and the storage does not say that it is on its disk: its end may lose it, and "
                    + "sending it again may double it."
            )
        case .storeChanged:
            ("The storage was replaced", "The service is starting anew. Please try again in a few seconds.")
        case .corrupt:
            ("The storage cannot be read", "The storage holds something unexpected. Please try again in a few seconds.")
        }
    }

    /// Seconds after which a caller may try again.
    fileprivate var retryAfterSeconds: Int { self == .full ? 10 : 1 }
}

extension Problem {
    /// The store could not do its part; a repeat is safe.
    fileprivate init(_ trouble: StoreTrouble) {
        let (title, description) = trouble.problem
        self.init(.serviceUnavailable, title, description)
    }

    /// A post was sent to the store and no answer came.
    ///
    /// Nothing here invites to a blind repeat, which may double messages.
    static let outcomeUnknown = Problem(
        .serviceUnavailable, StoreTrouble.unreachable.problem.title,
        "The storage did not answer in time: the outcome is unknown, the messages may have been posted or not. "
            + "List the queue before posting them again.")

    /// What a caller reads of an error of the store; the error itself is for the log only.
    ///
    /// - Parameter isRepeatable: Doing it twice is as good as doing it once.
    init(_ error: StoreError, isRepeatable: Bool) {
        if case .outcomeUnknown = error, !isRepeatable { self = .outcomeUnknown } else { self.init(error.trouble) }
    }
}

extension Reply {
    private static func unavailable(_ trouble: StoreTrouble) -> Reply {
        Problem(trouble).reply.with(.retryAfter, String(trouble.retryAfterSeconds))
    }

    /// Too much is in flight.
    static let overloaded = Self.unavailable(.overloaded)

    /// The answer for an error of the store.
    ///
    /// - Parameter isRepeatable: Doing it twice is as good as doing it once.
    static func failure(_ error: StoreError, isRepeatable: Bool) -> Reply {
        // No word that a repeat is fine where it may double something.
        guard isRepeatable || !error.mayHaveWritten else { return Problem(error, isRepeatable: false).reply }
        return Self.unavailable(error.trouble)
    }
}
