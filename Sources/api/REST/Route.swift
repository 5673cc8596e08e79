import Domain
import HTTPTypes

/// A known path, with its variable parts as text that nobody has checked yet.
///
/// Matched here and not by a router, because the order of checks is part of the contract: an unknown path is 404 whatever
/// the headers, a wrong method is 405 only after them, and a slash at the end makes another path.
enum Route: Sendable, Equatable {
    case versions
    case home
    case ping
    case queues
    case queue(String)
    case messages(String)
    case message(String, id: String)
    case subscriptions(String)
    case subscription(String, id: String)
    case subscriptionSecret(String, id: String)

    /// - Parameter path: As it came over the wire. Parts are percent-decoded one by one, so `%2F` separates nothing.
    init?(path: String) {
        if path == "/" {
            self = .versions
            return
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[0].isEmpty, parts[1] == "v2" else { return nil }
        switch (parts[2], parts.count) {
        case ("", 3): self = .home
        case ("ping", 3): self = .ping
        case ("queues", 3): self = .queues
        case ("queues", 4): self = .queue(Percent.decode(parts[3]))
        case ("queues", 5...7):
            let queue = Percent.decode(parts[3])
            switch (parts[4], parts.count) {
            case ("messages", 5): self = .messages(queue)
            case ("messages", 6): self = .message(queue, id: Percent.decode(parts[5]))
            case ("subscriptions", 5): self = .subscriptions(queue)
            case ("subscriptions", 6): self = .subscription(queue, id: Percent.decode(parts[5]))
            case ("subscriptions", 7) where parts[6] == "secret":
                self = .subscriptionSecret(queue, id: Percent.decode(parts[5]))
            default: return nil
            }
        default: return nil
        }
    }

    /// The methods of the path, `OPTIONS` aside.
    var methods: [HTTPRequest.Method] {
        switch self {
        case .versions, .home, .queues, .message, .subscriptionSecret: [.get]
        case .ping: [.get, .head]
        case .queue: [.get, .put, .delete]
        case .messages, .subscriptions: [.get, .post]
        case .subscription: [.get, .delete]
        }
    }

    /// The path with names for its variable parts: the dimension of metrics, never an id.
    var template: StaticString {
        switch self {
        case .versions: "/"
        case .home: "/v2/"
        case .ping: "/v2/ping"
        case .queues: "/v2/queues"
        case .queue: "/v2/queues/{queue}"
        case .messages: "/v2/queues/{queue}/messages"
        case .message: "/v2/queues/{queue}/messages/{message}"
        case .subscriptions: "/v2/queues/{queue}/subscriptions"
        case .subscription: "/v2/queues/{queue}/subscriptions/{subscription}"
        case .subscriptionSecret: "/v2/queues/{queue}/subscriptions/{subscription}/secret"
        }
    }
}
