/// A known path, with its variable parts as text that nobody has checked yet.
///
/// Matched here and not by a router, because the order of checks is part of the contract: an unknown path is 404 whatever
/// the headers, a wrong method is 405 only after them, and a slash at the end makes another path.
struct Route: Sendable, Equatable {
    let resource: Resource
    /// Empty where the path has none.
    let queue: String
    /// Of a message, a claim or a subscription, or the name of a pool or a flavor; empty where the path has none.
    let id: String

    /// - Parameter path: As it came over the wire. Parts are percent-decoded one by one, so `%2F` separates nothing.
    init?(path: String) {
        if path == "/" {
            self.init(.versions)
            return
        }
        // Cut at bytes: characters would have to be found first.
        let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map(Substring.init)
        guard parts.count >= 3, parts[0].isEmpty, parts[1] == "v2" else { return nil }
        switch (parts[2], parts.count) {
        case ("", 3): self.init(.home)
        case ("openapi.json", 3): self.init(.openAPI)
        case ("ping", 3): self.init(.ping)
        case ("health", 3): self.init(.health)
        case ("pools", 3): self.init(.pools)
        case ("pools", 4): self.init(.pool, id: parts[3])
        case ("flavors", 3): self.init(.flavors)
        case ("flavors", 4): self.init(.flavor, id: parts[3])
        case ("topics", 3): self.init(.topics)
        case ("topics", 4): self.init(.topic, id: parts[3])
        case ("topics", 5) where parts[4] == "stats": self.init(.topicStats, id: parts[3])
        case ("topics", 5) where parts[4] == "purge": self.init(.topicPurge, id: parts[3])
        case ("queues", 3): self.init(.queues)
        case ("queues", 4): self.init(.queue, parts[3])
        case ("queues", 5):
            switch parts[4] {
            case "stats": self.init(.stats, parts[3])
            case "purge": self.init(.purge, parts[3])
            case "share": self.init(.share, parts[3])
            case "messages": self.init(.messages, parts[3])
            case "claims": self.init(.claims, parts[3])
            case "subscriptions": self.init(.subscriptions, parts[3])
            case "dead_letters": self.init(.deadLetters, parts[3])
            default: return nil
            }
        case ("queues", 6):
            switch parts[4] {
            case "messages": self.init(.message, parts[3], parts[5])
            case "claims": self.init(.claim, parts[3], parts[5])
            case "subscriptions": self.init(.subscription, parts[3], parts[5])
            case "dead_letters" where parts[5] == "redrive": self.init(.deadLettersRedrive, parts[3])
            case "dead_letters": self.init(.deadLetter, parts[3], parts[5])
            default: return nil
            }
        case ("queues", 7) where parts[4] == "messages" && parts[6] == "deliveries":
            self.init(.messageDeliveries, parts[3], parts[5])
        case ("queues", 7) where parts[4] == "subscriptions":
            switch parts[6] {
            case "confirm": self.init(.subscriptionConfirm, parts[3], parts[5])
            case "secret": self.init(.subscriptionSecret, parts[3], parts[5])
            case "schedule": self.init(.subscriptionSchedule, parts[3], parts[5])
            case "attempts": self.init(.subscriptionAttempts, parts[3], parts[5])
            case "health": self.init(.subscriptionHealth, parts[3], parts[5])
            case "pause": self.init(.subscriptionPause, parts[3], parts[5])
            case "resume": self.init(.subscriptionResume, parts[3], parts[5])
            case "recover": self.init(.subscriptionRecover, parts[3], parts[5])
            case "test": self.init(.subscriptionTest, parts[3], parts[5])
            default: return nil
            }
        case ("queues", 8) where parts[4] == "subscriptions" && parts[6] == "secret" && parts[7] == "rotate":
            self.init(.subscriptionSecretRotation, parts[3], parts[5])
        default: return nil
        }
    }

    private init(_ resource: Resource, _ queue: Substring = "", _ id: Substring) {
        self.resource = resource
        self.queue = Percent.decode(queue)
        self.id = Percent.decode(id)
    }

    private init(_ resource: Resource, _ queue: Substring = "", id: Substring = "") {
        self.resource = resource
        self.queue = Percent.decode(queue)
        self.id = Percent.decode(id)
    }
}
