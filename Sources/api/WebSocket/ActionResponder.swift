import Domain
import HTTPServer
import JSON
import Keystone
import Logging
import MessagePack
import NIOCore
import Operations
import Policy
import Runtime
import Signing
import Store

/// Answers one message after the other: the checks in the order that clients rely on, then one operation.
///
/// ```
/// decoding ─ an object ─ the action ─ its shape ─ identity ─ Client-ID ─ project ─ queue name ─ policy ─ connections ─ turn of the project ─ operation
///    400        400         400          400         403        400         400         400       403       503             503
/// ```
struct ActionResponder: Sendable {
    let handlers: ActionHandlers
    let admission: ProjectAdmission
    let connections: ProjectConnections
    let clients: ClientIDForm
    /// Whether a request is refused that has names which mean nothing.
    let isStrict: Bool
    /// Whether requests are who they say they are.
    let believesCallers: Bool
    /// Establishes who a connection acts for, and admits requests with a signature of their own.
    let authenticator: SignedURLAuthenticator
    let policy: PolicyHolder
    /// nil: none is kept.
    let audit: AuditLog?
    /// nil: none are logged.
    let requests: RequestLog?
    let metrics = ActionMetrics()
    let logger: Logger

    /// Looks at everything that takes neither the store nor another service.
    func begin(_ request: SessionRequest) -> SessionStep {
        let envelope = Envelope.read(request.message, request.format)
        switch envelope.fault {
        case .undecodable(let reason):
            let kind = request.format == .text ? "text (JSON)" : "binary (MessagePack)"
            return self.refuse(request, envelope, "Can't decode \(kind) request. \(reason)")
        case .notObject: return self.refuse(request, envelope, "Unexpected body type. Expected dict or dict like.")
        case nil: break
        }
        guard let action = envelope.action.flatMap({ ActionTable.action(named: $0) }) else {
            return self.refuse(request, envelope, "\(envelope.actionShown) is not a valid action")
        }
        guard action.admits(envelope) else {
            return self.refuse(request, envelope, of: action, "Schema validation failed.")
        }
        guard case .authenticate = action.work else {
            return .perform(SessionWork(responder: self, request: request, envelope: envelope, action: action))
        }
        guard !self.believesCallers else {
            self.record(action, Self.authenticated, to: request)
            return .answer(self.frame(Self.authenticated, to: envelope, echoesAction: true))
        }
        // Nothing bounds what those hold together that wait for another service.
        guard request.message.readableBytes <= Self.authenticateBytesMax else {
            return self.refuse(
                request, envelope, of: action, "It has at most \(Self.authenticateBytesMax) bytes.")
        }
        return .authenticate(SessionAuthentication(responder: self, request: request, envelope: envelope))
    }

    private func refuse(
        _ request: SessionRequest, _ envelope: Envelope, of action: Action? = nil, _ text: String
    ) -> SessionStep {
        let answer = ActionAnswer.refused(.badRequest, text)
        self.record(action, answer, to: request)
        if self.audit != nil, let action { self.write(AuditEntry(action, request, envelope), answer, to: request) }
        return .answer(self.frame(answer, to: envelope, echoesAction: action === Action.authenticate))
    }

    /// Counts an answer, and logs it where the operator asks for that.
    func record(_ action: Action?, _ answer: ActionAnswer, to request: SessionRequest, from identity: Identity? = nil) {
        self.metrics.record(action, answer.status, since: request.arrivedAt)
        self.requests?.record(
            action?.name, (LogKey.sessionID, "\(request.session)"), project: identity?.project, status: answer.status,
            since: request.arrivedAt)
    }

    /// Writes a request into the audit log; nothing for nil.
    func write(_ entry: AuditEntry?, _ answer: ActionAnswer, to request: SessionRequest) {
        if let entry { self.audit?.write(entry, status: answer.status, since: request.arrivedAt) }
    }

    /// The message that answers a request, in its format.
    func frame(_ answer: ActionAnswer, to envelope: Envelope, echoesAction: Bool = false) -> ByteBuffer {
        let json = envelope.answer(answer, echoesAction: echoesAction)
        guard envelope.format == .binary else { return FrameWriter.message(json, .text) }
        do throws(JSONInvalid) {
            return FrameWriter.message(try MessagePack.bytes(of: json.readableBytesUInt8Span), .binary)
        } catch {
            // What is stored was read before it was stored: something else has written there.
            self.logger.error("An answer is no JSON", metadata: [LogKey.error: "\(error)"])
            let failure = envelope.answer(.unexpected, echoesAction: true)
            return FrameWriter.message((try? MessagePack.bytes(of: failure.readableBytesUInt8Span)) ?? failure, .binary)
        }
    }

    // MARK: - Identity

    /// Clients compare the word.
    private static let authenticated = ActionAnswer(
        .ok, JSONWriter.object { $0.member("message", "Authentified.") })

    /// Two tokens, and some more.
    private static let authenticateBytesMax = 32 * 1024

    private static let authenticationFailed = "Authentication failed."

    func authenticate(_ authentication: SessionAuthentication) async -> (ActionAnswer, Identity?) {
        let envelope = authentication.envelope
        var credentials = Credentials(method: HTTPMethod.get.rawValue, path: WebSocketEndpoint.path)
        credentials.opensConnection = true
        credentials.token = envelope.header("X-Auth-Token")
        credentials.serviceToken = envelope.header("X-Service-Token")
        do throws(AuthenticationError) {
            let identity = try await self.authenticator.identity(of: credentials, at: authentication.request.now)
            guard let exceeded = await self.count(identity, as: authentication.request.slot) else {
                return (Self.authenticated, identity)
            }
            return (ActionAnswer(Problem(exceeded), Self.authenticationFailed), nil)
        } catch {
            switch error {
            case .unauthenticated, .signatureRefused:
                return (.refused(.unauthorized, Self.authenticationFailed), nil)
            case .unavailable: return (.refused(.serviceUnavailable, Self.authenticationFailed), nil)
            }
        }
    }

