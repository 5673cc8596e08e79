package import Domain
import Store

/// The queues of a project that live on one pool, in groups that move together: those that dead letters go between.
package struct QueueGroups: Sendable {
    /// Each in the order of the names.
    ///
    /// A queue that dead letters are to go to belongs to its group also where it is not there yet.
    package let groups: [[QueueAddress]]

    private static let pageMax = 500

    /// Reads them.
    ///
    /// - Parameter pool: nil: the default store.
    package init(of project: ProjectID, on pool: PoolName?, in directory: PoolDirectory) async throws {
        let control = directory.defaultStore
        guard let connected = directory.table.connected[pool] else {
            throw MoveFailure.noPool(pool?.text ?? "default")
        }
        let closed = try await connected.store().closedQueues
        var leaders: [QueueAddress: QueueAddress] = [:]
        func leader(of queue: QueueAddress) -> QueueAddress {
            var leader = queue
            while let next = leaders[leader], next != leader { leader = next }
            leaders[queue] = leader
            return leader
        }
        var after: String?
        while true {
            let names = try await control.directory.page(of: project, after: after, limit: Self.pageMax)
            let page = names.map { QueueAddress(project: project, name: $0) }
            let own = zip(page, try await control.directory.locate(page)).filter { $0.1 == .at(pool) }.map(\.0)
            for (queue, target) in zip(own, try await closed.deadLetterQueues(of: own)) {
                let first = leader(of: queue)
                if let target { leaders[leader(of: target)] = first }
            }
            guard names.count == Self.pageMax else { break }
            after = names.last?.text
        }
        var groups: [QueueAddress: [QueueAddress]] = [:]
        for queue in leaders.keys { groups[leader(of: queue), default: []].append(queue) }
        self.groups = groups.values.map { $0.sorted { $0.name.text < $1.name.text } }
            .sorted { ($0.first?.name.text ?? "") < ($1.first?.name.text ?? "") }
    }

    /// The group of a queue; nil: it does not live there.
    package func group(of queue: QueueAddress) -> [QueueAddress]? { self.groups.first { $0.contains(queue) } }
}
