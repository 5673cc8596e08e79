package import Domain
package import Settings

extension Limits {
    /// The limits and defaults an operator set.
    ///
    /// - Throws: ``SettingError/unusable(_:value:reason:)`` when a default lies beyond its limit, or a page that the
    ///   limits allow does not fit into a reply of Redis.
    package init(_ settings: SettingReader) throws(SettingError) {
        self.init()
        self.queuePageMax = try settings.integer(Setting.limitsPageQueues)
        self.messagePageMax = try settings.integer(Setting.limitsPageMessages)
        self.subscriptionPageMax = try settings.integer(Setting.limitsPageSubscriptions)
        self.claimMessagesMax = try settings.integer(Setting.limitsClaimMessages)
        self.queueMetadataBytesMax = try settings.integer(Setting.limitsQueueMetadata)
        self.postBytesMax = try settings.integer(Setting.limitsPostSize)
        self.postMessagesMax = try settings.integer(Setting.limitsPostMessages)
        self.messageTTLMax = try settings.integer(Setting.limitsMessageTTL)
        self.messageDelayMax = try settings.integer(Setting.limitsMessageDelay)
        self.claimTTLMax = try settings.integer(Setting.limitsClaimTTL)
        self.claimGraceMax = try settings.integer(Setting.limitsClaimGrace)
        self.messageTTLDefault = try Self.value(
            of: Setting.defaultsMessageTTL, upTo: Setting.limitsMessageTTL, in: settings)
        self.messageDelayDefault = try Self.value(
            of: Setting.defaultsMessageDelay, upTo: Setting.limitsMessageDelay, in: settings)
        self.claimTTLDefault = try Self.value(of: Setting.defaultsClaimTTL, upTo: Setting.limitsClaimTTL, in: settings)
        self.claimGraceDefault = try Self.value(
            of: Setting.defaultsClaimGrace, upTo: Setting.limitsClaimGrace, in: settings)
        self.subscriptionTTLDefault = try settings.integer(Setting.defaultsSubscriptionTTL)
        self.postKeyWindow = try settings.integer(Setting.postsKeyWindow)
        try PageBounds.check(self)
    }

    private static func value(
        of key: Setting, upTo limit: Setting, in settings: SettingReader
    ) throws(SettingError) -> Int {
        let value = try settings.integer(key)
        let max = try settings.integer(limit)
        guard value <= max else {
            throw .unusable(key, value: String(value), reason: "is more than \(limit.name), which is \(max)")
        }
        return value
    }
}
