import HTTPTypes
import NIOCore
import Wire

/// The two documents that tell what is served.
enum Documents {
    /// `GET /`. Clients compare it field for field, the single-digit month included.
    static let versions = Reply.json(.multipleChoices) { body in
        body.writeStaticString(
            #"{"versions":[{"id":"2","status":"CURRENT","updated":"2014-9-24T04:06:47Z","#)
        body.writeStaticString(
            #""media-types":[{"base":"application/json","type":"application/vnd.openstack.messaging-v2+json"}],"#)
        body.writeStaticString(#""links":[{"href":"/v2/","rel":"self"}]}]}"#)
    }

    /// `GET /v2/`, in the form of draft-nottingham-json-home-03: what is routed, and nothing else.
    static let home: Reply = {
        var reply = Reply.json(.ok, capacity: 4096) { body in
            body.writeStaticString(#"{"resources":{"#)
            for (index, resource) in Self.resources.enumerated() {
                if index > 0 { body.writeStaticString(",") }
                resource.write(to: &body)
            }
            body.writeStaticString("}}")
        }
        reply.headers[.contentType] = "application/json-home"
        reply.headers[.cacheControl] = "max-age=86400"
        return reply
    }()

    private static let queue = ("queue_name", "queue_name")
    private static let subscriptionID = ("subscriptions_id", "subscriptions_id")

    private static let resources = [
        Resource(
            "queues", "/v2/queues{?marker,limit,detailed}",
            [("marker", "marker"), ("limit", "queue_limit"), ("detailed", "detailed")], ["GET"]),
        Resource("queue", "/v2/queues/{queue_name}", [Self.queue], ["GET", "PUT", "DELETE"]),
        Resource(
            "messages", "/v2/queues/{queue_name}/messages{?marker,limit,echo,include_claimed}",
            [
                Self.queue, ("marker", "marker"), ("limit", "messages_limit"), ("echo", "echo"),
                ("include_claimed", "include_claimed"),
            ], ["GET"]),
        Resource("post_messages", "/v2/queues/{queue_name}/messages", [Self.queue], ["POST"]),
        Resource(
            "message_get", "/v2/queues/{queue_name}/messages/{message_id}",
            [Self.queue, ("message_id", "message_id")], ["GET"]),
        Resource(
            "subscriptions_get", "/v2/queues/{queue_name}/subscriptions{?marker,limit}",
            [Self.queue, ("marker", "marker"), ("limit", "subscription_limit")], ["GET"]),
        Resource(
            "subscriptions_post", "/v2/queues/{queue_name}/subscriptions",
            [Self.queue, ("limit", "subscription_limit")], ["POST"]),
        Resource(
            "subscription", "/v2/queues/{queue_name}/subscriptions/{subscriptions_id}",
            [Self.queue, Self.subscriptionID], ["GET", "DELETE"]),
        Resource(
            "subscription_secret", "/v2/queues/{queue_name}/subscriptions/{subscriptions_id}/secret",
            [Self.queue, Self.subscriptionID], ["GET"]),
        Resource("ping", "/v2/ping", [], ["GET"]),
    ]

    private struct Resource: Sendable {
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
            body.writeStaticString(#":{"href-template":"#)
            body.writeJSON(self.template)
            if !self.variables.isEmpty {
                let pairs = self.variables.map { "\"\($0.name)\":\"param/\($0.parameter)\"" }
                body.writeString(",\"href-vars\":{\(pairs.joined(separator: ","))}")
            }
            let methods = self.methods.map { "\"\($0)\"" }.joined(separator: ",")
            body.writeString(",\"hints\":{\"allow\":[\(methods)],\"formats\":{\"application/json\":{}}")
            if self.methods == ["POST"] { body.writeStaticString(#","accept-post":["application/json"]"#) }
            body.writeStaticString("}}")
        }
    }
}
