import Cryptography
package import Domain

/// What a link in a mail lets its holder do: one thing, to one subscription, for the address it was sent to.
package struct LinkToken: Sendable, Equatable {
    package enum Purpose: UInt8, Sendable, CaseIterable {
        /// To be notified.
        case confirm = 1
        /// To be notified no more.
        case unsubscribe = 2
    }

    package let purpose: Purpose
    package let queue: QueueAddress
    package let subscription: SubscriptionID
    package let address: AddressMark
    /// When the link ends, seconds since the epoch; nil: with the subscription.
    package let expiry: Int64?

    /// - Parameter address: The subscriber, as the subscription has it.
    package init(
        _ purpose: Purpose, of subscription: SubscriptionID, in queue: QueueAddress, sentTo address: String,
        expiry: Int64? = nil
    ) {
        self.init(purpose, of: subscription, in: queue, sentTo: AddressMark(of: address), expiry: expiry)
    }

    init(
        _ purpose: Purpose, of subscription: SubscriptionID, in queue: QueueAddress, sentTo address: AddressMark,
        expiry: Int64?
    ) {
        self.purpose = purpose
        self.queue = queue
        self.subscription = subscription
        self.address = address
        self.expiry = expiry
    }

    package func isExpired(at now: Timestamp) -> Bool { self.expiry.map { $0 <= now.seconds } ?? false }
}

/// Twelve bytes by which an address is recognised.
///
/// Not a secret: it stands in sealed tokens only. 96 bits, so that a second address with the same mark cannot be found.
package struct AddressMark: Sendable, Equatable {
    static let bytesCount = 12

    let bytes: [UInt8]

    /// - Parameter address: The subscriber, as the subscription has it.
    package init(of address: String) {
        self.bytes = Array(Self.mac.tag(Array(address.utf8)).prefix(Self.bytesCount))
    }

    init(bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
    }

    package static func == (left: Self, right: Self) -> Bool { ConstantTime.equal(left.bytes, right.bytes) }

    private static let mac = KeyedMAC(hmacSHA256: Array("herald address of a link".utf8))
}

/// Why a text is not the token of a link.
package enum LinkTokenInvalid: Error, Sendable, Equatable {
    /// It was changed, made with another key, or for another purpose.
    case forged
    case expired
}
