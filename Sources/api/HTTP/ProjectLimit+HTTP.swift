import Domain
import HTTPServer
import Operations

extension ProjectLimit {
    /// What a caller reads who would have more than so many; it names the limit.
    func description(of max: Int) -> String {
        switch self {
        case .queues:
            "The project has \(max) queues, which is its limit 'queues'. Delete some, or ask for more."
        case .subscriptions:
            "The project has \(max) subscriptions, which is its limit 'subscriptions'. End some, or ask for more."
        case .bytes:
            "The messages of the project would take more than \(max) bytes, which is its limit 'bytes'. "
                + "Consume some, wait until some expire, or ask for more."
        case .posts:
            "The project posts more than \(max) messages a second, which is its limit 'posts'."
        case .connections:
            "The project has \(max) connections, which is its limit 'connections'."
        }
    }
}

extension Problem {
    init(_ exceeded: LimitExceeded) {
        self.init(
            .serviceUnavailable, "Limit reached",
            exceeded.limit.description(of: exceeded.max) + " Please try again in \(exceeded.retryAfter) s.")
    }
}

extension Reply {
    static func failure(_ exceeded: LimitExceeded) -> Reply {
        Problem(exceeded).reply.with(.retryAfter, String(exceeded.retryAfter))
    }
}
