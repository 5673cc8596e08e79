package import Domain
import NIOConcurrencyHelpers

/// A subscription as it was at one version: what was read of it then stays true.
package struct SubscriptionVersion: Hashable, Sendable {
    package let subscription: SubscriptionID
    package let version: Int

    package init(subscription: SubscriptionID, version: Int) {
        self.subscription = subscription
        self.version = version
    }
}

/// What was read of the subscriptions of the latest messages, so that the next one needs no call of Redis for them.
///
/// An entry is good for one version of its subscription; a change of the subscription changes the version that is looked for, which then
/// finds nothing here. Two generations bound it: when the younger one is full it becomes the older one, and what was not looked up
/// meanwhile is gone.
package final class SubscriptionCache<Value: Sendable>: Sendable {
    private struct Entry {
        let value: Value
        let bytes: Int
    }

    private struct State {
        var younger: [SubscriptionVersion: Entry] = [:]
        var youngerBytes = 0
        var older: [SubscriptionVersion: Entry] = [:]
    }

    private let generationMax: Int
    private let bytesMax: Int
    private let state = NIOLockedValueBox(State())

    /// - Parameters:
    ///   - generationMax: Entries of one generation; at most twice as many are kept.
    ///   - bytesMax: Bytes of one generation, likewise.
    package init(generationMax: Int = 16_384, bytesMax: Int = 8 << 20) {
        self.generationMax = generationMax
        self.bytesMax = bytesMax
    }

    package subscript(key: SubscriptionVersion) -> Value? {
        self.state.withLockedValue { state in
            if let entry = state.younger[key] { return entry.value }
            guard let entry = state.older[key] else { return nil }
            self.insert(entry, for: key, into: &state)
            return entry.value
        }
    }

    /// - Parameter bytes: What the value takes here.
    package func insert(_ value: Value, bytes: Int, for key: SubscriptionVersion) {
        self.state.withLockedValue { self.insert(Entry(value: value, bytes: bytes), for: key, into: &$0) }
    }

    private func insert(_ entry: Entry, for key: SubscriptionVersion, into state: inout State) {
        if state.younger.count >= self.generationMax || state.youngerBytes >= self.bytesMax {
            state.older = state.younger
            state.younger = [:]
            state.youngerBytes = 0
        }
        state.youngerBytes += entry.bytes - (state.younger[key]?.bytes ?? 0)
        state.younger[key] = entry
    }
}
