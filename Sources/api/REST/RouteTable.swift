import Documents
package import HTTPServer
package import Policy

/// Every route of the REST API, each written once.
///
/// From it come the matching of paths, `Allow`, the home document, the labels of metrics, and the rules of the policy; the
/// OpenAPI document and the page about the API are checked against it by tests.
package enum RouteTable {
    /// All rows; those of one path stand together, in the order of `Allow`.
    package static let routes: [Route] =
        Self.service + Self.pages + Self.administration + Self.surveys + Self.limits + Self.topics + Self.queues
        + Self.messages
        + Self.deadLetters
        + Self.subscriptions + Self.signingKeys + Self.suppressions

    /// The same by paths, in the order of the rows.
    package static let paths: [RoutePath] = {
        var paths: [RoutePath] = []
        for route in Self.routes where paths.last?.template != route.template {
            precondition(!paths.contains { $0.template == route.template }, "\(route.template) stands in two places")
            paths.append(
                RoutePath(index: paths.count, Self.routes.filter { $0.template == route.template }))
        }
        return paths
    }()

    static let tree = PathTree(Self.paths)

    /// The rules of the policy, each once, in the order of the routes.
    package static let policyRules: [PolicyRule] = {
        var rules: [PolicyRule] = []
        for case let rule? in Self.routes.map(\.rule) where !rules.contains(rule) { rules.append(rule) }
        return rules
    }()

    // MARK: - The service

    private static let service: [Route] = [
        Route(.get, "/", nil, needsCaller: false, isOpen: true) { handlers, _ in handlers.service.versions() },
        Route(.get, "/v2/", nil, types: ["application/json", "application/json-home"]) { handlers, _ in
            handlers.service.homeDocument
        },
        Route(.get, "/v2/openapi.json", nil, "openapi", needsCaller: false) { handlers, _ in
            handlers.service.openAPI()
        },
        Route(.get, "/v2/asyncapi.json", nil, "asyncapi", needsCaller: false) { handlers, _ in
            handlers.service.asyncAPI()
        },
        Route(.get, "/v2/ping", .everyone("ping:get"), "ping", failsWithoutBody: true) { handlers, _ in
            try await handlers.service.ping()
        },
        // Says only that this process answers.
        Route(.head, "/v2/ping", .everyone("ping:get")) { _, _ in .empty(.noContent) },
        Route(.get, "/v2/health", .administrators("health:get"), "health", in: .administration) {
            try await $0.service.health($1)
        },
    ]

    // MARK: - Pages for subscribers

    /// Open to every holder of a link; the link says what it permits.
    ///
    /// Any parameter is taken: gateways of mail add some to links.
    private static let pages: [Route] =
        Self.page("/confirm", .confirm) + Self.page("/unsubscribe", .unsubscribe)

    private static func page(_ path: String, _ answer: PageAnswer) -> [Route] {
        [
            Route(.get, path, nil, takesAnyQuery: true, needsCaller: false, isOpen: true, types: []) {
                try await $0.pages.show(answer, $1)
            },
            Route(.head, path, nil, takesAnyQuery: true, needsCaller: false, isOpen: true, types: []) {
                try await $0.pages.show(answer, $1)
            },
            Route(.post, path, nil, takesAnyQuery: true, needsCaller: false, isOpen: true, body: .form, types: []) {
                try await $0.pages.act(answer, $1)
            },
        ]
    }

    // MARK: - Pools and flavors

    private static let administration: [Route] = [
        Route(
            .get, "/v2/pools", .administrators("pools:get_all"), "pools",
            query: [("detailed", "detailed"), ("limit", "pool_limit"), ("marker", "marker")], in: .pools
        ) { try await $0.pools.list($1) },
        Route(.get, "/v2/pools/{pool}", .administrators("pools:get"), "pool", beside: ["detailed"], in: .pools) {
            try await $0.pools.show($1)
        },
        Route(.put, "/v2/pools/{pool}", .administrators("pools:create"), "pool", in: .pools, body: .document) {
            try await $0.pools.put($1)
        },
        Route(.patch, "/v2/pools/{pool}", .administrators("pools:update"), "pool", in: .pools, body: .document) {
            try await $0.pools.update($1)
        },
        Route(.delete, "/v2/pools/{pool}", .administrators("pools:delete"), "pool", beside: ["force"], in: .pools) {
            try await $0.pools.delete($1)
        },
        Route(
            .get, "/v2/flavors", .everyone("flavors:get_all"), "flavors",
            query: [("detailed", "detailed"), ("limit", "flavor_limit"), ("marker", "marker")], in: .pools
        ) { try await $0.flavors.list($1) },
        Route(.get, "/v2/flavors/{flavor}", .everyone("flavors:get"), "flavor", in: .pools) {
            try await $0.flavors.show($1)
        },
        Route(.put, "/v2/flavors/{flavor}", .administrators("flavors:create"), "flavor", in: .pools, body: .document) {
            try await $0.flavors.put($1)
        },
        Route(
            .patch, "/v2/flavors/{flavor}", .administrators("flavors:update"), "flavor", in: .pools, body: .document
        ) { try await $0.flavors.update($1) },
        Route(.delete, "/v2/flavors/{flavor}", .administrators("flavors:delete"), "flavor", in: .pools) {
            try await $0.flavors.delete($1)
        },
    ]

    // MARK: - Projects, queues and subscriptions of a deployment

    private static let surveys: [Route] = [
        Route(
            .get, "/v2/admin/projects", .administrators("admin:projects"), "admin_projects",
            query: [("marker", "marker"), ("limit", "project_limit")], in: .administration
        ) { try await $0.surveys.projects($1) },
        Route(
            .get, "/v2/admin/queues", .administrators("admin:queues"), "admin_queues",
            query: [("state", "state"), ("project", "project"), ("marker", "marker"), ("limit", "queue_limit")],
            in: .administration
        ) { try await $0.surveys.queues($1) },
        Route(
            .get, "/v2/admin/subscriptions", .administrators("admin:subscriptions"), "admin_subscriptions",
            query: [
                ("state", "state"), ("project", "project"), ("queue", "queue_name"), ("marker", "marker"),
                ("limit", "subscription_limit"),
            ], in: .administration
        ) { try await $0.surveys.subscriptions($1) },
    ]

    // MARK: - Limits of projects

    private static let limits: [Route] = [
        Route(.get, "/v2/limits", .everyone("limits:get"), "limits") { try await $0.limits.showOwn($1) },
        Route(
            .get, "/v2/projects/{project}/limits", .administrators("project_limits:get"), "project_limits",
            in: .administration
        ) { try await $0.limits.show($1) },
        Route(
            .put, "/v2/projects/{project}/limits", .administrators("project_limits:update"), "project_limits",
            in: .administration, body: .document
        ) { try await $0.limits.put($1) },
        Route(
            .delete, "/v2/projects/{project}/limits", .administrators("project_limits:delete"), "project_limits",
            in: .administration
        ) { try await $0.limits.delete($1) },
    ]

    // MARK: - Topics

    private static let topics: [Route] = [
        Route(
            .get, "/v2/topics", .everyone("topics:get_all"), "topics",
            query: [("marker", "marker"), ("limit", "topic_limit"), ("detailed", "detailed")], takesAnyQuery: true
        ) { try await $0.topics.list($1) },
        Route(.get, "/v2/topics/{topic}", .everyone("topics:get"), "topic") { try await $0.topics.show($1) },
        Route(
            .put, "/v2/topics/{topic}", .everyone("topics:create"), "topic", named: .metadata(.topic), body: .metadata
        ) {
            try await $0.topics.create($1)
        },
        Route(
            .patch, "/v2/topics/{topic}", .everyone("topics:update"), "topic", named: .metadataPatch(.topic),
            body: .metadataPatch
        ) {
            try await $0.topics.update($1)
        },
        Route(.delete, "/v2/topics/{topic}", .everyone("topics:delete"), "topic") { try await $0.topics.delete($1) },
        Route(.get, "/v2/topics/{topic}/stats", .everyone("topics:stats"), "topic_stats") { handlers, _ in
            try await handlers.topics.stats()
        },
        Route(.post, "/v2/topics/{topic}/purge", .everyone("topics:purge"), "topic_purge", body: .document) {
            try await $0.topics.purge($1)
        },
    ]

    // MARK: - Queues

    private static let queues: [Route] = [
        Route(
            .get, "/v2/queues", .everyone("queues:get_all"), "queues",
            query: [("marker", "marker"), ("limit", "queue_limit"), ("detailed", "detailed")], takesAnyQuery: true
        ) { try await $0.queues.list($1) },
        Route(.get, "/v2/queues/{queue}", .everyone("queues:get"), "queue") { try await $0.queues.show($1) },
        Route(
            .put, "/v2/queues/{queue}", .everyone("queues:create"), "queue", named: .metadata(.queue), body: .metadata
        ) {
            try await $0.queues.create($1)
        },
        Route(
            .patch, "/v2/queues/{queue}", .everyone("queues:update"), "queue", named: .metadataPatch(.queue),
            body: .metadataPatch
        ) {
            try await $0.queues.update($1)
        },
        Route(.delete, "/v2/queues/{queue}", .everyone("queues:delete"), "queue") { try await $0.queues.delete($1) },
        Route(.get, "/v2/queues/{queue}/stats", .everyone("queues:stats"), "queue_stats", needsClient: false) {
            try await $0.queues.stats($1)
        },
        Route(.post, "/v2/queues/{queue}/purge", .everyone("queues:purge"), "queue_purge", body: .document) {
            try await $0.queues.purge($1)
        },
        Route(.post, "/v2/queues/{queue}/share", .everyone("queues:share"), "queue_share", body: .document) {
            try $0.queues.share($1)
        },
    ]

    // MARK: - Messages and claims

    private static let messages: [Route] = [
        Route(
            .get, "/v2/queues/{queue}/messages", .everyone("messages:get_all"), "messages",
            query: [
                ("marker", "marker"), ("limit", "messages_limit"), ("echo", "echo"),
                ("include_claimed", "include_claimed"), ("wait", "wait"),
            ], beside: ["include_delayed", "ids"]
        ) { try await $0.messages.list($1) },
        Route(
            .post, "/v2/queues/{queue}/messages", .everyone("messages:create"), "post_messages", body: .messages,
            isRepeatable: false
        ) { try await $0.messages.post($1) },
        Route(
            .delete, "/v2/queues/{queue}/messages", .everyone("messages:delete_all"), "messages_delete",
            query: [("ids", "ids"), ("pop", "pop")], beside: ["claim_ids"]
        ) { try await $0.messages.deleteOrPop($1) },
        Route(
            .get, "/v2/queues/{queue}/stream", .everyone("messages:stream"), "messages_stream",
            query: [("from", "from")],
            types: [EventStream.type]
        ) { try await $0.streams.open($1) },
        Route(.get, "/v2/queues/{queue}/messages/{message}", .everyone("messages:get"), "message_get") {
            try await $0.messages.show($1)
        },
        Route(
            .delete, "/v2/queues/{queue}/messages/{message}", .everyone("messages:delete"), "message_delete",
            query: [("claim_id", "claim_id")]
        ) { try await $0.messages.delete($1) },
        Route(
            .get, "/v2/queues/{queue}/messages/{message}/deliveries", .everyone("messages:deliveries"),
            "message_deliveries", query: [("marker", "marker"), ("limit", "subscription_limit")]
        ) { try await $0.deliveries.statuses($1) },
        Route(
            .post, "/v2/queues/{queue}/claims", .everyone("claims:create"), "post_claim",
            query: [("limit", "claim_limit"), ("wait", "wait")], body: .document
        ) { try await $0.claims.create($1) },
        Route(.get, "/v2/queues/{queue}/claims/{claim}", .everyone("claims:get"), "claim") {
            try await $0.claims.show($1)
        },
        Route(
            .patch, "/v2/queues/{queue}/claims/{claim}", .everyone("claims:update"), "patch_claim", body: .document
        ) { try await $0.claims.update($1) },
        Route(.delete, "/v2/queues/{queue}/claims/{claim}", .everyone("claims:delete"), "delete_claim") {
            try await $0.claims.release($1)
        },
    ]

    // MARK: - Dead letters

    private static let deadLetters: [Route] = [
        Route(
            .get, "/v2/queues/{queue}/dead_letters", .everyone("dead_letters:get_all"), "dead_letters",
            query: [
                ("subscription", "subscriptions_id"), ("reason", "reason"), ("since", "since"), ("until", "until"),
                ("marker", "marker"), ("limit", "messages_limit"),
            ]
        ) { try await $0.deadLetters.list($1) },
        Route(
            .post, "/v2/queues/{queue}/dead_letters/redrive", .everyone("dead_letters:redrive"),
            "dead_letters_redrive", body: .document
        ) { try await $0.deadLetters.redrive($1) },
        Route(
            .get, "/v2/queues/{queue}/dead_letters/{dead_letter}", .everyone("dead_letters:get"), "dead_letter"
        ) { try await $0.deadLetters.show($1) },
        Route(
            .delete, "/v2/queues/{queue}/dead_letters/{dead_letter}", .everyone("dead_letters:delete"), "dead_letter"
        ) { try await $0.deadLetters.delete($1) },
    ]

    // MARK: - Suppressed addresses

    private static let suppressions: [Route] = [
        Route(
            .get, "/v2/suppressions", .everyone("suppressions:get_all"), "suppressions",
            query: [("marker", "marker"), ("limit", "subscription_limit")]
        ) { try await $0.suppressions.list($1) },
        Route(.get, "/v2/suppressions/{address}", .everyone("suppressions:get"), "suppression") {
            try await $0.suppressions.show($1)
        },
        Route(.put, "/v2/suppressions/{address}", .everyone("suppressions:create"), "suppression") {
            try await $0.suppressions.put($1)
        },
        Route(.delete, "/v2/suppressions/{address}", .everyone("suppressions:delete"), "suppression") {
            try await $0.suppressions.delete($1)
        },
    ]

    // MARK: - Signing keys

    private static let signingKeys: [Route] = [
        Route(.get, "/v2/signing_keys", .everyone("signing_keys:get"), "signing_keys") {
            try await $0.signingKeys.list($1)
        },
        // Twice, it would end the key that the first one left for a while.
        Route(
            .post, "/v2/signing_keys/rotate", .everyone("signing_keys:rotate"), "signing_keys_rotate",
            body: .document, isRepeatable: false
        ) { try await $0.signingKeys.rotate($1) },
    ]

    // MARK: - Subscriptions

    private static let subscriptions: [Route] = [
        Route(
            .get, "/v2/queues/{queue}/subscriptions", .everyone("subscription:get_all"), "subscriptions_get",
            query: [("marker", "marker"), ("limit", "subscription_limit")]
        ) { try await $0.subscriptions.list($1) },
        Route(
            .post, "/v2/queues/{queue}/subscriptions", .everyone("subscription:create"), "subscriptions_post",
            named: .subscription, body: .document
        ) { try await $0.subscriptions.create($1) },
        Route(
            .get, "/v2/queues/{queue}/subscriptions/{subscription}", .everyone("subscription:get"), "subscription"
        ) { try await $0.subscriptions.show($1) },
        Route(
            .patch, "/v2/queues/{queue}/subscriptions/{subscription}", .everyone("subscription:update"),
            "subscription_patch", named: .subscription, body: .document
        ) { try await $0.subscriptions.update($1) },
        Route(
            .delete, "/v2/queues/{queue}/subscriptions/{subscription}", .everyone("subscription:delete"),
            "subscription"
        ) { try await $0.subscriptions.delete($1) },
        Route(
            .put, "/v2/queues/{queue}/subscriptions/{subscription}/confirm", .everyone("subscription:confirm"),
            "subscription_confirm", body: .document
        ) { try await $0.subscriptions.confirm($1) },
        Route(
            .get, "/v2/queues/{queue}/subscriptions/{subscription}/secret", .everyone("subscription:secret"),
            "subscription_secret"
        ) { try await $0.subscriptions.showSecrets($1) },
        Route(
            .post, "/v2/queues/{queue}/subscriptions/{subscription}/secret/rotate",
            .everyone("subscription:rotate_secret"), "subscription_secret_rotate", body: .document
        ) { try await $0.subscriptions.rotateSecret($1) },
        Route(
            .post, "/v2/queues/{queue}/subscriptions/{subscription}/filter/test", .everyone("subscription:test_filter"),
            "subscription_filter_test", body: .document
        ) { try await $0.deliveries.testFilter($1) },
        Route(
            .get, "/v2/queues/{queue}/subscriptions/{subscription}/schedule", .everyone("subscription:schedule"),
            "subscription_schedule", query: [("ttl", "ttl"), ("policy", "policy")]
        ) { try await $0.deliveries.schedule($1) },
        Route(
            .get, "/v2/queues/{queue}/subscriptions/{subscription}/attempts", .everyone("subscription:attempts"),
            "subscription_attempts", query: [("marker", "marker"), ("limit", "attempts_limit")]
        ) { try await $0.deliveries.attempts($1) },
        Route(
            .get, "/v2/queues/{queue}/subscriptions/{subscription}/health", .everyone("subscription:health"),
            "subscription_health"
        ) { try await $0.deliveries.health($1) },
        Route(
            .post, "/v2/queues/{queue}/subscriptions/{subscription}/pause", .everyone("subscription:pause"),
            "subscription_pause"
        ) { try await $0.deliveries.pause($1) },
        Route(
            .post, "/v2/queues/{queue}/subscriptions/{subscription}/resume", .everyone("subscription:resume"),
            "subscription_resume"
        ) { try await $0.deliveries.resume($1) },
        Route(
            .post, "/v2/queues/{queue}/subscriptions/{subscription}/recover", .everyone("subscription:recover"),
            "subscription_recover",
            query: [("since", "since"), ("max_per_second", "max_per_second"), ("marker", "marker")]
        ) { try await $0.deadLetters.recover($1) },
        Route(
            .post, "/v2/queues/{queue}/subscriptions/{subscription}/test", .everyone("subscription:test"),
            "subscription_test", body: .document
        ) { try await $0.deliveries.test($1) },
    ]
}

