package import Domain
package import Runtime

extension Limits {
    /// The limits and defaults an operator set.
    ///
    /// - Throws: ``SettingError/unusable(_:value:reason:)`` when a default lies beyond its limit.
    package init(_ settings: SettingReader) throws(SettingError) {
        self.init()
        self.queuePageMax = try settings.integer(.limitsPageQueues)
        self.messagePageMax = try settings.integer(.limitsPageMessages)
        self.subscriptionPageMax = try settings.integer(.limitsPageSubscriptions)
        self.claimMessagesMax = try settings.integer(.limitsClaimMessages)
        self.queueMetadataBytesMax = try settings.integer(.limitsQueueMetadata)
        self.postBytesMax = try settings.integer(.limitsPostSize)
        self.messageTTLMax = try settings.integer(.limitsMessageTTL)
        self.messageDelayMax = try settings.integer(.limitsMessageDelay)
        self.claimTTLMax = try settings.integer(.limitsClaimTTL)
        self.claimGraceMax = try settings.integer(.limitsClaimGrace)
        self.messageTTLDefault = try Self.value(of: .defaultsMessageTTL, upTo: .limitsMessageTTL, in: settings)
        self.messageDelayDefault = try Self.value(of: .defaultsMessageDelay, upTo: .limitsMessageDelay, in: settings)
        self.claimTTLDefault = try Self.value(of: .defaultsClaimTTL, upTo: .limitsClaimTTL, in: settings)
        self.claimGraceDefault = try Self.value(of: .defaultsClaimGrace, upTo: .limitsClaimGrace, in: settings)
        self.subscriptionTTLDefault = try settings.integer(.defaultsSubscriptionTTL)
    }

    private static func value(
        of key: SettingKey, upTo limit: SettingKey, in settings: SettingReader
    ) throws(SettingError) -> Int {
        let value = try settings.integer(key)
        let max = try settings.integer(limit)
        guard value <= max else {
            throw .unusable(key, value: String(value), reason: "is more than \(limit.rawValue), which is \(max)")
        }
        return value
    }
}
