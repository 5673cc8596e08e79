import Redis

/// The scripts of the store: one per operation, each with its contract on top of its file.
enum Scripts {
    static let put = queue("put", PackageResources.put_lua)
    static let drop = queue("drop", PackageResources.drop_lua)
    static let post = queue("post", PackageResources.post_lua)
    static let list = queue("list", PackageResources.list_lua)
    static let get = queue("get", PackageResources.get_lua)
    static let subscribe = queue("subscribe", PackageResources.subscribe_lua)
    static let subscriptions = queue("subscriptions", PackageResources.subscriptions_lua)
    static let subscription = queue("subscription", PackageResources.subscription_lua)
    static let unsubscribe = queue("unsubscribe", PackageResources.unsubscribe_lua)
    static let renew = queue("renew", PackageResources.renew_lua)
    static let look = queue("look", PackageResources.look_lua)
    static let take = delivery("take", PackageResources.take_lua)
    static let lease = delivery("lease", PackageResources.lease_lua)
    static let settle = delivery("settle", PackageResources.settle_lua)
    static let reap = delivery("reap", PackageResources.reap_lua)
    static let sweepMessages = delivery("sweep_messages", PackageResources.sweep_messages_lua)
    static let sweepSubscriptions = delivery("sweep_subscriptions", PackageResources.sweep_subscriptions_lua)

    private static func queue(_ name: StaticString, _ source: [UInt8]) -> RedisScript {
        RedisScript(name: name, source: PackageResources.common_lua + source)
    }

    private static func delivery(_ name: StaticString, _ source: [UInt8]) -> RedisScript {
        RedisScript(name: name, source: PackageResources.common_lua + PackageResources.delivery_lua + source)
    }
}