/// All routes of one path.
///
/// A class, so that handing it on copies one reference.
package final class RoutePath: Sendable {
    /// Whose name stands in the path first; it is checked before the method is.
    enum Owner: String, Sendable {
        case queue, topic, pool, flavor, address, project
    }

    /// Its place in ``RouteTable/paths``.
    let index: Int
    package let routes: [Route]
    /// The names of its variable parts.
    let variables: [String]
    /// nil for a path without variable parts.
    let owner: Owner?
    /// The value of `Allow`, `OPTIONS` aside.
    let allow: String
    /// What its routes answer with.
    let types: [String]

    init(index: Int, _ routes: [Route]) {
        guard let first = routes.first else { preconditionFailure("a path without routes") }
        // Checked before the method is known, so the routes of a path have to agree.
        precondition(
            routes.allSatisfy {
                $0.availability == first.availability && $0.needsCaller == first.needsCaller
                    && $0.needsClient == first.needsClient && $0.isOpen == first.isOpen && $0.isPage == first.isPage
            }, "the routes of \(first.template) differ in what they need")
        precondition(!first.isOpen || !first.needsCaller, "\(first.template) is open and asks for a caller")
        precondition(
            first.needsCaller || routes.allSatisfy { $0.rule == nil },
            "\(first.template) has a rule of the policy, and no caller to hold against it")
        self.index = index
        self.routes = routes
        self.variables = PathTree.variables(of: first.template)
        self.owner = self.variables.first.map { name in
            guard let owner = Owner(rawValue: name) else { preconditionFailure("nothing is named \(name)") }
            return owner
        }
        self.allow = routes.map(\.method.rawValue).joined(separator: ", ")
        self.types = routes.reduce(into: []) { all, route in all += route.types.filter { !all.contains($0) } }
    }

    /// The path with names for its variable parts: also the label of metrics, which never has an id.
    package var template: String { self.routes[0].template }
    package var methods: [HTTPMethod] { self.routes.map(\.method) }
    var availability: Route.Availability { self.routes[0].availability }
    var needsCaller: Bool { self.routes[0].needsCaller }
    var needsClient: Bool { self.routes[0].needsClient }
    /// Whether it is answered without authentication.
    package var isOpen: Bool { self.routes[0].isOpen }
    /// Whether a person reads its answers.
    package var isPage: Bool { self.routes[0].isPage }

    /// nil when the path does not have the method.
    func route(for method: HTTPMethod) -> Route? {
        self.routes.first { $0.method == method }
    }
}
