import Documents
import Domain
import Placement
import Store

extension Operations {
    /// Changes the metadata of a queue, all operations or none, also against others who change it at the same time.
    ///
    /// - Parameter document: The request's body, an array of operations.
    /// - Returns: The new metadata.
    /// - Throws: ``Refusal/bodyInvalid(_:)`` before it looks for the queue, ``Refusal/queueNotFound``,
    ///   ``Refusal/metadataConflict(_:)``; with pools also when it would have to move to another one.
    func updateQueue(_ queue: QueueAddress, document: [UInt8]) async throws -> QueueMetadata {
        let patch = try QueuePatch(document: document)
        var settled: PlaceWish?
        for _ in 0..<Self.settlingsMax {
            do {
                return try await self.update(queue, patch, settled: settled)
            } catch let unsettled as Unsettled {
                try await self.settle(unsettled.wish, of: queue)
                settled = unsettled.wish
            }
        }
        throw StoreError.contended
    }

    /// New metadata say something new about the place of the queue, which has to be looked at first.
    private struct Unsettled: Error {
        let wish: PlaceWish
    }

    /// Times the place may change while one update is under way.
    private static let settlingsMax = 8

    private func settle(_ wish: PlaceWish, of queue: QueueAddress) async throws {
        try await self.stores.making(queue, wish) { place in
            guard let flavor = wish.flavor, !self.stores.snapshot.serves(flavor, on: place.pool) else { return }
            throw Refusal.metadataConflict(
                "The queue lives on a pool of another flavor than \(flavor), and stays there.")
        }
    }

    private func update(
        _ queue: QueueAddress, _ patch: QueuePatch, settled: PlaceWish?
    ) async throws -> QueueMetadata {
        let limits = self.limits
        let updated = try await self.store(of: queue).queues.update(queue) { stored in
            guard let metadata = QueueMetadata(stored: stored) else {
                throw StoreError.corrupt("the metadata of a queue is no JSON object")
            }
            let result = try patch.applied(to: metadata, of: queue.name, limits: limits)
            let wish = try self.placeWish(of: result.metadata)
            guard try wish == settled || wish == self.placeWish(of: metadata) else { throw Unsettled(wish: wish) }
            return (result.document, result.metadata.attributes)
        }
        guard let updated else { throw Refusal.queueNotFound }
        guard let metadata = QueueMetadata(stored: updated) else {
            throw StoreError.corrupt("the metadata of a queue is no JSON object")
        }
        return metadata
    }
}
