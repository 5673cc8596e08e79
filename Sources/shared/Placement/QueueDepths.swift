import Domain
import Runtime
import Store

/// Counts the messages of queues that an operator chose.
struct QueueDepths: Sendable {
    /// Queues that are counted; more would be more series than one metric has.
    static let queuesMax = 100

    let chosen: [ChosenQueues]
    /// The control store: it knows the names of queues, and where each lives.
    let control: Store

    /// The messages of each queue that there is, those that are named first come first; a queue whose Redis is away is left out.
    func values(in stores: [MeasuredStore]) async throws(StoreError) -> [(metric: Gauged, value: Double)] {
        var values: [(Gauged, Double)] = []
        var seen: Set<QueueAddress> = []
        for some in self.chosen where seen.count < Self.queuesMax {
            let found = try await self.control.directory.queues(some, limit: Self.queuesMax)
            let queues = found.filter { !seen.contains($0) }.prefix(Self.queuesMax - seen.count)
            seen.formUnion(queues)
            let locations = try await self.control.directory.locate(Array(queues))
            for (queue, location) in zip(queues, locations) {
                guard case .at(let pool) = location,
                    let store = stores.first(where: { $0.endpoint.pools.contains(pool) })?.store
                else { continue }
                do throws(StoreError) {
                    let stats = try await store.queues.stats(of: queue)
                    for (state, count) in [("free", stats.free), ("claimed", stats.claimed)] {
                        let gauged = Gauged(.queueMessages, queue.project.text, queue.name.text, state)
                        values.append((gauged, Double(count)))
                    }
                } catch {
                    // Its Redis is away, which other metrics say.
                    continue
                }
            }
        }
        return values
    }
}
