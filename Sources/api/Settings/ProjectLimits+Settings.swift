package import Domain
package import Settings

extension ProjectLimits {
    /// What holds for a project that has no limits of its own.
    package init(_ reader: SettingReader) throws(SettingError) {
        self.init()
        self.subscriptions = try reader.integer(Setting.limitsProjectSubscriptions)
        self.bytes = try reader.integer(Setting.limitsProjectBytes)
        self.posts = try reader.integer(Setting.limitsProjectPosts)
        self.connections = try reader.integer(Setting.limitsProjectConnections)
        self.queues = try reader.integer(Setting.limitsProjectQueues)
    }
}
