package import Domain
import Store

/// Moves every queue of a pool to others, group by group; what cannot be moved now is left for another run.
package struct PoolDrain: Sendable {
    package struct Outcome: Sendable {
        package var moved = 0
        package var left = 0
        /// The first queue of each group that was left, and why.
        package var failures: [(queue: QueueAddress, reason: MoveFailure)] = []
    }

    private static let pageMax = 500

    private let source: PoolName?
    private let target: PoolName??
    private let directory: PoolDirectory

    /// - Parameters:
    ///   - source: nil: the default store.
    ///   - target: Where all of them go; nil: each to a pool that is drawn by weight among those of the same flavor.
    package init(_ source: PoolName?, to target: PoolName??, in directory: PoolDirectory) {
        self.source = source
        self.target = target
        self.directory = directory
    }

    /// - Parameter move: Moves a group of queues to a pool.
    /// - Throws: ``MoveFailure/noPool(_:)`` where no other pool takes them, and what `move` throws that is no ``MoveFailure``.
    package func run(
        _ move: ([QueueAddress], PoolName?) async throws -> Void
    ) async throws -> Outcome {
        var outcome = Outcome()
        var after: ProjectID?
        while true {
            let projects = try await self.directory.defaultStore.projects.list(after: after, limit: Self.pageMax)
            for project in projects {
                for group in try await QueueGroups(of: project, on: self.source, in: self.directory).groups {
                    do {
                        try await move(group, try self.drawn())
                        outcome.moved += group.count
                    } catch let failure as MoveFailure {
                        if case .noPool = failure { throw failure }
                        outcome.left += group.count
                        if let first = group.first { outcome.failures.append((first, failure)) }
                    }
                }
            }
            guard projects.count == Self.pageMax else { return outcome }
            after = projects.last
        }
    }

    private func drawn() throws -> PoolName? {
        if let target { return target }
        let snapshot = self.directory.snapshot
        let label = self.source.flatMap { snapshot.pool($0)?.label }
        let others = snapshot.pools.filter { $0.name != self.source && $0.label == label }
        guard let pool = WeightedChoice.draw(from: others, weight: \.weight, using: self.directory.settings.random)
        else {
            throw MoveFailure.noPool("of the same flavor that takes queues")
        }
        return pool.name
    }
}
