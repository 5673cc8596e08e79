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
/// route ─ pre-signed ─ form ─ Accept ─ Client-ID ─ project ─ queue name ─ method ─ role ─ body within limits ─ operation
///  404       404       400     406       400        400        400         405     403          400
/// ```
///
/// Around all of it lies what browsers are told, on every answer.
struct RESTResponder: Sendable {
    let operations: Operations
    let rules: AccessRules
    let metrics: RESTMetrics
    let logger: Logger
    /// Set when the process stops: answers then ask callers to open no further request on their connection.
    let isStopping: NIOLockedValueBox<Bool>

    private let date = HTTPDate()

    init(
        operations: Operations, rules: AccessRules, metrics: RESTMetrics, logger: Logger,
        isStopping: NIOLockedValueBox<Bool>
    ) {
        self.operations = operations
        self.rules = rules
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
        let route = self.route(of: head)
        let id = RequestID.make()
        var incoming = IncomingBody(request, head)
        // Nothing of the connection can be read behind a refused body or a request for another protocol.
        var isLast = head.asksForUpgrade
        var reached: (route: Resource, method: HTTPRequest.Method)?

        var reply: Reply
        switch self.admit(head, route, now: now) {
        case .answer(let answer): reply = answer
        case .go(let endpoint):
            reached = route.map { ($0.resource, head.method) }
            let bytesMax = endpoint.bodyBytesMax(self.operations.limits) ?? .max
            var body: ByteBuffer? = ByteBuffer()
            if bytesMax < .max, !incoming.isOver {
                // The declared length decides before a byte is read.
                if head.contentLength ?? 0 > bytesMax {
                    body = nil
                } else {
                    if head.expectsContinue { try await writer.writeInformationalHead(HTTPResponse(status: .continue)) }
                    body = try await incoming.read(upTo: bytesMax)
                }
            }
            if let body {
                reply = await self.perform(endpoint, head, body, id: id, now: now)
            } else {
                isLast = true
                reply = Problem.bodyTooLarge(bytesMax: bytesMax).reply
            }
        }

        if isLast || self.isStopping.withLockedValue({ $0 }) { reply.headers[.connection] = "close" }
        try await writer.write(
            response: self.finished(&reply, head, id: id, now: now), body: ResponseBody(byteBuffer: reply.body))
        self.metrics.record(reached, reply.status, since: started)
        if !incoming.isOver { await incoming.discard(closing: channel) }
        if isLast { channel.close(promise: nil) }
    }

    // MARK: - The head

    private enum Admission {
        case answer(Reply)
        case go(Endpoint)
    }

    /// nil for a path that is not served here.
    private func route(of head: RequestHead) -> Route? {
        guard let route = Route(path: head.path) else { return nil }
        if route.resource.isForAdministrators, !self.rules.hasAdministration { return nil }
        return route.resource.isOfPools && !self.rules.hasPools ? nil : route
    }

    private func admit(_ head: RequestHead, _ route: Route?, now: Timestamp) -> Admission {
        if head.method == .options {
            let reply = Reply.empty(.ok)
            return .answer(route.map { reply.with(.allow, Self.allowed($0.resource)) } ?? reply)
        }
        guard let route, SignedAccess(keys: self.rules.signedURLKeys).admits(head, now: now) else {
            return .answer(Problem.unknownPath.reply)
        }
        if head.isForm, head.announcesBody { return .answer(Problem.formBody.reply) }
        guard Accept.admits(head.accept, route.resource == .home ? ["json", "json-home"] : ["json"]) else {
            return .answer(Problem.notAcceptable.reply)
        }
        do {
            let endpoint =
                route.resource.isOpen
                ? Endpoint(open: route.resource, method: head.method)
                : try Endpoint(route, method: head.method, caller: Caller(head, clients: self.rules.clients))
            guard let endpoint else {
                return .answer(
                    Problem.methodNotAllowed.reply.with(.allow, Self.allowed(route.resource) + ", OPTIONS"))
            }
            return .go(endpoint)
        } catch {
            return .answer(Problem(error).reply)
        }
    }

    private static func allowed(_ resource: Resource) -> String {
        resource.methods.map(\.rawValue).joined(separator: ", ")
    }

    // MARK: - The operation

    private func perform(
        _ endpoint: Endpoint, _ head: RequestHead, _ body: ByteBuffer, id: String, now: Timestamp
    ) async -> Reply {
        do {
            return try await endpoint.perform(
                self.operations, self.rules, ReceivedRequest(head: head, body: body, now: now))
        } catch let refusal as Refusal {
            return Problem(refusal).reply
        } catch let error as StoreError {
            var metadata: Logger.Metadata = [
                LogKey.requestID: "\(id)", LogKey.error: "\(error)", LogKey.storeTrouble: "\(error.trouble.rawValue)",
            ]
            if let global = head.globalRequestID { metadata["request.global_id"] = "\(global)" }
            self.logger.warning("The store failed a request", metadata: metadata)
            if case .ping = endpoint { return .empty(.serviceUnavailable) }
            let isPost = if case .postMessages = endpoint { true } else { false }
            return .failure(error, isRepeatable: !isPost)
        } catch let error as BodyUnreadable {
            self.logger.error(
                "A message body does not open",
                metadata: [
                    LogKey.requestID: "\(id)", LogKey.messageID: "\(error.message)", LogKey.error: "\(error.reason)",
                ])
            return Problem.unreadable(error.message).reply
        } catch {
            self.logger.error(
                "A request failed with an unexpected error",
                metadata: [LogKey.requestID: "\(id)", LogKey.error: "\(error)"])
            return Problem.internalError.reply
        }
    }

    // MARK: - The answer

    /// Adds what every answer has, and takes the body from answers that may have none.
    private func finished(_ reply: inout Reply, _ head: RequestHead, id: String, now: Timestamp) -> HTTPResponse {
        if head.method == .head { reply.body.clear() }
        reply.headers[.requestID] = id
        reply.headers[.date] = self.date.text(at: now)
        self.rules.cors.decorate(&reply.headers, for: head)
        if reply.status != .noContent { reply.headers[.contentLength] = String(reply.body.readableBytes) }
        return HTTPResponse(status: reply.status, headerFields: reply.headers)
    }
}
