import Domain
import Redis

/// The topics of all projects: names with metadata, and nothing more (contract: "Topics").
///
/// They lie in the control store.
struct TopicStore: TopicStorage {
    let runner: ScriptRunner

    func create(_ topic: TopicAddress, metadata: [UInt8]) async throws(StoreError) -> Bool {
        var call = self.call(Scripts.topicCreate, of: topic.project)
        call.append(topic.name.text)
        call.append(metadata)
        return try await self.runner.write(call).int == 1
    }

    func metadata(of topic: TopicAddress) async throws(StoreError) -> [UInt8]? {
        var command = RedisCommand("HGET", arguments: 2)
        command.append(KeySpace.topicMetadata(of: topic.project))
        command.append(topic.name.text)
        return try await self.runner.send(command).bytes
    }

    func update(_ topic: TopicAddress, _ change: ([UInt8]) throws -> [UInt8]) async throws -> [UInt8]? {
        var stored = try await self.metadata(of: topic)
        return try await Contention.retry { () async throws -> [UInt8]?? in
            guard let read = stored else { return .some(nil) }
            let metadata = try change(read)
            var call = self.runner.call(Scripts.topicUpdate, keys: [KeySpace.topicMetadata(of: topic.project)])
            call.append(topic.name.text)
            call.append(read)
            call.append(metadata)
            switch try await self.runner.write(call) {
            case .integer(1): return metadata
            case let now:
                stored = now.bytes
                return nil
            }
        }
    }

    func delete(_ topic: TopicAddress) async throws(StoreError) {
        var call = self.call(Scripts.topicDelete, of: topic.project)
        call.append(topic.name.text)
        _ = try await self.runner.write(call)
    }

    func list(of project: ProjectID, after: String?, limit: Int) async throws(StoreError) -> [TopicListing] {
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
