/// Decides which Sentinel is asked for the master, and which answer is taken.
///
/// It performs nothing: the source asks, then reports back. One search serves all connections that ask while it lasts.
///
/// Sentinels are asked in turn, first the one that answered last. A Sentinel that was cut off for a while may still name the
/// master of before; so a server that has just been lost, and one that a notice said is no longer the master, are passed
/// over while another Sentinel names another. They are taken when none does: a master that was lost may come back.
package struct SentinelSearch: Sendable, Equatable {
    package enum Action: Sendable, Equatable {
        case ask(RedisEndpoint.Address)
        case found(RedisEndpoint.Address)
        case failed(SentinelFailure)
    }

    private struct Course: Sendable, Equatable {
        var unasked: ArraySlice<RedisEndpoint.Address>
        var passedOver: Set<RedisEndpoint.Address>
        /// Was named, and is one of those.
        var lastResort: RedisEndpoint.Address?
        var failure = SentinelFailure.unreachable
    }

    private let configured: [RedisEndpoint.Address]
    private var learned: [RedisEndpoint.Address] = []
    /// Named a master that was taken; is asked first.
    private var preferred: RedisEndpoint.Address?
    /// The master before the last notice.
    private var former: RedisEndpoint.Address?
    private var course: Course?

    /// - Parameter sentinels: Of the URL, one or more.
    package init(_ sentinels: [RedisEndpoint.Address]) { self.configured = sentinels }

    /// All Sentinels that are known, in the order they are asked.
    package var sentinels: [RedisEndpoint.Address] {
        let all = self.configured + self.learned
        return (self.preferred.map { [$0] } ?? []) + all.filter { $0 != self.preferred }
    }

    /// A connection needs the address of the master.
    ///
    /// - Returns: What to do first; nil while a search is under way, whose result is for this connection too.
    package mutating func begin(after loss: ConnectionLoss?) -> Action? {
        if self.course != nil {
            if let address = loss?.address { self.course?.passedOver.insert(address) }
            return nil
        }
        self.course = Course(
            unasked: self.sentinels[...], passedOver: Set([loss?.address, self.former].compactMap(\.self)))
        return self.next()
    }

    /// The Sentinel that was asked has answered, or failed to.
    package mutating func answered(_ sentinel: RedisEndpoint.Address, _ answer: Result<SentinelAnswer, SentinelFailure>)
        -> Action?
    {
        guard var course = self.course else { return nil }  // A notice was faster.
        switch answer {
        case .success(let answer):
            if course.passedOver.contains(answer.master) {
                // One that was lost may be back; the one before the last notice is taken when nothing else is named.
                if course.lastResort == nil || course.lastResort == self.former { course.lastResort = answer.master }
            } else {
                self.preferred = sentinel
                self.learn(answer.sentinels)
                return self.finish(.found(answer.master))
            }
        case .failure(let failure):
            if failure.tellsMore(than: course.failure) { course.failure = failure }
        }
        self.course = course
        return self.next()
    }

    /// A Sentinel says that there is another master now.
    ///
    /// - Returns: What that means for a search that is under way.
    package mutating func noticed(_ change: MasterSwitch) -> Action? {
        self.former = change.old == change.new ? nil : change.old
        return self.course == nil ? nil : self.finish(.found(change.new))
    }

    /// The Sentinels to listen to: those of the URL, and others where these are few.
    package var listened: [RedisEndpoint.Address] {
        let count = min(max(RedisLimits.sentinelsListenedMin, self.configured.count), RedisLimits.sentinelsListenedMax)
        return Array((self.configured + self.learned).prefix(count))
    }

    private mutating func next() -> Action? {
        guard let course = self.course else { return nil }
        if let sentinel = course.unasked.first {
            self.course?.unasked.removeFirst()
            return .ask(sentinel)
        }
        guard let address = course.lastResort else { return self.finish(.failed(course.failure)) }
        if address == self.former { self.former = nil }
        return self.finish(.found(address))
    }

    private mutating func finish(_ action: Action) -> Action {
        self.course = nil
        return action
    }

    /// Those that the newest answer names, beside the configured ones.
    private mutating func learn(_ sentinels: [RedisEndpoint.Address]) {
        var known = Set(self.configured)
        self.learned = Array(
            sentinels.filter { known.insert($0).inserted }
                .prefix(max(0, RedisLimits.sentinelsMax - self.configured.count)))
        // The preferred one may be one that no other names any more.
        if let preferred = self.preferred, !known.contains(preferred) { self.learned.append(preferred) }
    }
}
