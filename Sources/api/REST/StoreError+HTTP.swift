import Domain
import HTTPTypes
import Store

extension Reply {
    private static let title = "Service temporarily unavailable"
    /// Seconds after which a caller may try again.
    private static let retryAfterSeconds = 1

    /// The store could not do its part; a repeat is safe.
    static let unavailable = Problem(
        .serviceUnavailable, Self.title, "The storage cannot be reached. Please try again in a few seconds."
    ).reply.with(.retryAfter, String(Self.retryAfterSeconds))

    /// A post was sent to the store and no answer came.
    ///
    /// Nothing here invites to a blind repeat, which may double messages.
    static let outcomeUnknown = Problem(
        .serviceUnavailable, Self.title,
        "The storage did not answer in time: the outcome is unknown, the messages may have been posted or not. "
            + "List the queue before posting them again."
    ).reply

    /// The answer for an error of the store; the error itself is for the log only.
    ///
    /// - Parameter isRepeatable: Doing it twice is as good as doing it once.
    static func failure(_ error: StoreError, isRepeatable: Bool) -> Reply {
        switch error {
        case .outcomeUnknown: isRepeatable ? Self.unavailable : Self.outcomeUnknown
        case .unavailable, .misplaced, .overloaded, .corrupt: Self.unavailable
        }
    }
}
