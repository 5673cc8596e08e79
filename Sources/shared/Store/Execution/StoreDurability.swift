package import Domain
package import Redis

/// How far what is written to a store gets before it is acknowledged.
package struct StoreDurability: Sendable, Equatable {
    /// Of what a deployment is asked for.
    package let usual: Durability
    /// Whether what its Redis acknowledges is on the disk of it, without a wait.
    let isOnDisk: Bool
    /// What is waited for to get as far as usual; nil: nothing.
    package let reach: WriteReach?

    /// As far as Redis gets by itself.
    static let memory = StoreDurability(usual: .memory, isOnDisk: false, reach: nil)

    /// Whether a queue may ask for it.
    package func offers(_ durability: Durability) -> Bool {
        switch durability {
        case .memory: true
        case .disk, .replicated: self.usual == durability
        }
    }

    /// What has to be waited for; nil: nothing.
    ///
    /// - Parameter own: What a queue asks for; nil: nothing.
    func reach(for own: Durability?) -> WriteReach? {
        // What was asked for when the deployment offered it, and is not offered any more, is not less than usual.
        guard let own, self.offers(own) else { return self.reach }
        return own == self.usual ? self.reach : nil
    }

    /// What an acknowledged message of a queue has reached.
    func reached(for own: Durability?) -> Durability {
        if self.reach(for: own) != nil { return self.usual }
        return self.isOnDisk ? .disk : .memory
    }
}

extension QueueTraits {
    /// As `message_post.lua` takes and answers them: `1` or `0` for whether it encrypts, then, where queues differ in it, what it is
    /// to reach, by its initial, or `-`.
    func record(withDurability: Bool) -> String {
        (self.encryptsMessages ? "1" : "0") + (withDurability ? self.durability?.initial ?? "-" : "")
    }

    init(record: String) {
        self.init(encryptsMessages: record.hasPrefix("1"), durability: Durability(initial: record.dropFirst()))
    }
}

extension Durability {
    /// As a queue keeps it.
    var initial: String { String(self.rawValue.prefix(1)) }

    /// nil for none.
    init?(initial: some StringProtocol) {
        guard let durability = Self.allCases.first(where: { $0.initial == initial }) else { return nil }
        self = durability
    }
}