    /// Counts a connection for the project of its identity.
    ///
    /// - Returns: Why it may not have that; the one before stays.
    private func count(_ identity: Identity, as slot: SessionSlot) async -> LimitExceeded? {
        guard let project = try? ProjectID(identity.project), project != slot.project else { return nil }
        do throws(LimitExceeded) { slot.take(try await self.connections.open(project)) } catch { return error }
        return nil
    }

    /// - Throws: ``ActionNotAuthenticated``.
    private func identity(of work: SessionWork) async throws(ActionNotAuthenticated) -> Identity {
        let credentials = work.credentials
        switch work.request.access {
        case .known(let identity):
            guard let project = work.envelope.header("X-Project-ID"), project == identity.project else {
                throw ActionNotAuthenticated.otherProject
            }
            return identity
        case .validating: throw ActionNotAuthenticated.unknown
        case .anonymous where credentials.signature == nil: throw ActionNotAuthenticated.unknown
        case .stated, .anonymous: break
        }
        do throws(AuthenticationError) {
            return try await self.authenticator.identity(of: credentials, at: work.request.now)
        } catch {
            switch error {
            case .unauthenticated, .unavailable: break
            case .signatureRefused(let reason):
                self.logger.warning(
                    "A pre-signed request was refused",
                    metadata: [
                        LogKey.sessionID: "\(work.request.session)", LogKey.reason: "\(reason.rawValue)",
                    ])
            }
            throw ActionNotAuthenticated.unknown
        }
    }

    // MARK: - Operation

    /// - Returns: The answer, and who the request is from; nil where that is not established.
    func perform(_ work: SessionWork, _ notes: AuditNotes?) async -> (ActionAnswer, Identity?) {
        guard case .operation(let rule, let handler) = work.action.work else {
            preconditionFailure("\(work.action.name) is no operation")
        }
        var known: Identity?
        do {
            let identity = try await self.identity(of: work)
            known = identity
            let caller = try Caller(client: work.envelope.header("Client-ID"), of: self.clients, identity)
            let request = try ActionRequest(work.action, work.request, work.envelope, caller, notes)
            guard caller.isAdmitted(by: self.policy.current, to: rule, on: request.queueName) else {
                throw Refusal.notAuthorized
            }
            if case .stated = work.request.access, work.request.slot.project == nil {
                work.request.slot.take(try await self.connections.open(caller.project))
            }
            let unrecognized = UnrecognizedHeader(request, of: work.action)
            if self.isStrict, let problem = unrecognized.problem { return (ActionAnswer(problem, work.failure), known) }
            let turn = try await self.admission.enter(caller.project)
            defer { turn.leave() }
            var answer = try await handler(self.handlers, request)
            if (200..<300).contains(answer.status) { answer.unrecognized = unrecognized.value }
            return (answer, known)
        } catch {
            self.log(error, of: work)
            return (ActionAnswer(error, of: work.action, failure: work.failure), known)
        }
    }

    private func log(_ thrown: any Error, of work: SessionWork) {
        var metadata: Logger.Metadata = [LogKey.sessionID: "\(work.request.session)", "action": "\(work.action.name)"]
        switch thrown {
        case is ActionNotAuthenticated, is ActionRefusal, is Refusal, is TurnRefused, is LimitExceeded: break
        case let error as StoreError:
            metadata[LogKey.error] = "\(error)"
            metadata[LogKey.storeTrouble] = "\(error.trouble.rawValue)"
            self.logger.warning("The store failed a request", metadata: metadata)
        case let trouble as KeystoneTrouble:
            metadata[LogKey.reason] = "\(trouble.word)"
            metadata[LogKey.error] = "\(trouble)"
            self.logger.warning("Keystone says nothing about a trust", metadata: metadata)
        case let error as BodyUnreadable:
            metadata[LogKey.messageID] = "\(error.message)"
            metadata[LogKey.error] = "\(error.reason)"
            self.logger.error("A message body does not open", metadata: metadata)
        default:
            metadata[LogKey.error] = "\(thrown)"
            self.logger.error("A request failed with an unexpected error", metadata: metadata)
        }
    }
}

extension SessionWork {
    /// What was not done where it fails.
    fileprivate var failure: String { self.action.failure.replacing("{}", with: self.envelope.queueName ?? "") }

    /// What the request brings: a signature counts for the messages of the queue that its body names.
    fileprivate var credentials: Credentials {
        var credentials = Credentials(
            method: self.action.signedMethod?.rawValue ?? "",
            path: "/v2/queues/\(self.envelope.queueName ?? "")/messages")
        let project = self.envelope.header("X-Project-ID")
        if self.responder.believesCallers {
            credentials.stated.project = project
            credentials.token = self.envelope.header("X-Auth-Token")
        }
        credentials.signature = self.envelope.header("URL-Signature").map { text in
            Credentials.Signature(
                text: text, project: project, methods: self.envelope.listHeader("URL-Methods"),
                paths: self.envelope.listHeader("URL-Paths"), expires: self.envelope.header("URL-Expires"))
        }
        return credentials
    }
}
