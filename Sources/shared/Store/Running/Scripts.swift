import Redis

/// The scripts of the store: one per operation, each with its contract on top of its file.
enum Scripts {
    static let open = plain("open", PackageResources.open_lua)
    static let put = plain("put", PackageResources.put_lua)
    static let enter = plain("enter", PackageResources.enter_lua)
    static let strike = plain("strike", PackageResources.strike_lua)
    static let locate = plain("locate", PackageResources.locate_lua)
    static let reserve = plain("reserve", PackageResources.reserve_lua)
    static let pools = plain("pools", PackageResources.pools_lua)
    static let commit = plain("commit", PackageResources.commit_lua)
    static let patch = plain("patch", PackageResources.patch_lua)
    static let post = append("post", PackageResources.post_lua)
    static let arrive = append("arrive", PackageResources.arrive_lua)
    static let drop = queue("drop", PackageResources.drop_lua)
    static let purge = queue("purge", PackageResources.purge_lua)
    static let list = queue("list", PackageResources.list_lua)
    static let get = queue("get", PackageResources.get_lua)
    static let delete = queue("delete", PackageResources.delete_lua)
    static let pop = queue("pop", PackageResources.pop_lua)
    static let stats = queue("stats", PackageResources.stats_lua)
    static let claim = queue("claim", PackageResources.claim_lua)
    static let query = queue("query", PackageResources.query_lua)
    static let update = queue("update", PackageResources.update_lua)
    static let release = queue("release", PackageResources.release_lua)
    static let topicPut = plain("topic_put", PackageResources.topic_put_lua)
    static let topicPatch = plain("topic_patch", PackageResources.topic_patch_lua)
    static let topicDrop = plain("topic_drop", PackageResources.topic_drop_lua)
    static let topics = plain("topics", PackageResources.topics_lua)
    static let subscribe = plain("subscribe", PackageResources.subscribe_lua)
    static let resubscribe = subscriber("resubscribe", PackageResources.resubscribe_lua)
    static let confirm = subscriber("confirm", PackageResources.confirm_lua)
    static let questionSchedule = plain("question_schedule", PackageResources.question_schedule_lua)
    static let rotate = subscriber("rotate", PackageResources.rotate_lua)
    static let subscriptions = plain("subscriptions", PackageResources.subscriptions_lua)
    static let subscription = subscriber("subscription", PackageResources.subscription_lua)
    static let recipients = plain("recipients", PackageResources.recipients_lua)
    static let unsubscribe = subscriber("unsubscribe", PackageResources.unsubscribe_lua)
    static let unsubscribeAll = subscriber("unsubscribe_all", PackageResources.unsubscribe_all_lua)
    static let renew = plain("renew", PackageResources.renew_lua)
    static let owe = delivery("owe", PackageResources.owe_lua)
    static let attempts = delivery("attempts", PackageResources.attempts_lua)
    static let letters = delivery("letters", PackageResources.letters_lua)
    static let letter = plain("letter", PackageResources.letter_lua)
    static let discard = delivery("discard", PackageResources.discard_lua)
    static let redrive = delivery("redrive", PackageResources.redrive_lua)
    static let look = delivery("look", PackageResources.look_lua)
    static let take = paced("take", PackageResources.take_lua)
    static let lease = leasing("lease", PackageResources.lease_lua)
    static let settle = leasing("settle", PackageResources.settle_lua)
    static let begin = plain("begin", PackageResources.begin_lua)
    static let wake = paced("wake", PackageResources.wake_lua)
    static let reap = paced("reap", PackageResources.reap_lua)
    static let pause = paced("pause", PackageResources.pause_lua)
    static let resume = paced("resume", PackageResources.resume_lua)
    static let health = paced("health", PackageResources.health_lua)
    static let explain = paced("explain", PackageResources.explain_lua)
    static let sweepMessages = delivery("sweep_messages", PackageResources.sweep_messages_lua)
    static let sweepWaiting = delivery("sweep_waiting", PackageResources.sweep_waiting_lua)
    static let sweepSubscriptions = paced("sweep_subscriptions", PackageResources.sweep_subscriptions_lua)

    private static func plain(_ name: StaticString, _ source: [UInt8]) -> RedisScript {
        RedisScript(name: name, source: PackageResources.common_lua + source)
    }

    private static func subscriber(_ name: StaticString, _ source: [UInt8]) -> RedisScript {
        self.plain(name, PackageResources.subscriber_lua + source)
    }

    private static func append(_ name: StaticString, _ source: [UInt8]) -> RedisScript {
        self.plain(name, PackageResources.append_lua + source)
    }

    private static func queue(_ name: StaticString, _ source: [UInt8]) -> RedisScript {
        self.plain(name, PackageResources.queue_lua + source)
    }

    private static func delivery(_ name: StaticString, _ source: [UInt8]) -> RedisScript {
        self.subscriber(name, PackageResources.delivery_lua + source)
    }

    private static func paced(_ name: StaticString, _ source: [UInt8]) -> RedisScript {
        self.delivery(name, PackageResources.pace_lua + source)
    }

    private static func leasing(_ name: StaticString, _ source: [UInt8]) -> RedisScript {
        self.paced(name, PackageResources.leasing_lua + source)
    }
}
