import Domain
import HTTPServer
import Keystone
import Logging
import NIOCore
import Operations
import Policy
import Runtime
import Signing
import Store

/// Answers one request after the other: the checks of the head in the order that clients rely on, then the body, then one
/// operation, then one write.
///
/// ```
/// authentication ─ path ─ form ─ Accept ─ Client-ID ─ project ─ queue name ─ method ─ policy ─ body within limits ─ turn of the project ─ operation
///   404, 401, 503   404    400     406       400        400        400         405      403           400                   503
/// ```
///
/// Every answer gets the CORS headers.
final class RESTResponder: Sendable {
    let limits: Limits
    let handlers: RESTHandlers
    let admission: ProjectAdmission
    let rules: AccessRules
    /// What the paths of pages begin with; empty for nothing.
    let pagePrefix: String
    /// Whether requests are who they say they are.
    let believesCallers: Bool
    private let control: AccessControl
    let metrics: RESTMetrics
    /// nil: none is kept.
    let audit: AuditLog?
    /// nil: none are logged.
    let requests: RequestLog?
    let logger: Logger

    init(
        operations: Operations, rules: AccessRules, pages: PageRules, authentication: Authentication,
        metrics: RESTMetrics, audit: AuditLog?, requests: RequestLog?, logger: Logger
    ) {
        self.limits = operations.limits
        self.control = AccessControl(
            authentication.authenticator(signedURLKeys: rules.signedURLKeys), rules.policy)
        self.handlers = RESTHandlers(operations, rules, pages)
        self.admission = operations.admission
        self.rules = rules
        self.pagePrefix = pages.prefix
        self.believesCallers = authentication.believesCallers
        self.metrics = metrics
        self.audit = audit
        self.requests = requests
        self.logger = logger
    }

    func respond(to request: HTTPRequestHead) -> HTTPAction {
        .task { exchange in await self.answer(request, on: exchange) }
    }

    /// The answer to what is no request, or stops being one in the middle of its body.
    ///
    /// - Parameter request: One for which ``respond(to:)`` is not called; nil: there is none, or it was.
    func refuse(_ fault: HTTPRequestFault, _ request: (head: HTTPRequestHead, caller: SocketAddress?)?) -> Reply {
        let id = RequestID.make()
        var reply =
            fault == .overloaded
            ? Reply.overloaded : Problem(.badRequest, "Invalid API request", fault.description).reply
        self.rules.cors.decorate(&reply.headers, for: nil)
        reply.headers[.requestID] = id
        self.record(nil, reply.status, id: id, project: nil, since: .now())
        if let audit, let request {
            let head = RequestHead(request.head, believesCaller: false)
            if var entry = AuditEntry(self.match(head), head, id: id) {
                entry.from = request.caller
                audit.write(entry, status: reply.status.code, since: .now())
            }
        }
        return reply
    }

    private func answer(_ request: HTTPRequestHead, on exchange: HTTPExchange) async -> Reply {
        let started = NIODeadline.now()
        let now = Timestamp.ofThisMachine()
        let head = RequestHead(request, believesCaller: self.believesCallers)
        let id = RequestID.make()
        let match = self.match(head)
        var entry: AuditEntry?
        if self.audit != nil {
            entry = AuditEntry(match, head, id: id)
            if entry != nil { entry?.from = await exchange.callerAddress(of: request) }
        }
        var reached: (path: RoutePath, method: HTTPMethod)?
        var project: String?

        var reply: Reply
        switch await self.authenticate(head, match, id: id, now: now) {
        case .refused(let answer): reply = answer
        case .admitted(let identity):
            entry?.identity = identity
            project = identity?.project
            switch self.admit(head, match, identity) {
            case .answer(let answer): reply = answer
            case .go(let admitted):
                reached = (admitted.match.path, head.method)
                do throws(HTTPRequestFault) {
                    reply = try await self.answer(head, admitted, on: exchange, id: id, now: now, entry?.notes)
                } catch {
                    // The listener has refused it, by ``refuse(_:_:)``, under an id of its own; this goes nowhere.
                    entry?.request = nil
                    self.write(entry, error == .overloaded ? .serviceUnavailable : .badRequest, since: started)
                    return .empty(.badRequest)
                }
            }
        }
        self.rules.cors.decorate(&reply.headers, for: head)
        reply.headers[.requestID] = id
        self.record(reached, reply.status, id: id, project: project, since: started)
        self.write(entry, reply.status, since: started)
        return reply
    }

