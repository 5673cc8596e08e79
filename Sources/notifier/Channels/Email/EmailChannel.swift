package import Documents
package import Domain
package import Mail
package import Signing

/// Delivers notifications as mails through one relay, which all engines of the process share.
package final class EmailChannel: Channel {
    package let destination = Destination.email
    private let relay: MailRelay
    private let user: Int
    private let pages: LinkPages?
    private let keys: LinkKeys?
    private let texts: TextCatalog

    /// - Parameters:
    ///   - pages: Where subscribers leave; nil: mails have no link.
    ///   - keys: Make the marks by which mails that come back are found; nil: mails have none.
    ///   - texts: What confirmations say, and the end of mails.
    package init(
        relay: MailRelay, pages: LinkPages? = nil, keys: LinkKeys? = nil, texts: TextCatalog = .builtIn
    ) {
        self.relay = relay
        self.pages = pages
        self.keys = keys
        self.texts = texts
        self.user = relay.register()
    }

    package func target(
        _ address: String, of subscription: SubscriptionID, in queue: QueueAddress, options: DeliveryOptions,
        secrets: WebhookSecrets, keys: WebhookSigningKeys?
    ) -> any ChannelTarget {
        let page = self.pages?.unsubscription(of: subscription, in: queue, sentTo: address)
        return EmailTarget(
            address, host: self.relay.host, options: options, unsubscribePage: page.flatMap(MailLink.init),
            bounceMark: self.keys?.bounceMark(of: subscription, sentTo: address))
    }

    package func send(_ attempts: [Attempt]) {
        var mails: [OutgoingMail] = []
        mails.reserveCapacity(attempts.count)
        for attempt in attempts {
            guard let target = attempt.target as? EmailTarget else {
                preconditionFailure("an attempt has a target of another channel")
            }
            switch target.address {
            case .success(let address):
                mails.append(OutgoingMail(attempt, to: address, target, texts: self.texts, of: self.user))
            case .failure: attempt.completion(.finished(.unreachable(.other), Exchange()))
            }
        }
        self.relay.send(mails)
    }

    package func abortAll() { self.relay.abortAll(of: self.user) }

    package func stop() { self.relay.close(for: self.user) }
}
