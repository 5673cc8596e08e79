package import Domain

/// The topics of all projects: names with metadata, in the control store.
package protocol TopicStorage: Sendable {
    /// Makes a topic, unless it exists.
    ///
    /// - Parameter metadata: The JSON object as the caller wrote it.
    /// - Returns: Whether it was made. One that exists keeps its metadata.
    func create(_ topic: TopicAddress, metadata: [UInt8]) async throws(StoreError) -> Bool

    /// The JSON object as it was put; nil when there is no such topic.
    func metadata(of topic: TopicAddress) async throws(StoreError) -> [UInt8]?

    /// Replaces the metadata of a topic by what `change` makes of it; no other change is lost.
    ///
    /// - Parameter change: Called again when the metadata changed meanwhile. What it throws is thrown, and nothing was
    ///   changed.
    /// - Returns: The new metadata; nil when there is no such topic.
    /// - Throws: ``StoreError/contended`` when others change the metadata faster, ``Contention/triesMax`` times.
    func update(_ topic: TopicAddress, _ change: ([UInt8]) throws -> [UInt8]) async throws -> [UInt8]?

    /// Ends a topic, also one that does not exist.
    func delete(_ topic: TopicAddress) async throws(StoreError)

    /// Topics of a project in byte order of their names, behind `after`; `limit` of them unless the list ends before.
    func list(of project: ProjectID, after: String?, limit: Int) async throws(StoreError) -> [TopicListing]
}