    /// Counts an answer, and logs it where the operator asks for that.
    ///
    /// - Parameter reached: nil for a request that reached no route.
    private func record(
        _ reached: (path: RoutePath, method: HTTPMethod)?, _ status: HTTPStatus, id: String, project: String?,
        since started: NIODeadline
    ) {
        self.metrics.record(reached, status, since: started)
        self.requests?.record(
            reached.map { "\($0.method.rawValue) \($0.path.template)" }, (LogKey.requestID, id), project: project,
            status: status.code, since: started)
    }

    private func write(_ entry: AuditEntry?, _ status: HTTPStatus, since started: NIODeadline) {
        if let entry { self.audit?.write(entry, status: status.code, since: started) }
    }

    /// Reads the body, as far as the route takes one, and runs the operation.
    private func answer(
        _ head: RequestHead, _ admitted: Admitted, on exchange: HTTPExchange, id: String, now: Timestamp,
        _ notes: AuditNotes?
    ) async throws(HTTPRequestFault) -> Reply {
        var body = ByteBuffer()
        if head.hasBody, let bytesMax = admitted.route.body.bytesMax(self.limits) {
            guard let read = try await exchange.body(upTo: bytesMax) else {
                var reply =
                    admitted.route.isPage
                    ? self.handlers.pages.incomplete : Problem.bodyTooLarge(bytesMax: bytesMax).reply
                reply.isLast = true
                return reply
            }
            body = read
        }
        // It may have taken minutes.
        if head.hasBody, let access = admitted.dueAccess(self.control) {
            do throws(AccessEnded) { try await access.holdIdentity() } catch { return self.reply(error, id: id) }
        }
        var turn: ProjectTurn?
        if let project = admitted.caller?.project {
            do throws(TurnRefused) { turn = try await self.admission.enter(project) } catch { return .overloaded }
        }
        defer { turn?.leave() }
        let request = ReceivedRequest(
            head: head, caller: admitted.caller, target: admitted.target, id: admitted.match.id, body: body, now: now,
            exchange: exchange, turn: turn, route: admitted.route, control: self.control, notes: notes)
        return await self.perform(admitted.route, request, id: id)
    }

    // MARK: - The head

    /// A request whose head passed every check.
    private struct Admitted {
        let match: PathTree.Match
        let route: Route
        /// nil where the route needs none.
        let caller: Caller?
        let target: RequestTarget

        /// Where who the caller is has to be established again; nil also without a caller, or a rule for it.
        func dueAccess(_ control: AccessControl) -> StandingAccess? {
            guard let caller, let rule = self.route.rule,
                StandingIdentity(caller.identity).isDue(at: .now(), .ofThisMachine())
            else { return nil }
            return StandingAccess(caller, to: rule, on: self.target.queue, control)
        }
    }

    private enum Authenticated {
        case refused(Reply)
        /// nil where nothing has to say who sends the request.
        case admitted(Identity?)
    }

    private enum Admission {
        case answer(Reply)
        case go(Admitted)
    }

    /// nil for a path that is not served here.
    private func match(_ head: RequestHead) -> PathTree.Match? {
        if let match = RouteTable.tree.match(head.path), match.path.availability.isGiven(by: self.rules),
            !match.path.isPage || self.pagePrefix.isEmpty
        {
            return match
        }
        guard !self.pagePrefix.isEmpty, head.path.hasPrefix(self.pagePrefix) else { return nil }
        let page = RouteTable.tree.match(String(head.path.dropFirst(self.pagePrefix.count)))
        return page?.path.isPage == true ? page : nil
    }

    private func authenticate(
        _ head: RequestHead, _ match: PathTree.Match?, id: String, now: Timestamp
    ) async -> Authenticated {
        // A signature counts wherever it is sent; beside it an open route asks for nothing, and neither does a browser that
        // asks for leave: it sends no credentials.
        guard match?.path.isOpen != true && !head.isPreflight || head.credentials.signature != nil else {
            return .admitted(nil)
        }
        do throws(AuthenticationError) {
            return .admitted(try await self.control.authenticator.identity(of: head.credentials, at: now))
        } catch {
            return .refused(self.reply(.identity(error), id: id))
        }
    }

