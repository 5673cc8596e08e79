import Domain
import Redis
import Signing

/// One post as `post.lua` takes it, so that it can be said twice.
struct Post {
    let messages: [MessageDraft]
    let client: ClientID
    let requestBytes: Int
    let defaults: PostDefaults
}

extension MessageStore {
    /// - Returns: nil when there is no such queue.
    func run(_ post: Post, on queue: QueueAddress, creating: Bool) async throws -> [MessageID]? {
        var reply = try ReplyReader(try await self.runner.run(self.call(post, queue, creating)), of: Scripts.post)
        switch try reply.text() {
        case "posted":
            let first = try reply.position()
            return post.messages.indices.map { self.id(at: first.advanced(by: $0), in: queue) }
        case "absent":
            return nil
        case "large":
            throw Refusal.bodyInvalid(
                "This queue takes requests of at most \(try reply.int()) bytes; this one has \(post.requestBytes).")
        case let answer:
            throw StoreError.corrupt("post.lua answered \(answer)")
        }
    }

    /// The message of a record, as it is now.
    func message(
        of queue: QueueAddress, at position: Position, record bytes: [UInt8], now: Timestamp
    ) throws(StoreError) -> StoredMessage {
        let record = try MessageRecord(bytes)
        return StoredMessage(
            id: self.id(at: position, in: queue), ttl: record.ttl, age: now.wholeSeconds(since: position.createdAt),
            delay: record.delay, body: record.body)
    }

    private func call(_ post: Post, _ queue: QueueAddress, _ creating: Bool) -> ScriptCall {
        let keys = self.keyring.shard(of: queue)
        var call = self.runner.call(
            Scripts.post,
            keys: [
                keys.meta(queue), keys.log(queue), keys.expiry(queue), keys.position, keys.events, keys.bell,
                keys.subscriptionOrder(queue), keys.sweep,
            ])
        call.append(self.keyring.number(of: queue))
        call.append(queue.key)
        call.append(creating ? 1 : 0)
        call.append(post.requestBytes)
        call.append(post.defaults.ttl)
        call.append(self.tagger.clientMark(post.client))
        for message in post.messages {
            call.append(message.ttl.map { String($0) } ?? "")
            call.append(message.delay.map { String($0) } ?? "")
            call.append(message.body)
        }
        return call
    }
}
