package import Domain
import NIOConcurrencyHelpers

/// The recipients of the latest deliveries, so that the next message needs no call of Redis for them.
///
/// An entry is good for one version of its subscription; a change of the subscription changes the version in the next
/// lease, which then finds nothing here. Two generations bound it: when the younger one is full it becomes the older one,
/// and what was not looked up meanwhile is gone.
package final class SubscriptionCache: Sendable {
    package struct Key: Hashable, Sendable {
        package let subscription: SubscriptionID
        package let version: Int

        package init(subscription: SubscriptionID, version: Int) {
            self.subscription = subscription
            self.version = version
        }
    }

    private struct State {
        var younger: [Key: Recipient] = [:]
        var youngerBytes = 0
        var older: [Key: Recipient] = [:]
    }

    private let generationMax: Int
    private let bytesMax: Int
    private let state = NIOLockedValueBox(State())

    /// - Parameters:
    ///   - generationMax: Entries of one generation; at most twice as many are kept.
    ///   - bytesMax: Bytes of one generation's options, likewise.
    package init(generationMax: Int = 16_384, bytesMax: Int = 8 << 20) {
        self.generationMax = generationMax
        self.bytesMax = bytesMax
    }

    package subscript(key: Key) -> Recipient? {
        self.state.withLockedValue { state in
            if let recipient = state.younger[key] { return recipient }
            guard let recipient = state.older[key] else { return nil }
            self.insert(recipient, for: key, into: &state)
            return recipient
        }
    }

    package func insert(_ recipient: Recipient, for key: Key) {
        self.state.withLockedValue { self.insert(recipient, for: key, into: &$0) }
    }

    private func insert(_ recipient: Recipient, for key: Key, into state: inout State) {
        if state.younger.count >= self.generationMax || state.youngerBytes >= self.bytesMax {
            state.older = state.younger
            state.younger = [:]
            state.youngerBytes = 0
        }
        state.youngerBytes += recipient.byteCount - (state.younger[key]?.byteCount ?? 0)
        state.younger[key] = recipient
    }
}
