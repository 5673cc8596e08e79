package import Domain
package import Store

extension PoolDirectory {
    /// Queues of a project in byte order of their names, behind `after`; `limit` of them unless the list ends before.
    ///
    /// - Throws: ``StoreError/unavailable(_:)`` also when only the pool of one of them is away: a page without it would
    ///   look like a page of all.
    package func queues(
        of project: ProjectID, after: String?, limit: Int
    ) async throws(StoreError) -> [QueueListing] {
        let table = self.table
        guard table.hasPools else {
            return try await table.control.queues.list(of: project, after: after, limit: limit)
        }
        return try await table.control.queues.list(of: project, after: after, limit: limit) {
            (queues: [QueueAddress]) async throws(StoreError) -> [[UInt8]?] in
            try await self.metadata(of: queues)
        }
    }

    /// The metadata of queues of one project, in their order; nil for a queue that is not there.
    private func metadata(of queues: [QueueAddress]) async throws(StoreError) -> [[UInt8]?] {
        var places: [ObjectIdentifier: (seat: PoolSeat, indices: [Int])] = [:]
        for (index, spot) in try await self.defaultStore.pools.locate(queues).enumerated() {
            guard case .at(let pool) = spot else { continue }
            if self.table.seats[pool] == nil { try await self.refresh() }
            guard let seat = self.table.seats[pool] else { continue }
            places[ObjectIdentifier(seat.connection), default: (seat, [])].indices.append(index)
        }
        let found = await withTaskGroup(of: Result<[(Int, [UInt8]?)], StoreError>.self) { group in
            for (seat, indices) in places.values {
                group.addTask {
                    do throws(StoreError) {
                        let metadata = try await seat.store().queues.metadata(of: indices.map { queues[$0] })
                        return .success(Array(zip(indices, metadata)))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var metadata: [[UInt8]?] = Array(repeating: nil, count: queues.count)
        for part in found {
            for (index, bytes) in try part.get() { metadata[index] = bytes }
        }
        return metadata
    }
}
