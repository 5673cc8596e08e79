package import Domain
import NIOConcurrencyHelpers
package import NIOCore

/// Bounds the requests that one project has under way in this process: its further ones wait behind each other, and not in
/// front of those of other projects (docs/decisions/0056-requests-of-a-project.md).
///
/// Every request has its turn in the order in which it came. One that would have to wait for ``waitMax`` is refused: by then
/// its caller has given up, or will soon.
package final class ProjectAdmission: Sendable {
    /// Requests of a project under way at once.
    package static let requestsDefault = 16
    package static let waitMax = TimeAmount.seconds(4)

    private let state: NIOLockedValueBox<ProjectQueues<UnsafeContinuation<Bool, Never>>>

    /// - Parameter requestsMax: Of one project.
    package init(requestsMax: Int = ProjectAdmission.requestsDefault) {
        self.state = NIOLockedValueBox(ProjectQueues(runningMax: requestsMax, waitMax: Self.waitMax))
    }

    /// Projects that have requests under way.
    package var busyProjects: Int { self.state.withLockedValue { $0.count } }

    /// Waits until a request of the project may begin.
    ///
    /// - Returns: Its turn, to be left when the request ends.
    /// - Throws: ``TurnRefused`` when it waited for too long.
    package func enter(_ project: ProjectID) async throws(TurnRefused) -> ProjectTurn {
        try await self.wait(project)
        return ProjectTurn(self, project)
    }

    /// Waits for a turn, which ends with ``leave(_:)``.
    func wait(_ project: ProjectID) async throws(TurnRefused) {
        // Nearly always there is nothing to wait for.
        if self.state.withLockedValue({ $0.enter(project) }) { return }
        let isAdmitted = await withUnsafeContinuation { (waiter: UnsafeContinuation<Bool, Never>) in
            let isAdmitted = self.state.withLockedValue { state in
                if state.enter(project) { return true }
                state.wait(waiter, of: project, at: .now())
                return false
            }
            if isAdmitted { waiter.resume(returning: true) }
        }
        guard isAdmitted else { throw TurnRefused() }
    }

    /// Refuses what has waited for too long; to be called about every second.
    package func refuseOverdue() {
        for waiter in self.state.withLockedValue({ $0.overdue(at: .now()) }) { waiter.resume(returning: false) }
    }

    func leave(_ project: ProjectID) {
        let (refused, next) = self.state.withLockedValue { $0.leave(project, at: .now()) }
        for waiter in refused { waiter.resume(returning: false) }
        next?.resume(returning: true)
    }
}

/// Counts what runs of each project, and keeps what waits, in order.
package struct ProjectQueues<Waiter: Sendable>: Sendable {
    private struct Queue: Sendable {
        var running = 0
        var waiting = CircularBuffer<(waiter: Waiter, until: NIODeadline)>(initialCapacity: 0)
    }

    private let runningMax: Int
    private let waitMax: TimeAmount
    private var queues: [ProjectID: Queue] = [:]

    package init(runningMax: Int, waitMax: TimeAmount) {
        precondition(runningMax > 0, "a project may have nothing under way")
        self.runningMax = runningMax
        self.waitMax = waitMax
    }

    /// Projects that have anything here.
    package var count: Int { self.queues.count }

    /// - Returns: Whether it runs now.
    package mutating func enter(_ project: ProjectID) -> Bool {
        let running = self.queues[project]?.running ?? 0
        guard running < self.runningMax else { return false }
        self.queues[project, default: Queue()].running = running + 1
        return true
    }

    /// Keeps one that could not enter.
    package mutating func wait(_ waiter: Waiter, of project: ProjectID, at now: NIODeadline) {
        self.queues[project, default: Queue()].waiting.append((waiter, now + self.waitMax))
    }

    /// Takes those that have waited for too long, of all projects.
    package mutating func overdue(at now: NIODeadline) -> [Waiter] {
        var overdue: [Waiter] = []
        for project in self.queues.keys {
            while let first = self.queues[project]?.waiting.first, first.until <= now {
                overdue.append(first.waiter)
                self.queues[project]?.waiting.removeFirst()
            }
        }
        return overdue
    }

    /// One that ran has ended.
    ///
    /// - Returns: Those that waited for too long, and the one that runs in its place.
    package mutating func leave(_ project: ProjectID, at now: NIODeadline) -> (refused: [Waiter], next: Waiter?) {
        guard var queue = self.queues.removeValue(forKey: project) else {
            preconditionFailure("a request ended that never began")
        }
        var refused: [Waiter] = []
        while let first = queue.waiting.popFirst() {
            if now < first.until {
                self.queues[project] = queue
                return (refused, first.waiter)
            }
            refused.append(first.waiter)
        }
        queue.running -= 1
        if queue.running > 0 { self.queues[project] = queue }
        return (refused, nil)
    }
}
