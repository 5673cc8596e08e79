/// Every rule of the policy with what it guards: the one list that the API and the command line share.
///
/// The tables of routes and of actions name their rules; a test holds them against this list, both ways.
package enum PolicyCatalog {
    /// In the order of the pages about the API.
    package static let rules: [PolicyRule] =
        [.contextIsAdmin, .adminOrOwner] + Self.service + Self.queues + Self.messages + Self.deadLetters
        + Self.subscriptions + Self.signingKeys + Self.suppressions + Self.topics + Self.administration + Self.surveys
        + Self.limits

    package static func rule(named name: String) -> PolicyRule? { Self.byName[name] }

    private static let byName = Dictionary(uniqueKeysWithValues: Self.rules.map { ($0.name, $0) })

    private static func everyone(_ name: String, _ routes: String..., actions: [String] = []) -> PolicyRule {
        PolicyRule(name: name, text: "", routes: routes, actions: actions)
    }

    private static func administrators(_ name: String, _ routes: String...) -> PolicyRule {
        PolicyRule(name: name, text: "role:admin", routes: routes, actions: [])
    }

    private static let service: [PolicyRule] = [
        Self.everyone("ping:get", "GET /v2/ping", "HEAD /v2/ping"),
        Self.administrators("health:get", "GET /v2/health"),
    ]

    private static let queue = "/v2/queues/{queue}"

    private static let queues: [PolicyRule] = [
        Self.everyone("queues:get_all", "GET /v2/queues", actions: ["queue_list"]),
        Self.everyone("queues:create", "PUT \(Self.queue)", actions: ["queue_create"]),
        Self.everyone("queues:get", "GET \(Self.queue)", actions: ["queue_get"]),
        Self.everyone("queues:update", "PATCH \(Self.queue)"),
        Self.everyone("queues:delete", "DELETE \(Self.queue)", actions: ["queue_delete"]),
        Self.everyone("queues:stats", "GET \(Self.queue)/stats", actions: ["queue_get_stats"]),
        Self.everyone("queues:purge", "POST \(Self.queue)/purge", actions: ["queue_purge"]),
        Self.everyone("queues:share", "POST \(Self.queue)/share"),
    ]

    private static let messages: [PolicyRule] = [
        Self.everyone(
            "messages:get_all", "GET \(Self.queue)/messages", actions: ["message_list", "message_get_many"]),
        Self.everyone("messages:create", "POST \(Self.queue)/messages", actions: ["message_post"]),
        Self.everyone("messages:delete_all", "DELETE \(Self.queue)/messages", actions: ["message_delete_many"]),
        Self.everyone("messages:get", "GET \(Self.queue)/messages/{message}", actions: ["message_get"]),
        Self.everyone("messages:delete", "DELETE \(Self.queue)/messages/{message}", actions: ["message_delete"]),
        Self.everyone("messages:stream", "GET \(Self.queue)/stream"),
        Self.everyone("messages:deliveries", "GET \(Self.queue)/messages/{message}/deliveries"),
        Self.everyone("claims:create", "POST \(Self.queue)/claims", actions: ["claim_create"]),
        Self.everyone("claims:get", "GET \(Self.queue)/claims/{claim}", actions: ["claim_get"]),
        Self.everyone("claims:update", "PATCH \(Self.queue)/claims/{claim}", actions: ["claim_update"]),
        Self.everyone("claims:delete", "DELETE \(Self.queue)/claims/{claim}", actions: ["claim_delete"]),
    ]

    private static let deadLetters: [PolicyRule] = [
        Self.everyone("dead_letters:get_all", "GET \(Self.queue)/dead_letters"),
        Self.everyone("dead_letters:redrive", "POST \(Self.queue)/dead_letters/redrive"),
        Self.everyone("dead_letters:get", "GET \(Self.queue)/dead_letters/{dead_letter}"),
        Self.everyone("dead_letters:delete", "DELETE \(Self.queue)/dead_letters/{dead_letter}"),
    ]

    private static let subscription = "/v2/queues/{queue}/subscriptions/{subscription}"

    private static let subscriptions: [PolicyRule] = [
        Self.everyone("subscription:get_all", "GET \(Self.queue)/subscriptions", actions: ["subscription_list"]),
        Self.everyone(
            "subscription:create", "POST \(Self.queue)/subscriptions",
            actions: ["subscription_create", "notification_ack", "notification_reject"]),
        Self.everyone("subscription:get", "GET \(Self.subscription)", actions: ["subscription_get"]),
        Self.everyone("subscription:update", "PATCH \(Self.subscription)"),
        Self.everyone("subscription:delete", "DELETE \(Self.subscription)", actions: ["subscription_delete"]),
        Self.everyone("subscription:confirm", "PUT \(Self.subscription)/confirm"),
        Self.everyone("subscription:secret", "GET \(Self.subscription)/secret"),
        Self.everyone("subscription:rotate_secret", "POST \(Self.subscription)/secret/rotate"),
        Self.everyone("subscription:schedule", "GET \(Self.subscription)/schedule"),
        Self.everyone("subscription:attempts", "GET \(Self.subscription)/attempts"),
        Self.everyone("subscription:health", "GET \(Self.subscription)/health"),
        Self.everyone("subscription:pause", "POST \(Self.subscription)/pause"),
        Self.everyone("subscription:resume", "POST \(Self.subscription)/resume"),
        Self.everyone("subscription:recover", "POST \(Self.subscription)/recover"),
        Self.everyone("subscription:test", "POST \(Self.subscription)/test"),
        Self.everyone("subscription:test_filter", "POST \(Self.subscription)/filter/test"),
    ]

    private static let signingKeys: [PolicyRule] = [
        Self.everyone("signing_keys:get", "GET /v2/signing_keys"),
        Self.everyone("signing_keys:rotate", "POST /v2/signing_keys/rotate"),
    ]

    private static let suppressions: [PolicyRule] = [
        Self.everyone("suppressions:get_all", "GET /v2/suppressions"),
        Self.everyone("suppressions:get", "GET /v2/suppressions/{address}"),
        Self.everyone("suppressions:create", "PUT /v2/suppressions/{address}"),
        Self.everyone("suppressions:delete", "DELETE /v2/suppressions/{address}"),
    ]

    private static let topics: [PolicyRule] = [
        Self.everyone("topics:get_all", "GET /v2/topics"),
        Self.everyone("topics:create", "PUT /v2/topics/{topic}"),
        Self.everyone("topics:get", "GET /v2/topics/{topic}"),
        Self.everyone("topics:update", "PATCH /v2/topics/{topic}"),
        Self.everyone("topics:delete", "DELETE /v2/topics/{topic}"),
        Self.everyone("topics:stats", "GET /v2/topics/{topic}/stats"),
        Self.everyone("topics:purge", "POST /v2/topics/{topic}/purge"),
    ]

    private static let administration: [PolicyRule] = [
        Self.administrators("pools:get_all", "GET /v2/pools"),
        Self.administrators("pools:get", "GET /v2/pools/{pool}"),
        Self.administrators("pools:create", "PUT /v2/pools/{pool}"),
        Self.administrators("pools:update", "PATCH /v2/pools/{pool}"),
        Self.administrators("pools:delete", "DELETE /v2/pools/{pool}"),
        Self.everyone("flavors:get_all", "GET /v2/flavors"),
        Self.everyone("flavors:get", "GET /v2/flavors/{flavor}"),
        Self.administrators("flavors:create", "PUT /v2/flavors/{flavor}"),
        Self.administrators("flavors:update", "PATCH /v2/flavors/{flavor}"),
        Self.administrators("flavors:delete", "DELETE /v2/flavors/{flavor}"),
    ]

    private static let surveys: [PolicyRule] = [
        Self.administrators("admin:projects", "GET /v2/admin/projects"),
        Self.administrators("admin:queues", "GET /v2/admin/queues"),
        Self.administrators("admin:subscriptions", "GET /v2/admin/subscriptions"),
    ]

    private static let projectLimits = "/v2/projects/{project}/limits"

    private static let limits: [PolicyRule] = [
        Self.everyone("limits:get", "GET /v2/limits"),
        Self.administrators("project_limits:get", "GET \(Self.projectLimits)"),
        Self.administrators("project_limits:update", "PUT \(Self.projectLimits)"),
        Self.administrators("project_limits:delete", "DELETE \(Self.projectLimits)"),
    ]
}
