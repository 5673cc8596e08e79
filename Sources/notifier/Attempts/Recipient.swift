package import Documents
package import Domain
package import HTTPClient
package import Signing

/// What an attempt has to know about its subscription; shared by all attempts of it.
package final class Recipient: Sendable {
    /// Why it cannot be called, where it is no URL.
    package let url: Result<HTTPURL, HTTPURLInvalid>
    package let scheme: Subscriber.Scheme
    /// The origin of the address, see ``HTTPURL/origin``.
    package let host: String
    package let isConfirmed: Bool
    /// Links of confirmations that expire no later than this, seconds since the epoch, count no more: they were sent to
    /// another address.
    package let barredLinkExpiry: Int64
    package let secrets: WebhookSecrets
    /// nil: the subscription has none of its own.
    package let retryPolicy: RetryPolicy?
    /// nil: the body is the notification itself.
    package let template: PostTemplate?
    /// Which answers end a delivery.
    package let finalStatuses: FinalStatuses
    /// Whether an answer of 410 disables the subscription.
    package let disablesOnGone: Bool
    /// The headers that are the same in all its requests, `Name: value` each.
    package let headers: [String]
    /// Bytes that its address and its options take here.
    package let optionBytes: Int

    /// - Parameter subscription: Its id, for a header; nil: its requests have none.
    package init(
        subscription: SubscriptionID? = nil, subscriber: Subscriber, isConfirmed: Bool, barredLinkExpiry: Int64 = 0,
        secrets: WebhookSecrets,
        options: DeliveryOptions = DeliveryOptions()
    ) {
        // An address that was kept before it was checked fails when it is sent to.
        let url = Result { () throws(HTTPURLInvalid) in try HTTPURL(subscriber.uri) }
        self.url = url
        self.scheme = subscriber.scheme
        let readable = try? url.get()
        self.host = readable?.origin ?? HTTPURL.unreadableOrigin
        self.isConfirmed = isConfirmed
        self.barredLinkExpiry = barredLinkExpiry
        self.secrets = secrets
        self.retryPolicy = options.retryPolicy
        self.template = options.template
        self.finalStatuses = options.finalStatuses
        self.disablesOnGone = options.disablesOnGone
        let own = options.headers.headers
        self.headers =
            (own.isEmpty ? Self.plainHeaders : Self.lines(of: own))
            + (subscription.map { ["herald-subscription-id: \($0.text)"] } ?? [])
        self.optionBytes =
            subscriber.uri.utf8.count + self.host.utf8.count
            + (readable?.hostName.map { $0.name.utf8.count + $0.key.utf8.count } ?? 0)
            + options.finalStatuses.bytes + (options.template?.count ?? 0)
            + own.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
    }

    private static let plainHeaders = ["Content-Type: application/json"]

    /// What the subscription asks for wins over what every webhook has.
    private static func lines(of headers: [PostHeaders.Header]) -> [String] {
        let hasType = headers.contains { $0.name.lowercased() == "content-type" }
        // To libcurl a name with a colon alone means: leave that header out; a semicolon: send it empty.
        return (hasType ? [] : self.plainHeaders)
            + headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
    }
}
