import Documents
import Domain
import HTTPTypes
import JSON
import NIOCore
import Signing
import Store

/// Queues over HTTP: query and body in, one operation, an answer out.
struct QueueReplies: Sendable {
    /// The one type of body a PATCH of metadata takes.
    static let patchType = "application/openstack-messaging-v2.0-json-patch"

    let operations: Operations

    func create(_ queue: QueueAddress, _ body: ByteBuffer) async throws -> Reply {
        let isNew = try await self.operations.createQueue(queue, document: Array(body.readableBytesView))
        return Reply.empty(isNew ? .created : .noContent).with(.location, queue.path)
    }

    func show(_ queue: QueueAddress) async throws -> Reply {
        let metadata = try await self.operations.showQueue(queue)
        return Reply.json(.ok, capacity: 512) { metadata.write(to: &$0, limits: self.operations.limits) }
    }

    /// - Parameter mediaType: Of the body, in lower case and without parameters.
    func update(_ queue: QueueAddress, _ body: ByteBuffer, mediaType: String?) async throws -> Reply {
        guard mediaType == Self.patchType else {
            return Problem.unsupportedPatch(Self.patchType).reply.with(.acceptPatch, Self.patchType)
        }
        let metadata = try await self.operations.updateQueue(queue, document: Array(body.readableBytesView))
        return Reply.json(.ok, capacity: 512) { metadata.write(to: &$0, limits: self.operations.limits) }
    }

    func stats(_ queue: QueueAddress) async throws -> Reply {
        let stats = try await self.operations.showStats(of: queue)
        return Reply.json(.ok) { body in
            body.writeStaticString(#"{"messages":{"claimed":"#)
            body.writeJSON(stats.claimed)
            body.writeStaticString(#","free":"#)
            body.writeJSON(stats.free)
            body.writeStaticString(#","total":"#)
            body.writeJSON(stats.total)
            if let oldest = stats.oldest { Self.write(oldest, as: "oldest", of: queue, to: &body) }
            if let newest = stats.newest { Self.write(newest, as: "newest", of: queue, to: &body) }
            body.writeStaticString("}}")
        }
    }

    func purge(_ queue: QueueAddress, _ body: ByteBuffer) async throws -> Reply {
        try await self.operations.purgeQueue(queue, document: Array(body.readableBytesView))
        return .empty(.noContent)
    }

    func share(_ queue: QueueAddress, _ body: ByteBuffer, key: SignedURLKey?, now: Timestamp) throws -> Reply {
        let share = try self.operations.shareQueue(
            queue, document: Array(body.readableBytesView), key: key, now: now)
        return Reply.json(.ok, capacity: 512) { body in
            ShareBody.writeAnswer(
                project: queue.project.text, paths: share.url.paths, methods: share.url.methods,
                expires: share.url.expiry.text, signature: share.signature, to: &body)
        }.with(.cacheControl, "no-store")
    }

    private static func write(
        _ edge: QueueStats.Edge, as name: String, of queue: QueueAddress, to body: inout ByteBuffer
    ) {
        body.writeStaticString(",")
        body.writeJSON(name)
        body.writeStaticString(#":{"href":"#)
        body.writeJSON("\(queue.path)/messages/\(edge.id.text)")
        body.writeStaticString(#","age":"#)
        body.writeJSON(edge.age)
        body.writeStaticString(#","created":"#)
        body.writeJSON(HTTPDate.iso8601(edge.createdAt.seconds))
        body.writeStaticString("}")
    }

    func delete(_ queue: QueueAddress) async throws -> Reply {
        try await self.operations.deleteQueue(queue)
        return .empty(.noContent)
    }

    func list(of project: ProjectID, _ query: Query) async throws -> Reply {
        let wish = try NamedListWish(
            query, path: "/v2/queues", limitMax: self.operations.limits.queuePageMax, offersCount: true)
        let page = try await self.operations.listQueues(of: project, wish.request)
        return wish.reply(
            "queues", page.queues.map { ($0.name.text, $0.metadata) }, count: page.count, of: .queue,
            limits: self.operations.limits)
    }
}

extension QueueAddress {
    /// Names are made of characters that need no escape.
    var path: String { "/v2/queues/\(self.name.text)" }
}
