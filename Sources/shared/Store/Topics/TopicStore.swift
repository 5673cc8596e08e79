package import Domain
import Redis

/// The topics of all projects: names with metadata, and nothing more (contract: "Topics").
///
/// They lie in the control store.
package struct TopicStore: Sendable {
    let runner: ScriptRunner

    /// Makes a topic, unless it exists.
    ///
    /// - Parameter metadata: The JSON object as the caller wrote it.
    /// - Returns: Whether it was made. One that exists keeps its metadata.
    package func create(_ topic: TopicAddress, metadata: [UInt8]) async throws(StoreError) -> Bool {
        var call = self.call(Scripts.topicCreate, of: topic.project)
        call.append(topic.name.text)
        call.append(metadata)
        return try await self.runner.run(call).int == 1
    }

    /// The JSON object as it was put; nil when there is no such topic.
    package func metadata(of topic: TopicAddress) async throws(StoreError) -> [UInt8]? {
        var command = RedisCommand("HGET", arguments: 2)
        command.append(KeySpace.topicMetadata(of: topic.project))
        command.append(topic.name.text)
        return try await self.runner.send(command).bytes
    }

    /// Replaces the metadata of a topic by what `change` makes of it; no other change is lost.
    ///
    /// - Parameter change: Called again when the metadata changed meanwhile. What it throws is thrown, and nothing was
    ///   changed.
    /// - Returns: The new metadata; nil when there is no such topic.
    /// - Throws: ``StoreError/contended`` when others change the metadata faster, ``Contention/triesMax`` times.
    package func update(_ topic: TopicAddress, _ change: ([UInt8]) throws -> [UInt8]) async throws -> [UInt8]? {
        var stored = try await self.metadata(of: topic)
        return try await Contention.retry { () async throws -> [UInt8]?? in
            guard let read = stored else { return .some(nil) }
            let metadata = try change(read)
            var call = self.runner.call(Scripts.topicUpdate, keys: [KeySpace.topicMetadata(of: topic.project)])
            call.append(topic.name.text)
            call.append(read)
            call.append(metadata)
            switch try await self.runner.run(call) {
            case .integer(1): return metadata
            case let now:
                stored = now.bytes
                return nil
            }
        }
    }

    /// Ends a topic, also one that does not exist.
    package func delete(_ topic: TopicAddress) async throws(StoreError) {
        var call = self.call(Scripts.topicDelete, of: topic.project)
        call.append(topic.name.text)
        _ = try await self.runner.run(call)
    }

    /// Topics of a project in byte order of their names, behind `after`; `limit` of them unless the list ends before.
    package func list(of project: ProjectID, after: String?, limit: Int) async throws(StoreError) -> [TopicListing] {
        var call = self.call(Scripts.topicList, of: project)
        call.append(after ?? "")
        call.append(limit)
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.topicList)
        var listings: [TopicListing] = []
        while !reply.isAtEnd {
            let name: TopicName
            do { name = try TopicName(try reply.text()) } catch { throw .corrupt("a listed topic has no valid name") }
            listings.append(TopicListing(name: name, metadata: try reply.bytes()))
        }
        return listings
    }

    private func call(_ script: RedisScript, of project: ProjectID) -> ScriptCall {
        self.runner.call(script, keys: [KeySpace.topicNames(of: project), KeySpace.topicMetadata(of: project)])
    }
}
