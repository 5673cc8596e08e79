import Documents
import HTTPServer

/// Every action of the WebSocket API, each written once.
///
/// From it come the checks of requests, the rules of the policy, and what a pre-signed URL lets its holder do; docs/websocket.md and
/// the AsyncAPI document are checked against it by tests.
package enum ActionTable {
    package static let actions: [Action] =
        [.authenticate] + Self.queues + Self.messages + Self.claims + Self.subscriptions

    static func action(named name: String) -> Action? { self.byName[name] }

    private static let byName = Dictionary(uniqueKeysWithValues: actions.map { ($0.name, $0) })

    private static let queue = Action.Member.required("queue_name", .string)
    private static let page: [Action.Member] = [.optional("marker", .string), .optional("limit", .integer)]

    // MARK: - Queues

    private static let queues: [Action] = [
        Action(
            "queue_list", .everyone("queues:get_all"), Self.page + [.optional("detailed", .boolean)],
            failure: "Queues could not be listed."
        ) { try await $0.queues.list($1) },
        Action(
            "queue_create", .everyone("queues:create"), [Self.queue, .optional("metadata", .object)],
            failure: "Queue {} could not be created.", named: .metadata(.queue)
        ) { try await $0.queues.create($1) },
        Action("queue_get", .everyone("queues:get"), [Self.queue], failure: "Queue {} could not be read.") {
            try await $0.queues.show($1)
        },
        Action("queue_get_stats", .everyone("queues:stats"), [Self.queue], failure: "Queue {} could not be counted.") {
            try await $0.queues.stats($1)
        },
        Action("queue_delete", .everyone("queues:delete"), [Self.queue], failure: "Queue {} could not be removed.") {
            try await $0.queues.delete($1)
        },
        Action(
            "queue_purge", .everyone("queues:purge"), [Self.queue, .optional("resource_types", .array)],
            failure: "Queue {} could not be purged."
        ) { try await $0.queues.purge($1) },
    ]

    // MARK: - Messages

    private static let messages: [Action] = [
        Action(
            "message_list", .everyone("messages:get_all"),
            [Self.queue] + Self.page + [
                .optional("echo", .boolean), .optional("include_claimed", .boolean),
                .optional("include_delayed", .boolean),
            ], signed: .get, failure: "Messages could not be listed."
        ) { try await $0.messages.list($1) },
        Action(
            "message_get", .everyone("messages:get"), [Self.queue, .required("message_id", .string)], signed: .get,
            failure: "The message could not be read."
        ) { try await $0.messages.show($1) },
        Action(
            "message_get_many", .everyone("messages:get_all"), [Self.queue, .required("message_ids", .array)],
            signed: .get,
            failure: "Messages could not be read."
        ) { try await $0.messages.showMany($1) },
        Action(
            "message_post", .everyone("messages:create"), [Self.queue, .required("messages", .array)], signed: .post,
            failure: "No messages could be enqueued.", isRepeatable: false
        ) { try await $0.messages.post($1) },
        Action(
            "message_delete", .everyone("messages:delete"),
            [Self.queue, .required("message_id", .string), .optional("claim_id", .string)], signed: .delete,
            failure: "The message could not be deleted."
        ) { try await $0.messages.delete($1) },
        Action(
            "message_delete_many", .everyone("messages:delete_all"),
            [
                Self.queue, .optional("message_ids", .array), .optional("claim_ids", .array),
                .optional("pop", .integer),
            ], signed: .delete, failure: "Messages could not be deleted."
        ) { try await $0.messages.deleteOrPop($1) },
    ]

    // MARK: - Claims

    private static let claims: [Action] = [
        Action(
            "claim_create", .everyone("claims:create"),
            [Self.queue, .optional("limit", .integer), .optional("ttl", .integer), .optional("grace", .integer)],
            failure: "Claim could not be created."
        ) { try await $0.claims.create($1) },
        Action(
            "claim_get", .everyone("claims:get"), [Self.queue, .required("claim_id", .string)],
            failure: "The claim could not be read."
        ) { try await $0.claims.show($1) },
        Action(
            "claim_update", .everyone("claims:update"),
            [
                Self.queue, .required("claim_id", .string), .optional("ttl", .integer), .optional("grace", .integer),
            ], failure: "The claim could not be updated."
        ) { try await $0.claims.update($1) },
        Action(
            "claim_delete", .everyone("claims:delete"), [Self.queue, .required("claim_id", .string)],
            failure: "The claim could not be deleted."
        ) { try await $0.claims.release($1) },
    ]

    // MARK: - Subscriptions

    private static let subscriptions: [Action] = [
        Action(
            "subscription_create", .everyone("subscription:create"),
            [
                Self.queue, .optional("subscriber", .string), .optional("ttl", .integer), .optional("options", .object),
            ], failure: "Subscription {} could not be created.", named: .subscription
        ) { try await $0.subscriptions.create($1) },
        Action(
            "subscription_list", .everyone("subscription:get_all"), [Self.queue] + Self.page,
            failure: "Subscriptions could not be listed."
        ) { try await $0.subscriptions.list($1) },
        Action(
            "subscription_get", .everyone("subscription:get"), [Self.queue, .required("subscription_id", .string)],
            failure: "The subscription could not be read."
        ) { try await $0.subscriptions.show($1) },
        Action(
            "subscription_delete", .everyone("subscription:delete"),
            [Self.queue, .required("subscription_id", .string)],
            failure: "The subscription could not be removed."
        ) { try await $0.subscriptions.delete($1) },
        // A caller that may subscribe may say what became of the messages.
        Action(
            "notification_ack", .everyone("subscription:create"),
            [Self.queue, .required("delivery_ids", .array)], failure: "Notifications could not be acknowledged."
        ) { try await $0.subscriptions.acknowledge($1) },
        Action(
            "notification_reject", .everyone("subscription:create"),
            [Self.queue, .required("delivery_ids", .array), .optional("delay", .integer)],
            failure: "Notifications could not be rejected."
        ) { try await $0.subscriptions.reject($1) },
    ]
}
