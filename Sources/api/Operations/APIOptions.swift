package import Domain
package import Signing

/// What an operator chose about the API.
package struct APIOptions: Sendable {
    /// Deleting messages by their ids takes the claims they are under.
    package var deletesOnlyClaimed = false
    /// Records a checksum of every body that is posted; nil: of none.
    package var checksum: BodyChecksum?
    /// The kinds of address that can be subscribed; who is subscribed already stays.
    package var subscriberSchemes: [Subscriber.Scheme] = [.http, .https, .mailto]
    /// Whether there is something that mail is sent with.
    package var sendsMail = false

    /// The retries of webhooks where neither a subscription nor its queue has a policy.
    package var retryPolicyDefault = RetryPolicy()

    /// Signs pre-signed URLs; nil: none are made.
    package var shareKey: SignedURLKey?

    package init() {}
}