    private func reply(_ ended: AccessEnded, id: String) -> Reply {
        switch ended {
        case .notAuthorized: return Problem(Refusal.notAuthorized).reply
        case .identity(.unauthenticated(let challenge)): return .unauthenticated(challenge)
        case .identity(.unavailable(let seconds)): return .unavailable(retryAfter: seconds)
        case .identity(.signatureRefused(let reason)):
            self.logger.warning(
                "A pre-signed request was refused",
                metadata: [LogKey.requestID: "\(id)", LogKey.reason: "\(reason.rawValue)"])
            return Problem.unknownPath.reply
        }
    }

    private func admit(_ head: RequestHead, _ match: PathTree.Match?, _ identity: Identity?) -> Admission {
        if head.method == .options {
            let reply = Reply.empty(.ok)
            return .answer(match.map { reply.with(.allow, $0.path.allow) } ?? reply)
        }
        guard let match else { return .answer(Problem.unknownPath.reply) }
        if head.isForm, head.hasBody, !match.path.isPage { return .answer(Problem.formBody.reply) }
        guard match.path.isPage || Accept.admits(head.accept, match.path.types) else {
            return .answer(Problem.notAcceptable.reply)
        }
        do throws(Refusal) {
            var caller: Caller?
            var target = RequestTarget.none
            if match.path.needsCaller, let identity {
                let client = head.client ?? (match.path.needsClient ? nil : RandomUUID().text())
                let known = try Caller(client: client, of: self.rules.clients, identity)
                target = try RequestTarget(match, project: known.project)
                caller = known
            }
            guard let route = match.path.route(for: head.method) else {
                return .answer(Problem.methodNotAllowed.reply.with(.allow, match.path.allow + ", OPTIONS"))
            }
            if let rule = route.rule, let caller,
                !caller.isAdmitted(by: self.rules.policy.current, to: rule, on: target.queue)
            {
                throw .notAuthorized
            }
            return .go(Admitted(match: match, route: route, caller: caller, target: target))
        } catch {
            return .answer(Problem(error).reply)
        }
    }

    // MARK: - The operation

    private func perform(_ route: Route, _ request: ReceivedRequest, id: String) async -> Reply {
        if case .metadataPatch = route.body, request.head.mediaType != BodyForm.patchType {
            return Problem.unsupportedPatch(BodyForm.patchType).reply.with(.acceptPatch, BodyForm.patchType)
        }
        let unrecognized = UnrecognizedHeader(request, of: route)
        if self.rules.isStrict, let problem = unrecognized.problem { return problem.reply }
        do {
            let reply = try await route.handler(self.handlers, request)
            guard let value = unrecognized.value, (200..<300).contains(reply.status.code) else { return reply }
            return reply.with(.heraldUnrecognized, value)
        } catch let refusal as Refusal {
            return Problem(refusal).reply
        } catch let ended as AccessEnded {
            return self.reply(ended, id: id)
        } catch is TurnRefused {
            return .overloaded
        } catch let exceeded as LimitExceeded {
            return .failure(exceeded)
        } catch let error as StoreError {
            var metadata: Logger.Metadata = [
                LogKey.requestID: "\(id)", LogKey.error: "\(error)", LogKey.storeTrouble: "\(error.trouble.rawValue)",
            ]
            if let global = request.head.globalRequestID { metadata["request.global_id"] = "\(global)" }
            self.logger.warning("The store failed a request", metadata: metadata)
            if route.failsWithoutBody { return .empty(.serviceUnavailable) }
            if route.isPage { return self.handlers.pages.failure(.serviceUnavailable) }
            return .failure(error, isRepeatable: route.isRepeatable)
        } catch let trouble as KeystoneTrouble {
            self.logger.warning(
                "Keystone says nothing about a trust",
                metadata: [
                    LogKey.requestID: "\(id)", LogKey.reason: "\(trouble.word)", LogKey.error: "\(trouble)",
                ])
            return .unavailable()
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
            return route.isPage
                ? self.handlers.pages.failure(.internalServerError) : Problem.internalError.reply
        }
    }
}
