import Cryptography
import Documents
package import Domain
import Mail
import Placement
package import Signing
import Store

/// How webhooks are asked whether they want to be notified; a deployment that does not ask them has none of it.
package struct ConfirmationRules: Sendable {
    /// Signs the links.
    package let key: SignedURLKey
    /// The root of the REST API as subscribers reach it, without a slash at the end; nil: not known.
    package let publicURL: String?

    package init(key: SignedURLKey, publicURL: String?) {
        self.key = key
        self.publicURL = publicURL
    }
}

/// How subscribers with mail addresses are asked; a deployment that does not ask them has none of it.
package struct MailConfirmationRules: Sendable {
    /// Where the link of a confirmation mail leads.
    package enum Page: Sendable {
        /// To the pages of the API.
        case builtIn(LinkPages)
        /// To a page outside, with the parameters of the notifications contract, 5.3.
        case external(url: String, key: SignedURLKey)
    }

    /// nil: none is known, so no address is asked and no mail is sent.
    package let page: Page?
    /// The root of the REST API, as in ``ConfirmationRules``.
    package let publicURL: String?
    /// Most confirmation mails to one address in a day, from all projects together.
    package let dailyMax: Int

    package init(page: Page?, publicURL: String?, dailyMax: Int) {
        self.page = page
        self.publicURL = publicURL
        self.dailyMax = dailyMax
    }
}

extension Operations {
    /// The destinations that are notified only once their subscriber has confirmed.
    package var confirmedOnly: Set<Destination> {
        var destinations: Set<Destination> = []
        if self.confirmation != nil { destinations.insert(.webhook) }
        if self.mailConfirmation != nil { destinations.insert(.email) }
        return destinations
    }

    /// Whether a subscriber has to confirm.
    func mustConfirm(_ subscriber: String) -> Bool {
        // Only addresses that could be read were ever kept.
        guard let destination = (try? Subscriber(stored: subscriber))?.scheme.destination else { return false }
        return self.confirmedOnly.contains(destination)
    }

    /// Refuses a subscriber that could not be sent a link.
    ///
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    func checkConfirmable(_ subscriber: Subscriber, of queue: QueueAddress) throws(Refusal) {
        guard subscriber.scheme.destination == .email, case .builtIn? = self.mailConfirmation?.page,
            queue.project.text.utf8.count > LinkKeys.projectBytesMax
        else { return }
        throw .requestInvalid(
            "Mail subscribers confirm by a link, which holds at most \(LinkKeys.projectBytesMax) bytes of the project id."
        )
    }

    /// The latest second at which a link expires of its own accord, some days before the last that can be spelled: so that
    /// a subscription's next address can always be sent links that expire later than those of the one before.
    private static let expiryMax: Int64 = 253_402_300_799 - 1_000_000
    /// Readings of the expiry that a link has to pass; each is needed only when the address changed since the last.
    private static let askingsMax = 8

    /// Asks a subscriber to confirm, or sends one that withdrew the link for a return; where none has to confirm it does nothing.
    ///
    /// It is sent when the address may be asked next (``ConfirmationSchedule``). A subscription that ended meanwhile, or was given
    /// another address, is asked nothing here.
    ///
    /// - Parameter ttl: Seconds the link works from then on.
    /// - Throws: ``StoreError/overloaded`` when too many questions wait for the address.
    func askConfirmation(
        _ kind: NotificationKind, of subscriber: String, _ id: SubscriptionID, of queue: QueueAddress, ttl: Int,
        now: Timestamp
    ) async throws(StoreError) {
        let isMail = (try? Subscriber(stored: subscriber))?.scheme.destination == .email
        guard isMail ? self.mailConfirmation?.page != nil : self.confirmation != nil else { return }
        let at = try await self.stores.defaultStore.confirmations.reserve(
            kind, from: queue.project, to: isMail ? Self.mailbox(of: subscriber) : subscriber, for: id,
            dailyMax: isMail ? self.mailConfirmation?.dailyMax : nil)
        var end = min(max(now, at).seconds + Int64(ttl), Self.expiryMax)
        for _ in 0..<Self.askingsMax {
            guard let expiry = SignedURLExpiry(seconds: end),
                let document = isMail
                    ? self.mailDocument(kind, to: subscriber, id, of: queue, expiry)
                    : self.webhookDocument(kind, id, of: queue, expiry)
            else { return }
            let question = ConfirmationRequest(
                kind: kind, subscriber: subscriber, at: at, ttl: Int(end - now.seconds), linkExpiry: end,
                document: document)
            guard
                case .barred(let until) = try await self.store(of: queue).subscriptions.requestConfirmation(
                    queue, id: id, question)
            else { return }
            end = max(end, until + 1)
        }
        throw .overloaded
    }

    /// The address questions are counted by: however its URI is spelled, and whatever stands beside it there.
    private static func mailbox(of subscriber: String) -> String {
        guard let address = (try? MailtoURI(subscriber))?.address else { return subscriber }
        return "mailto:\(address.listed)"
    }

    private func signed(
        _ key: SignedURLKey, _ id: SubscriptionID, of queue: QueueAddress, _ expiry: SignedURLExpiry
    ) -> String {
        SignedURL(
            paths: [ConfirmationDocument.path(of: queue, id)], methods: [ConfirmationDocument.method],
            project: queue.project.text, expiry: expiry
        ).signature(key: key)
    }

    private func webhookDocument(
        _ kind: NotificationKind, _ id: SubscriptionID, of queue: QueueAddress, _ expiry: SignedURLExpiry
    ) -> [UInt8]? {
        guard let rules = self.confirmation else { return nil }
        return ConfirmationDocument(
            kind: kind, queue: queue, subscription: id, signature: self.signed(rules.key, id, of: queue, expiry),
            expires: expiry.text, publicURL: rules.publicURL
        ).encode()
    }

    /// nil where no link can be made.
    private func mailDocument(
        _ kind: NotificationKind, to subscriber: String, _ id: SubscriptionID, of queue: QueueAddress,
        _ expiry: SignedURLExpiry
    ) -> [UInt8]? {
        let link: String?
        switch self.mailConfirmation?.page {
        case nil: link = nil
        case .builtIn(let pages):
            link = pages.confirmation(of: id, in: queue, sentTo: subscriber, expiry: expiry.seconds)
        case .external(let url, let key):
            let path = ConfirmationDocument.path(of: queue, id)
            link = ExternalLink.text(
                url,
                [
                    ("Signature", self.signed(key, id, of: queue, expiry)), ("Methods", ConfirmationDocument.method),
                    ("Paths", path), ("Project", queue.project.text), ("Expires", expiry.text),
                    ("Url", self.mailConfirmation?.publicURL.map { $0 + path } ?? ""), ("Queue", queue.name.text),
                ])
        }
        return link.map {
            MailConfirmationDocument(kind: kind, queue: queue, link: $0, expires: expiry.text).encode()
        }
    }
}

/// A link to a page outside (notifications contract, 5.3).
enum ExternalLink {
    /// - Parameter parameters: In the order of the contract; their values are percent-encoded, but for slashes and colons.
    static func text(_ url: String, _ parameters: [(name: String, value: String)]) -> String {
        let query = parameters.map { "\($0.name)=\(Percent.encode($0.value, keeping: "/:"))" }.joined(separator: "&")
        return url + (url.contains("?") ? "&" : "?") + query
    }
}
