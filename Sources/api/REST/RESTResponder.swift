import Domain
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOConcurrencyHelpers
import NIOCore
import Runtime
import Store

/// Answers one request after the other: the checks of the head in the order the contract gives, then the body, then one
/// operation, then one write.
///
/// ```
/// route ─ pre-signed ─ form ─ Accept ─ Client-ID ─ project ─ queue name ─ method ─ body within limits ─ operation
///  404       404       400     406       400        400        400         405          400
/// ```
struct RESTResponder: Sendable {
    let operations: Operations
    let access: SignedAccess
    let metrics: RESTMetrics
    let logger: Logger
    /// Set when the process stops: answers then ask callers to open no further request on their connection.
    let isStopping: NIOLockedValueBox<Bool>

    private let date = HTTPDate()

    init(
        operations: Operations, access: SignedAccess, metrics: RESTMetrics, logger: Logger,
        isStopping: NIOLockedValueBox<Bool>
    ) {
        self.operations = operations
        self.access = access
        self.metrics = metrics
        self.logger = logger
        self.isStopping = isStopping
    }

    @concurrent func respond(to request: Request, _ writer: consuming ResponseWriter, on channel: any Channel)
        async throws
    {
        let started = NIODeadline.now()
        let now = Timestamp.ofThisMachine()
        let head = RequestHead(request.head)
        let route = Route(path: head.path)
        let id = RequestID.make()
        var incoming = IncomingBody(request, head)
        var isRefused = false

        var reply: Reply
        switch self.admit(head, route, now: now) {
        case .answer(let answer): reply = answer
        case .go(let endpoint):
            var body: ByteBuffer? = ByteBuffer()
            if let bytesMax = endpoint.bodyBytesMax(self.operations.limits), !incoming.isOver {
                // The declared length decides before a byte is read.
                isRefused = (head.contentLength ?? 0) > bytesMax
                if !isRefused {
                    if head.expectsContinue { try await writer.writeInformationalHead(HTTPResponse(status: .continue)) }
                    body = try await incoming.read(upTo: bytesMax)
                    isRefused = body == nil
                }
                if isRefused { body = nil }
                reply = Problem.bodyTooLarge(bytesMax: bytesMax).reply
            } else {
                reply = .empty(.noContent)
            }
            if let body { reply = await self.perform(endpoint, head, body, id: id, now: now) }
        }

        if isRefused || self.isStopping.withLockedValue({ $0 }) { reply.headers[.connection] = "close" }
        try await writer.write(
            response: self.finished(&reply, head, id: id, now: now), body: ResponseBody(byteBuffer: reply.body))
        self.metrics.record(route, head.method, reply.status, since: started)
        if !incoming.isOver { await incoming.discard(closing: channel) }
        if isRefused { channel.close(promise: nil) }
    }

    // MARK: - The head

    private enum Admission {
        case answer(Reply)
        case go(Endpoint)
    }

    private func admit(_ head: RequestHead, _ route: Route?, now: Timestamp) -> Admission {
        if head.method == .options {
            let reply = Reply.empty(.ok)
            return .answer(route.map { reply.with(.allow, Self.allowed($0)) } ?? reply)
        }
        guard let route, self.access.admits(head, now: now) else { return .answer(Problem.unknownPath.reply) }
        if head.isForm, head.announcesBody { return .answer(Problem.formBody.reply) }
        guard Accept.admits(head.accept, route == .home ? ["json", "json-home"] : ["json"]) else {
            return .answer(Problem.notAcceptable.reply)
        }
        do {
            let endpoint: Endpoint?
            if route == .versions {
                endpoint = head.method == .get ? .showVersions : nil
            } else {
                endpoint = try Endpoint(route, method: head.method, caller: Caller(head))
            }
            guard let endpoint else {
                return .answer(Problem.methodNotAllowed.reply.with(.allow, Self.allowed(route) + ", OPTIONS"))
            }
            return .go(endpoint)
        } catch {
            return .answer(Problem(error).reply)
        }
    }

    private static func allowed(_ route: Route) -> String {
        route.methods.map(\.rawValue).joined(separator: ", ")
    }

    // MARK: - The operation

    private func perform(
        _ endpoint: Endpoint, _ head: RequestHead, _ body: ByteBuffer, id: String, now: Timestamp
    ) async -> Reply {
        do {
            return try await self.perform(endpoint, head, body, now: now)
        } catch let refusal as Refusal {
            return Problem(refusal).reply
        } catch let error as StoreError {
            var metadata: Logger.Metadata = [LogKey.requestID: "\(id)", LogKey.error: "\(error)"]
            if let global = head.globalRequestID { metadata["request.global_id"] = "\(global)" }
            self.logger.warning("The store failed a request", metadata: metadata)
            if case .ping = endpoint { return .empty(.serviceUnavailable) }
            let isPost = if case .postMessages = endpoint { true } else { false }
            return .failure(error, isRepeatable: !isPost)
        } catch {
            self.logger.error(
                "A request failed in a way nobody foresaw",
                metadata: [LogKey.requestID: "\(id)", LogKey.error: "\(error)"])
            return Problem.internalError.reply
        }
    }

    private func perform(
        _ endpoint: Endpoint, _ head: RequestHead, _ body: ByteBuffer, now: Timestamp
    ) async throws -> Reply {
        let queues = QueueReplies(operations: self.operations)
        let messages = MessageReplies(operations: self.operations)
        let subscriptions = SubscriptionReplies(operations: self.operations)
        switch endpoint {
        case .showVersions: return Documents.versions
        case .showHome: return Documents.home
        case .ping(let isAsking):
            if isAsking { try await self.operations.ping() }
            return .empty(.noContent)
        case .listQueues(let project): return try await queues.list(of: project, Query(head.query))
        case .createQueue(let queue): return try await queues.create(queue, body)
        case .showQueue(let queue): return try await queues.show(queue)
        case .deleteQueue(let queue): return try await queues.delete(queue)
        case .postMessages(let queue, let client): return try await messages.post(body, to: queue, by: client)
        case .listMessages(let queue, let client):
            return try await messages.list(queue, for: client, Query(head.query))
        case .showMessage(let queue, let id): return try await messages.show(id, of: queue)
        case .createSubscription(let queue): return try await subscriptions.create(body, for: queue, now: now)
        case .listSubscriptions(let queue): return try await subscriptions.list(queue, Query(head.query))
        case .showSubscription(let queue, let id): return try await subscriptions.show(id, of: queue)
        case .deleteSubscription(let queue, let id): return try await subscriptions.delete(id, of: queue)
        case .showSubscriptionSecret(let queue, let id): return try await subscriptions.showSecret(id, of: queue)
        }
    }

    // MARK: - The answer

    /// Adds what every answer has, and takes the body from answers that may have none.
    private func finished(_ reply: inout Reply, _ head: RequestHead, id: String, now: Timestamp) -> HTTPResponse {
        if head.method == .head { reply.body.clear() }
        reply.headers[.requestID] = id
        reply.headers[.date] = self.date.text(at: now)
        if reply.status != .noContent { reply.headers[.contentLength] = String(reply.body.readableBytes) }
        return HTTPResponse(status: reply.status, headerFields: reply.headers)
    }
}
