import Domain
import Redis

/// One post as `message_post.lua` takes it, so that it can be said twice.
struct Post {
    /// None of one that is only looked for by its key.
    let messages: [MessageDraft]
    let client: ClientID?
    let requestBytes: Int
    let defaults: PostDefaults
    /// By what it is known again.
    let key: PostKey?
    /// As the caller believes.
    let traits: QueueTraits?
}

extension MessageStore {
    /// - Returns: nil when there is no such queue, or no such post.
    func run(_ post: Post, on queue: QueueAddress, creating: Bool) async throws -> PostOutcome? {
        let own = post.traits?.durability
        let (answer, isReached) = try await self.runner.write(self.call(post, queue, creating), reaching: own)
        var reply = try ReplyReader(answer, of: Scripts.messagePost)
        switch try reply.text() {
        case "posted":
            guard isReached else { throw self.runner.notReached }
            return .posted(
                self.ids(post.messages.count, from: try reply.position(), of: queue),
                self.runner.durability.reached(for: own))
        case "again":
            guard isReached else { throw self.runner.notReached }
            let first = try reply.position()
            return .repeated(
                self.ids(try reply.int(), from: first, of: queue), self.runner.durability.reached(for: own))
        case "other":
            return .keyTaken
        case "absent":
            return nil
        case "large":
            throw Refusal.bodyInvalid(
                "This queue takes requests of at most \(try reply.int()) bytes; this one has \(post.requestBytes).")
        case "traits":
            return .traitsDiffer(QueueTraits(record: try reply.text()))
        case let answer:
            throw StoreError.corrupt("message_post.lua answered \(answer)")
        }
    }

    /// The ids of messages that were posted together.
    private func ids(_ count: Int, from first: Position, of queue: QueueAddress) -> [MessageID] {
        (0..<count).map { self.ids.id(at: first.advanced(by: $0), of: queue) }
    }

    private func call(_ post: Post, _ queue: QueueAddress, _ creating: Bool) -> ScriptCall {
        let keys = self.keySpace.shard(of: queue)
        let own = keys.queue(queue)
        var call = self.runner.call(
            Scripts.messagePost,
            keys: [
                own.meta, own.log, own.expiries, keys.lastPosition, keys.events(of: queue), keys.wakeup,
                keys.subscriptionOrder(queue),
                keys.queueSweeps, own.delayed, own.clientRuns, keys.fanoutProjects,
                keys.fanoutQueues(of: queue.project), own.states,
                keys.usage(of: queue.project), keys.postKeys(of: queue), keys.postKeyExpiries(of: queue),
            ])
        call.append(self.keySpace.number(of: queue))
        call.append(queue.key)
        call.append(creating ? 1 : 0)
        call.append(post.requestBytes)
        call.append(post.defaults.ttl)
        call.append(post.client.map { self.ids.mark(of: $0) } ?? [])
        call.append(post.traits?.record(withDurability: self.runner.durability.usual != .memory) ?? "")
        call.append((post.key?.digest ?? []) + (post.key?.request ?? []))
        call.append(post.key?.window ?? 0)
        for message in post.messages {
            call.append(message.ttl.map { String($0) } ?? "")
            call.append(message.delay.map { String($0) } ?? "")
            call.append(MessageRecord.extras(of: message, withTrace: self.keepsTraces))
            call.append(message.body)
        }
        return call
    }
}
