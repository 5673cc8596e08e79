package import Domain

/// The queues of one store: what is kept of each beside its messages.
///
/// A queue that is created here is registered before and after it in the directory of queues that the store was given
/// (``QueueDirectory``), and unregistered after its deletion; which names there are is asked there.
package protocol QueueStorage: Sendable {
    /// Creates a queue, unless it exists.
    ///
    /// - Parameters:
    ///   - metadata: The JSON object as the caller wrote it.
    ///   - attributes: What the store has to know of it.
    /// - Returns: Whether the queue was created. One that exists keeps its metadata.
    /// - Throws: ``Refusal/limitReached(_:max:)`` when the project has as many queues as it may.
    func create(
        _ queue: QueueAddress, metadata: [UInt8], attributes: QueueAttributes
    ) async throws -> Bool

    /// The JSON object as it was put, `{}` for a queue that came about by a post; nil when there is no such queue.
    func metadata(of queue: QueueAddress) async throws(StoreError) -> [UInt8]?

    /// Ends a queue with its messages, claims and metadata, also one that does not exist.
    ///
    /// Its subscriptions live on.
    func delete(_ queue: QueueAddress) async throws(StoreError)

    /// Ends a queue that holds no message.
    ///
    /// - Returns: false when it holds some, expired ones included: nothing was changed.
    func deleteIfEmpty(_ queue: QueueAddress) async throws(StoreError) -> Bool

    /// The metadata of queues that live here, in their order; nil for one that is not there.
    func metadata(of queues: [QueueAddress]) async throws(StoreError) -> [[UInt8]?]

    /// Replaces the metadata of a queue by what `change` makes of it; no other change is lost.
    ///
    /// - Parameter change: Gets the stored JSON object, returns the new one and what the store has to know of it. It is
    ///   called again when the metadata changed meanwhile, so it must not remember. Where it returns nil, or throws, nothing
    ///   is changed.
    /// - Returns: The new metadata; nil when there is no such queue, or `change` returned nil.
    /// - Throws: ``StoreError/contended`` when others change the metadata faster, ``Contention/triesMax`` times.
    func update(
        _ queue: QueueAddress, _ change: ([UInt8]) throws -> (metadata: [UInt8], attributes: QueueAttributes)?
    ) async throws -> [UInt8]?

    /// Whether bodies posted to the queue shall be encrypted; false when there is no such queue.
    func traits(of queue: QueueAddress) async throws(StoreError) -> QueueTraits

    /// Counts the messages of a queue, and finds the oldest and the newest; zero for a queue that does not exist.
    func stats(of queue: QueueAddress) async throws(StoreError) -> QueueStats
}
