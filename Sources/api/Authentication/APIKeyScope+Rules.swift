package import Domain

extension APIKeyVerb {
    /// The rules of the policy that a verb opens: names, or what names begin with and `*`.
    var rules: [String] {
        switch self {
        case .post: ["messages:create"]
        case .list: ["messages:get_all", "messages:stream"]
        case .get: ["messages:get", "messages:deliveries"]
        case .delete: ["messages:delete", "messages:delete_all"]
        // A client that claims messages deletes them with their claim.
        case .claim: ["claims:*", "messages:delete"]
        case .subscribe: ["subscription:*", "dead_letters:*", "signing_keys:get"]
        case .inspect:
            [
                "queues:get", "queues:get_all", "queues:stats", "topics:get", "topics:get_all", "topics:stats",
                "limits:get", "signing_keys:get",
            ]
        case .manage:
            [
                "queues:create", "queues:update", "queues:delete", "queues:purge", "queues:share", "topics:create",
                "topics:update", "topics:delete", "topics:purge", "suppressions:*",
                // All subscriptions of the project take part in it.
                "signing_keys:rotate",
            ]
        case .administer: ["pools:*", "flavors:*", "health:get", "project_limits:*", "admin:*"]
        }
    }

    /// What every key may ask for: whether the service is there.
    static let open = "ping:get"
}

extension APIKeyScope {
    /// Whether a key may do what a rule stands for.
    ///
    /// - Parameter queue: What it is done with; nil: no queue. A key for some queues does nothing that is about none, or all.
    package func admits(_ rule: String, on queue: QueueName?) -> Bool {
        if rule == APIKeyVerb.open { return true }
        if !self.queues.isEmpty {
            guard let queue, self.queues.contains(where: { $0.matches(queue) }) else { return false }
        }
        return self.verbs.isEmpty
            || self.verbs.contains { verb in
                verb.rules.contains { $0.hasSuffix("*") ? rule.hasPrefix($0.dropLast()) : rule == $0 }
            }
    }
}
