/// What a subscription's notifications are delivered to; a channel of the notifier serves each kind.
///
/// Apart from the schemes that callers may name in an address: several lead to one destination, and none to `session`.
package enum Destination: String, Sendable, Equatable, CaseIterable {
    /// An HTTP endpoint.
    case webhook
    case email
    /// A WebSocket session that subscribed for itself.
    case session

    /// What deliveries follow whose subscription and queue have no policy.
    ///
    /// - Parameter policy: That of the deployment for webhooks. Mail has one of its own, and a connection is there or is not.
    package func retryPolicy(default policy: RetryPolicy) -> RetryPolicy {
        switch self {
        case .webhook: policy
        case .email: .mail
        case .session: RetryPolicy()
        }
    }

    /// Whether what its queue says of the form of deliveries counts where a subscription says nothing.
    package var inheritsForm: Bool { self == .email }

    /// Whether a delivery that finds its subscriber gone is kept among the dead letters: another session is another subscriber.
    package var keepsUndelivered: Bool { self != .session }

    /// Whether its subscribers can leave by a link, also where none has to confirm.
    package var leavesByLink: Bool { self == .email }
}
