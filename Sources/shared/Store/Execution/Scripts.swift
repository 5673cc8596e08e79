import Redis

/// The scripts of the store: one per operation, each with its contract on top of its file.
enum Scripts {
    static let storeOpen = plain("store_open", PackageResources.store_open_lua)
    static let formatRaise = plain("format_raise", PackageResources.format_raise_lua)
    static let processBeat = plain("process_beat", PackageResources.process_beat_lua)
    static let processLeave = plain("process_leave", PackageResources.process_leave_lua)
    static let processList = plain("process_list", PackageResources.process_list_lua)
    static let apiKeyCreate = plain("api_key_create", PackageResources.api_key_create_lua)
    static let apiKeyRevoke = plain("api_key_revoke", PackageResources.api_key_revoke_lua)
    static let apiKeyChange = plain("api_key_change", PackageResources.api_key_change_lua)
    static let sessionAppend = plain("session_append", PackageResources.session_append_lua)
    static let sessionFinish = plain("session_finish", PackageResources.session_finish_lua)
    static let sessionNodeBeat = plain("session_node_beat", PackageResources.session_node_beat_lua)
    static let sessionNodeList = plain("session_node_list", PackageResources.session_node_list_lua)
    static let sessionNodeRead = plain("session_node_read", PackageResources.session_node_read_lua)
    static let sessionNodeEnd = plain("session_node_end", PackageResources.session_node_end_lua)
    static let sessionNameTake = plain("session_name_take", PackageResources.session_name_take_lua)
    static let sessionNameHold = plain("session_name_hold", PackageResources.session_name_hold_lua)
    static let sessionNameRelease = plain("session_name_release", PackageResources.session_name_release_lua)
    static let trustGet = plain("trust_get", PackageResources.trust_get_lua)
    static let trustPlan = plain("trust_plan", PackageResources.trust_plan_lua)
    static let trustTake = plain("trust_take", PackageResources.trust_take_lua)
    static let trustFinish = plain("trust_finish", PackageResources.trust_finish_lua)
    static let connectionsHold = plain("connections_hold", PackageResources.connections_hold_lua)
    static let postTokensTake = plain("post_tokens_take", PackageResources.post_tokens_take_lua)
    static let signingKeyRotate = plain("signing_key_rotate", PackageResources.signing_key_rotate_lua)
    static let queueCreate = plain("queue_create", PackageResources.queue_create_lua)
    static let queueRegister = plain("queue_register", PackageResources.queue_register_lua)
    static let queueUnregister = plain("queue_unregister", PackageResources.queue_unregister_lua)
    static let queueLocate = plain("queue_locate", PackageResources.queue_locate_lua)
    static let projectNote = plain("project_note", PackageResources.project_note_lua)
    static let queueReserve = plain("queue_reserve", PackageResources.queue_reserve_lua)
    static let poolList = plain("pool_list", PackageResources.pool_list_lua)
    static let poolUpdate = plain("pool_update", PackageResources.pool_update_lua)
    static let moveBegin = plain("move_begin", PackageResources.move_begin_lua)
    static let moveCommit = plain("move_commit", PackageResources.move_commit_lua)
    static let moveNote = plain("move_note", PackageResources.move_note_lua)
    static let queueHold = paced("queue_hold", PackageResources.queue_hold_lua)
    static let queueClose = paced("queue_close", signal + PackageResources.queue_close_lua)
    static let queueBar = plain("queue_bar", PackageResources.queue_bar_lua)
    static let queueFill = plain("queue_fill", PackageResources.queue_fill_lua)
    static let eventList = record("event_list", PackageResources.event_list_lua)
    static let deliveryFill = plain("delivery_fill", PackageResources.delivery_fill_lua)
    static let queueOpen = delivery("queue_open", usage + PackageResources.queue_open_lua)
    static let queueDrop = delivery("queue_drop", usage + PackageResources.queue_drop_lua)
    static let subscriptionAdmit = paced(
        "subscription_admit", PackageResources.lib_subscription_lua + PackageResources.subscription_admit_lua)
    static let subscriptionDiscard = paced(
        "subscription_discard", PackageResources.lib_subscription_lua + PackageResources.subscription_discard_lua)
    static let queueWait = queue("queue_wait", PackageResources.queue_wait_lua)
    static let queueUpdate = plain("queue_update", PackageResources.queue_update_lua)
    static let messagePost = append("message_post", PackageResources.message_post_lua)
    static let messageArrive = append("message_arrive", PackageResources.message_arrive_lua)
    static let queueDelete = queue("queue_delete", PackageResources.queue_delete_lua)
    static let queuePurge = queue("queue_purge", PackageResources.queue_purge_lua)
    static let messageList = queue("message_list", PackageResources.message_list_lua)
    static let messageFollow = queue("message_follow", PackageResources.message_follow_lua)
    static let messageGet = queue("message_get", PackageResources.message_get_lua)
    static let messageDelete = queue("message_delete", PackageResources.message_delete_lua)
    static let messagePop = queue("message_pop", PackageResources.message_pop_lua)
    static let queueStatsGet = queue("queue_stats_get", PackageResources.queue_stats_get_lua)
    static let queueSurvey = queue("queue_survey", PackageResources.queue_survey_lua)
    static let claimCreate = queue("claim_create", PackageResources.claim_create_lua)
    static let claimGet = queue("claim_get", PackageResources.claim_get_lua)
    static let claimUpdate = queue("claim_update", PackageResources.claim_update_lua)
    static let claimRelease = queue("claim_release", PackageResources.claim_release_lua)
    static let topicCreate = plain("topic_create", PackageResources.topic_create_lua)
    static let topicUpdate = plain("topic_update", PackageResources.topic_update_lua)
    static let topicDelete = plain("topic_delete", PackageResources.topic_delete_lua)
    static let topicList = plain("topic_list", PackageResources.topic_list_lua)
    static let subscriptionCreate = subscription("subscription_create", PackageResources.subscription_create_lua)
    static let subscriptionUpdate = subscription("subscription_update", PackageResources.subscription_update_lua)
    static let subscriptionConfirm = subscription("subscription_confirm", PackageResources.subscription_confirm_lua)
    static let subscriptionLeave = subscription("subscription_leave", PackageResources.subscription_leave_lua)
    static let suppressionAdd = plain("suppression_add", PackageResources.suppression_add_lua)
    static let suppressionRemove = plain("suppression_remove", PackageResources.suppression_remove_lua)
    static let suppressionList = plain("suppression_list", PackageResources.suppression_list_lua)
    static let addressReserve = plain("address_reserve", PackageResources.address_reserve_lua)
    static let bounceCount = plain("bounce_count", PackageResources.bounce_count_lua)
    static let confirmationSchedule = plain("confirmation_schedule", PackageResources.confirmation_schedule_lua)
    static let secretRotate = subscription("secret_rotate", PackageResources.secret_rotate_lua)
    static let subscriptionList = header("subscription_list", PackageResources.subscription_list_lua)
    static let subscriptionFind = header("subscription_find", PackageResources.subscription_find_lua)
    static let subscriptionGet = header("subscription_get", PackageResources.subscription_get_lua)
    static let recipientList = header("recipient_list", PackageResources.recipient_list_lua)
    static let subscriptionDelete = subscription("subscription_delete", PackageResources.subscription_delete_lua)
    static let subscriptionDeleteSome = subscription(
        "subscription_delete_some", PackageResources.subscription_delete_some_lua)
    static let deliveryRenew = plain("delivery_renew", PackageResources.delivery_renew_lua)
    static let deliveryEnqueue = delivery(
        "delivery_enqueue", PackageResources.lib_subscription_lua + PackageResources.delivery_enqueue_lua)
    static let attemptList = delivery("attempt_list", PackageResources.attempt_list_lua)
    static let deadLetterList = delivery("dead_letter_list", PackageResources.dead_letter_list_lua)
    static let deadLetterGet = plain("dead_letter_get", PackageResources.dead_letter_get_lua)
    static let deadLetterDiscard = delivery("dead_letter_discard", PackageResources.dead_letter_discard_lua)
    static let deadLetterRedrive = delivery(
        "dead_letter_redrive", PackageResources.lib_subscription_lua + PackageResources.dead_letter_redrive_lua)
    static let shardStatusGet = delivery("shard_status_get", PackageResources.shard_status_get_lua)
    static let backlogGet = paced("backlog_get", KeySpace.spelled(PackageResources.backlog_get_lua))
    static let deliveryTake = paced("delivery_take", PackageResources.delivery_take_lua)
    static let deliveryLease = leasing("delivery_lease", PackageResources.delivery_lease_lua)
    static let deliverySettle = leasing("delivery_settle", PackageResources.delivery_settle_lua)
    static let deliveryBegin = plain("delivery_begin", PackageResources.delivery_begin_lua)
    static let subscriptionUnpark = paced("subscription_unpark", PackageResources.subscription_unpark_lua)
    static let deliveryReap = paced("delivery_reap", PackageResources.delivery_reap_lua)
    static let subscriptionPause = paced("subscription_pause", PackageResources.subscription_pause_lua)
    static let subscriptionResume = paced("subscription_resume", PackageResources.subscription_resume_lua)
    static let subscriptionHealthGet = paced(
        "subscription_health_get", PackageResources.lib_health_lua + PackageResources.subscription_health_get_lua)
    static let subscriptionSurvey = paced(
        "subscription_survey",
        PackageResources.lib_subscription_lua + PackageResources.lib_health_lua
            + PackageResources.subscription_survey_lua)
    static let deliveryStatusGet = paced(
        "delivery_status_get", PackageResources.lib_subscription_lua + PackageResources.delivery_status_get_lua)
    static let messageSweep = delivery(
        "message_sweep", usage + release + KeySpace.spelled(PackageResources.message_sweep_lua))
    static let deliverySweep = delivery("delivery_sweep", PackageResources.delivery_sweep_lua)
    static let subscriptionSweep = paced(
        "subscription_sweep",
        PackageResources.lib_subscription_lua + KeySpace.spelled(PackageResources.subscription_sweep_lua))

