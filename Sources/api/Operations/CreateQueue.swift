import Documents
import Domain
import Placement
import Store

extension Operations {
    /// Makes a queue, unless it is there; then nothing changes.
    ///
    /// With pools, one of its flavor is chosen for it. One that is there and empty, on a pool of another flavor, is made
    /// anew on a pool of this one.
    ///
    /// - Parameter document: A JSON object as the caller wrote it; empty stands for `{}`.
    /// - Returns: Whether it was not there before.
    func createQueue(_ queue: QueueAddress, document: [UInt8]) async throws -> Bool {
        let document = document.isEmpty ? Array("{}".utf8) : document
        let metadata = try QueueMetadata(document: document, of: queue.name, limits: self.limits)
        let wish = try self.placeWish(of: metadata)
        return try await self.stores.making(queue, wish) { place in
            if let flavor = wish.flavor, !self.stores.snapshot.serves(flavor, on: place.pool) {
                try await self.leave(place, queue, for: flavor)
            }
            return try await place.store.queues.create(queue, metadata: document, attributes: metadata.attributes)
        }
    }

    /// What metadata say about where the queue is to be.
    ///
    /// While there are no pools a flavor is a word like any other.
    func placeWish(of metadata: QueueMetadata) throws(Refusal) -> PlaceWish {
        PlaceWish(
            flavor: self.stores.snapshot.pools.isEmpty ? nil : try metadata.flavor(),
            deadLetters: metadata.attributes.deadLetterQueue)
    }

    /// Ends a queue that holds nothing, so that it can be made elsewhere.
    ///
    /// - Throws: `StoreError.misplaced` when that is done, which has it made anew.
    private func leave(_ place: Place, _ queue: QueueAddress, for flavor: FlavorName) async throws {
        guard try await place.store.subscriptions.list(queue, after: nil, limit: 1).isEmpty,
            try await place.store.queues.deleteIfEmpty(queue)
        else {
            throw Refusal.metadataConflict(
                "The queue lives on a pool of another flavor than \(flavor), and is not empty.")
        }
        throw StoreError.misplaced
    }
}
