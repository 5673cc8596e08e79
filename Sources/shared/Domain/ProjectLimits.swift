/// What a project may have only so much of.
package enum ProjectLimit: String, Sendable, CaseIterable {
    /// Queues that are registered for it.
    case queues
    /// Subscriptions of its queues.
    case subscriptions
    /// Bytes of the messages in its queues.
    case bytes
    /// Messages that are posted in a second.
    case posts
    /// Connections that stay: sessions, and streams of messages.
    case connections
}

/// The limits of a project; 0 for none.
package struct ProjectLimits: Sendable, Equatable {
    /// The largest limit there may be: a number that every reader of JSON and Redis' Lua take as it is.
    package static let valueMax = 1_000_000_000_000

    package var queues = 0
    package var subscriptions = 0
    package var bytes = 0
    package var posts = 0
    package var connections = 0

    package init() {}

    package subscript(limit: ProjectLimit) -> Int {
        get { self[keyPath: Self.path(of: limit)] }
        set { self[keyPath: Self.path(of: limit)] = newValue }
    }

    /// With those that a project has of its own in place of these.
    package func replaced(by own: OwnLimits) -> ProjectLimits {
        var limits = self
        for (limit, value) in own.values { limits[limit] = value }
        return limits
    }

    private static func path(of limit: ProjectLimit) -> WritableKeyPath<ProjectLimits, Int> {
        switch limit {
        case .queues: \.queues
        case .subscriptions: \.subscriptions
        case .bytes: \.bytes
        case .posts: \.posts
        case .connections: \.connections
        }
    }
}

/// The limits that an administrator gave a project; for the rest those of the deployment hold.
package struct OwnLimits: Sendable, Equatable {
    /// Each 0, for none, through ``ProjectLimits/valueMax``.
    package let values: [ProjectLimit: Int]

    /// nil when a value is out of range.
    package init?(_ values: [ProjectLimit: Int]) {
        guard values.values.allSatisfy((0...ProjectLimits.valueMax).contains) else { return nil }
        self.values = values
    }

    private init() { self.values = [:] }

    package static let none = OwnLimits()
}
