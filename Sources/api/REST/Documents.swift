import HTTPTypes
import JSON
import NIOCore

/// The documents that tell what is served.
enum Documents {
    /// `GET /`.
    ///
    /// Clients compare it field for field, the single-digit month included.
    static let versions = Reply.json(.multipleChoices) { body in
        body.writeStaticString(
            #"{"versions":[{"id":"2","status":"CURRENT","updated":"2014-9-24T04:06:47Z","#)
        body.writeStaticString(
            #""media-types":[{"base":"application/json","type":"application/vnd.openstack.messaging-v2+json"}],"#)
        body.writeStaticString(#""links":[{"href":"/v2/","rel":"self"}]}]}"#)
    }

    /// `GET /v2/`, in the form of draft-nottingham-json-home-03: what is routed, and nothing else.
    static func home(_ rules: AccessRules) -> Reply {
        guard rules.hasAdministration else { return Self.home }
        return rules.hasPools ? Self.homeWithPools : Self.homeOfAdministrators
    }

    private static let home = Self.home(of: Self.entries)
    private static let homeOfAdministrators = Self.home(of: Self.entries + [Self.health])
    private static let homeWithPools = Self.home(of: Self.entries + [Self.health] + Self.poolEntries)

    /// `GET /v2/openapi.json`.
    static let openAPI = Reply.json(.ok, capacity: PackageResources.openapi_json.count) { body in
        body.writeBytes(PackageResources.openapi_json)
    }

    private static func home(of entries: [Entry]) -> Reply {
        var reply = Reply.json(.ok, capacity: 8192) { body in
            body.writeStaticString(#"{"resources":{"#)
            for (index, entry) in entries.enumerated() {
                if index > 0 { body.writeStaticString(",") }
                entry.write(to: &body)
            }
            body.writeStaticString("}}")
        }
        reply.headers[.contentType] = "application/json-home"
        reply.headers[.cacheControl] = "max-age=86400"
        return reply
    }

    private static let queue = ("queue_name", "queue_name")
    private static let message = ("message_id", "message_id")
    private static let claim = ("claim_id", "claim_id")
    private static let subscription = ("subscriptions_id", "subscriptions_id")

    private static let health = Entry("health", "/v2/health", [], ["GET"])

    private static let poolEntries = [("pool", "pools"), ("flavor", "flavors")].flatMap { one, many in
        [
            Entry(
                many, "/v2/\(many){?detailed,limit,marker}",
                [("detailed", "detailed"), ("limit", "\(one)_limit"), ("marker", "marker")], ["GET"]),
            Entry(
                one, "/v2/\(many)/{\(one)_name}", [("\(one)_name", "\(one)_name")],
                ["GET", "PUT", "PATCH", "DELETE"]),
        ]
    }

    private static let entries = [
        Entry(
            "queues", "/v2/queues{?marker,limit,detailed}",
            [("marker", "marker"), ("limit", "queue_limit"), ("detailed", "detailed")], ["GET"]),
        Entry("queue", "/v2/queues/{queue_name}", [Self.queue], ["GET", "PUT", "DELETE", "PATCH"]),
        Entry("queue_stats", "/v2/queues/{queue_name}/stats", [Self.queue], ["GET"]),
        Entry("queue_share", "/v2/queues/{queue_name}/share", [Self.queue], ["POST"]),
        Entry("queue_purge", "/v2/queues/{queue_name}/purge", [Self.queue], ["POST"]),
        Entry(
            "messages", "/v2/queues/{queue_name}/messages{?marker,limit,echo,include_claimed}",
            [
                Self.queue, ("marker", "marker"), ("limit", "messages_limit"), ("echo", "echo"),
                ("include_claimed", "include_claimed"),
            ], ["GET"]),
        Entry("post_messages", "/v2/queues/{queue_name}/messages", [Self.queue], ["POST"]),
        Entry(
            "messages_delete", "/v2/queues/{queue_name}/messages{?ids,pop}",
            [Self.queue, ("ids", "ids"), ("pop", "pop")], ["DELETE"]),
        Entry(
            "message_delete", "/v2/queues/{queue_name}/messages/{message_id}{?claim_id}",
            [Self.queue, Self.message, Self.claim], ["DELETE"]),
        Entry("message_get", "/v2/queues/{queue_name}/messages/{message_id}", [Self.queue, Self.message], ["GET"]),
        Entry("claim", "/v2/queues/{queue_name}/claims/{claim_id}", [Self.queue, Self.claim], ["GET"]),
        Entry(
            "post_claim", "/v2/queues/{queue_name}/claims{?limit}", [Self.queue, ("limit", "claim_limit")], ["POST"]),
        Entry("patch_claim", "/v2/queues/{queue_name}/claims/{claim_id}", [Self.queue, Self.claim], ["PATCH"]),
        Entry("delete_claim", "/v2/queues/{queue_name}/claims/{claim_id}", [Self.queue, Self.claim], ["DELETE"]),
        Entry(
            "subscriptions_get", "/v2/queues/{queue_name}/subscriptions{?marker,limit}",
            [Self.queue, ("marker", "marker"), ("limit", "subscription_limit")], ["GET"]),
        Entry(
            "subscriptions_post", "/v2/queues/{queue_name}/subscriptions",
            [Self.queue, ("limit", "subscription_limit")], ["POST"]),
        Entry(
            "subscription", "/v2/queues/{queue_name}/subscriptions/{subscriptions_id}",
            [Self.queue, Self.subscription], ["GET", "DELETE"]),
        Entry(
            "subscription_patch", "/v2/queues/{queue_name}/subscriptions/{subscriptions_id}",
            [Self.queue, Self.subscription], ["PATCH"]),
        Entry(
            "subscription_secret", "/v2/queues/{queue_name}/subscriptions/{subscriptions_id}/secret",
            [Self.queue, Self.subscription], ["GET"]),
        Entry(
            "subscription_attempts",
            "/v2/queues/{queue_name}/subscriptions/{subscriptions_id}/attempts{?marker,limit}",
            [Self.queue, Self.subscription, ("marker", "marker"), ("limit", "attempts_limit")], ["GET"]),
        Entry(
            "subscription_health", "/v2/queues/{queue_name}/subscriptions/{subscriptions_id}/health",
            [Self.queue, Self.subscription], ["GET"]),
        Entry(
            "subscription_pause", "/v2/queues/{queue_name}/subscriptions/{subscriptions_id}/pause",
            [Self.queue, Self.subscription], ["POST"]),
        Entry(
            "subscription_resume", "/v2/queues/{queue_name}/subscriptions/{subscriptions_id}/resume",
            [Self.queue, Self.subscription], ["POST"]),
        Entry("ping", "/v2/ping", [], ["GET"]),
    ]

    private struct Entry: Sendable {
        let relation: String
        let template: String
        /// Names in the template, and the parameters they stand for.
        let variables: [(name: String, parameter: String)]
        let methods: [String]

        init(_ relation: String, _ template: String, _ variables: [(String, String)], _ methods: [String]) {
            self.relation = relation
            self.template = template
            self.variables = variables
            self.methods = methods
        }

        func write(to body: inout ByteBuffer) {
            body.writeJSON("rel/\(self.relation)")
            // Health is known by a plain reference, all else by templates, with variables or without.
            body.writeString(self.relation == "health" ? #":{"href":"# : #":{"href-template":"#)
            body.writeJSON(self.template)
            if !self.variables.isEmpty {
                let pairs = self.variables.map { "\"\($0.name)\":\"param/\($0.parameter)\"" }
                body.writeString(",\"href-vars\":{\(pairs.joined(separator: ","))}")
            }
            let methods = self.methods.map { "\"\($0)\"" }.joined(separator: ",")
            body.writeString(",\"hints\":{\"allow\":[\(methods)],\"formats\":{\"application/json\":{}}")
            if self.methods == ["POST"] || self.methods == ["PATCH"] {
                body.writeStaticString(#","accept-post":["application/json"]"#)
            }
            body.writeStaticString("}}")
        }
    }
}
