import Domain
import Settings

/// The limits held against each other: the fullest page that they allow comes whole, or the process does not start.
///
/// A page or a claim is read in one reply of Redis, and a longer reply than ``RedisLimits/replyBytesMax`` breaks the
/// connection, for everyone whose calls wait on it.
package enum PageBounds {
    /// What a message takes in a reply beside its body: record, seal, id and state.
    static let messageHeadBytesMax = 1024
    /// A subscription is made by one body, and changed by others: its options may come from one, its address from another.
    ///
    /// No setting changes it, so the range of `limits.page.subscriptions` follows from it.
    package static let subscriptionBytesMax = 2 * BodyForm.documentBytesMax + 1024

    static func check(_ limits: Limits) throws(SettingError) {
        let message = limits.postBytesMax + Self.messageHeadBytesMax
        try self.check(
            Setting.limitsPageMessages, limits.messagePageMax, of: message, "messages",
            with: "\(Setting.limitsPostSize) \(limits.postBytesMax)")
        try self.check(
            Setting.limitsClaimMessages, limits.claimMessagesMax, of: message, "messages",
            with: "\(Setting.limitsPostSize) \(limits.postBytesMax)")
        try self.check(
            Setting.limitsPageQueues, limits.queuePageMax, of: limits.queueMetadataStoredBytesMax, "queues",
            with: "\(Setting.limitsQueueMetadata) \(limits.queueMetadataBytesMax)")
    }

    private static func check(
        _ page: Setting, _ count: Int, of bytes: Int, _ what: String, with other: String
    ) throws(SettingError) {
        guard count > Limits.pageBytesMax / bytes else { return }
        throw .unusable(
            page, value: String(count),
            reason: "is too much with \(other): so many \(what) may take \(count * bytes) bytes and a page has at most "
                + "\(Limits.pageBytesMax); allowed with it: 1 to \(Limits.pageBytesMax / bytes)")
    }
}