    // What stands in front of a script: it defines what several scripts share. Each call makes its functions anew.

    private static func plain(_ name: StaticString, _ source: [UInt8]) -> RedisScript {
        RedisScript(name: name, source: PackageResources.lib_common_lua + source)
    }

    /// Of one queue.
    private static func queue(_ name: StaticString, _ source: [UInt8]) -> RedisScript {
        self.record(name, self.signal + self.usage + self.release + PackageResources.lib_queue_lua + source)
    }

    /// Appends to a queue.
    private static func append(_ name: StaticString, _ source: [UInt8]) -> RedisScript {
        self.record(name, self.signal + self.usage + PackageResources.lib_append_lua + source)
    }

    private static let usage = PackageResources.lib_usage_lua
    private static let release = KeySpace.spelled(PackageResources.lib_release_lua)
    private static let signal = KeySpace.spelled(PackageResources.lib_signal_lua)

    private static func record(_ name: StaticString, _ source: [UInt8]) -> RedisScript {
        self.plain(name, PackageResources.lib_record_lua + source)
    }

    /// Reads headers of subscriptions.
    private static func header(_ name: StaticString, _ source: [UInt8]) -> RedisScript {
        self.plain(name, PackageResources.lib_header_lua + source)
    }

    /// Reads or changes subscriptions.
    private static func subscription(_ name: StaticString, _ source: [UInt8]) -> RedisScript {
        self.header(name, PackageResources.lib_subscription_lua + source)
    }

    private static func delivery(_ name: StaticString, _ source: [UInt8]) -> RedisScript {
        self.record(
            name, PackageResources.lib_header_lua + KeySpace.spelled(PackageResources.lib_delivery_lua) + source)
    }

    /// Starts or ends attempts.
    private static func paced(_ name: StaticString, _ source: [UInt8]) -> RedisScript {
        self.delivery(name, PackageResources.lib_pacing_lua + source)
    }

    /// Leases deliveries that waited.
    private static func leasing(_ name: StaticString, _ source: [UInt8]) -> RedisScript {
        self.paced(name, PackageResources.lib_leasing_lua + source)
    }
}
