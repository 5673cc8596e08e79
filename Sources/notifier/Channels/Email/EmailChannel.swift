package import Documents
package import Domain
package import Signing

/// Delivers notifications as mails through one relay, which all engines of the process share.
package final class EmailChannel: Channel {
    package let destination = Destination.email
    private let relay: MailRelay
    private let user: Int

    package init(relay: MailRelay) {
        self.relay = relay
        self.user = relay.register()
    }

    package func target(
        _ address: String, of subscription: SubscriptionID, options: DeliveryOptions, secrets: WebhookSecrets
    ) -> any ChannelTarget {
        EmailTarget(address, host: self.relay.host, options: options)
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
                mails.append(OutgoingMail(attempt, to: address, options: target.options, of: self.user))
            case .failure: attempt.completion(.finished(.unreachable(.other), Exchange()))
            }
        }
        self.relay.send(mails)
    }

    package func abortAll() { self.relay.abortAll(of: self.user) }

    package func stop() { self.relay.close(for: self.user) }
}
