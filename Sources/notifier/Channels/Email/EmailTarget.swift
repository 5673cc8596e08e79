package import Documents
package import Domain
package import HTTPClient
package import Mail

/// The address of one subscription, and what its mails look like.
package final class EmailTarget: ChannelTarget {
    /// Why no mail can be sent to it, where its address is none.
    let address: Result<MailtoURI, MailAddressInvalid>
    let options: MailOptions
    /// Where the subscriber leaves; nil: its mails have no link.
    let unsubscribePage: MailLink?
    /// By which a mail that comes back is found; nil: it is not.
    let bounceMark: BounceMark?
    /// The relay: all mails go through it.
    package let host: String
    package let byteCount: Int
    package let hasOwnBodies = false
    package let collects = true
    /// The address in lower case; nil where it is none.
    package let suppressibleAddress: String?

    package init(
        _ address: String, host: String, options: DeliveryOptions, unsubscribePage: MailLink? = nil,
        bounceMark: BounceMark? = nil
    ) {
        // An address that was kept before it was checked fails when it is sent to.
        let uri = Result { () throws(MailAddressInvalid) in try MailtoURI(address) }
        self.address = uri
        self.suppressibleAddress = (try? uri.get())?.address.listed
        self.host = host
        self.options = options.mail
        self.unsubscribePage = unsubscribePage
        self.bounceMark = bounceMark
        self.byteCount = 3 * address.utf8.count + options.mail.byteCount + (unsubscribePage?.text.utf8.count ?? 0)
    }

    package func ownBody(from document: PinnedBytes) -> PinnedBytes { document }
}
