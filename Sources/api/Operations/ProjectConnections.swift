package import Domain
import Logging
import NIOConcurrencyHelpers
import Runtime
import ServiceLifecycle
import Store

/// A connection of a project, which counts for as long as this is held.
package final class ProjectConnection: Sendable {
    private let connections: ProjectConnections
    package let project: ProjectID

    fileprivate init(_ connections: ProjectConnections, _ project: ProjectID) {
        self.connections = connections
        self.project = project
    }

    deinit { self.connections.closed(self.project) }
}

/// The connections that stay, WebSocket sessions and event streams, by project: how many this process has, and for projects with
/// such a limit what it says of them to the others.
package final class ProjectConnections: Service {
    /// Seconds after which one that was refused may be tried again.
    private static let retryAfter = 5
    /// How many beats apart the limits of projects are looked at that had none when they connected.
    private static let look = 10

    private struct State {
        /// Of every project that has any.
        var counts: [ProjectID: Int] = [:]
        /// Projects of which the others are informed.
        var limited: Set<ProjectID> = []
        /// Those of which a change is being said; what changes meanwhile is said after it.
        var saying: Set<ProjectID> = []
    }

    private let store: ConnectionStore
    private let limits: ProjectLimitDirectory
    private let process: String
    private let logger: Logger
    private let state = NIOLockedValueBox(State())

    init(_ store: ConnectionStore, _ limits: ProjectLimitDirectory, process: String, logger: Logger) {
        self.store = store
        self.limits = limits
        self.process = process
        self.logger = logger
    }

    /// Opens a connection of a project.
    ///
    /// While the control store does not answer it is opened, and counted later.
    ///
    /// - Throws: ``LimitExceeded`` when all processes together have as many as may be.
    package func open(_ project: ProjectID) async throws(LimitExceeded) -> ProjectConnection {
        let max = await self.max(of: project)
        if max > 0 {
            var isCounted = true
            do throws(StoreError) {
                isCounted = try await self.store.open(of: project, by: self.process, max: max)
            } catch {
                self.log(error)
            }
            guard isCounted else { throw LimitExceeded(limit: .connections, max: max, retryAfter: Self.retryAfter) }
        }
        self.state.withLockedValue { state in
            state.counts[project, default: 0] += 1
            if max > 0 { state.limited.insert(project) }
        }
        return ProjectConnection(self, project)
    }

    /// How many a project has; nil where none are counted.
    func count(of project: ProjectID, max: Int) async throws(StoreError) -> Int? {
        guard max > 0 else { return nil }
        return try await self.store.count(of: project, asking: self.process)
    }

    fileprivate func closed(_ project: ProjectID) {
        let begins = self.state.withLockedValue { state in
            let left = (state.counts[project] ?? 1) - 1
            state.counts[project] = left > 0 ? left : nil
            return state.limited.contains(project) && state.saying.insert(project).inserted
        }
        // Not in a group, and one at a time: thousands may end at once.
        if begins { Task { await self.say(project) } }
    }

    /// Says how many a project has, until that is what it has.
    private func say(_ project: ProjectID) async {
        var said: Int?
        while let count = self.state.withLockedValue({ self.next(project, said, &$0) }) {
            do throws(StoreError) { try await self.store.beat([(project, count)], by: self.process) } catch {
                // The next beat says it.
                self.log(error)
                self.state.withLockedValue { _ = $0.saying.remove(project) }
                return
            }
            said = count
        }
    }

    /// nil when what was said last is true.
    private func next(_ project: ProjectID, _ said: Int?, _ state: inout State) -> Int? {
        let count = state.counts[project] ?? 0
        guard count == said else { return count }
        state.saying.remove(project)
        if count == 0 { state.limited.remove(project) }
        return nil
    }

    // MARK: - The other processes

    /// Tells the others every few seconds what this process has, until it stops.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var beats = 0
            while !Task.isCancelled {
                // Cancelled while sleeping: the loop's condition sees it.
                try? await Task.sleep(for: ConnectionStore.interval)
                beats += 1
                if beats % Self.look == 0 { await self.lookAtLimits() }
                await self.beat()
            }
        }
    }

    private func beat() async {
        let counts = self.state.withLockedValue { state in
            state.limited.map { (project: $0, count: state.counts[$0] ?? 0) }
        }
        do throws(StoreError) { try await self.store.beat(counts, by: self.process) } catch { return self.log(error) }
        self.state.withLockedValue { state in
            for (project, count) in counts where count == 0 && state.counts[project] == nil {
                state.limited.remove(project)
            }
        }
    }

    /// Finds those that were given a limit, or lost it, while they were connected.
    private func lookAtLimits() async {
        for project in self.state.withLockedValue({ Array($0.counts.keys) }) where !Task.isCancelled {
            let isLimited = await self.max(of: project) > 0
            self.state.withLockedValue { state in
                if isLimited, state.counts[project] != nil {
                    state.limited.insert(project)
                } else {
                    state.limited.remove(project)
                }
            }
        }
    }

    /// 0 also for limits that cannot be read.
    private func max(of project: ProjectID) async -> Int {
        do throws(StoreError) { return try await self.limits.limits(of: project).connections } catch {
            self.log(error)
            return 0
        }
    }

    private func log(_ error: StoreError) {
        self.logger.debug("The connections of a project are not counted", metadata: [LogKey.error: "\(error)"])
    }
}
