package import Operations
package import Store

/// How far a follower has come, and how much it reads at once: what its client does not take it reads again, so it learns to
/// read no more than is taken.
package struct FollowProgress: Sendable {
    package private(set) var start: FollowStart
    /// Messages to read next.
    package private(set) var limit = Operations.followedMax

    package init(from start: FollowStart) {
        self.start = start
    }

    /// - Parameter taken: How many of its events the client was given; they are the first ones.
    package mutating func advance(past part: FollowedEvents, taken: Int) {
        guard taken < part.events.count else {
            self.start = .behind(part.place)
            self.limit = min(self.limit * 2, Operations.followedMax)
            return
        }
        if taken > 0 { self.start = .behind(part.events[taken - 1].place) }
        self.limit = max(taken, 1)
    }
}
