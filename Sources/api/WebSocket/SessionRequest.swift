import Domain
import JSON
import NIOCore

/// A message of a client, with what is known of its connection.
struct SessionRequest: Sendable {
    let session: SessionID
    /// The address the connection comes from.
    let caller: SocketAddress?
    let access: SessionIdentity.Access
    let slot: SessionSlot
    /// When it arrived, by this machine's clock.
    let now: Timestamp
    /// The same by that of the event loop.
    let arrivedAt = NIODeadline.now()
    let message: ByteBuffer
    let format: FrameFormat
}

/// What is done with a message.
enum SessionStep: Sendable {
    /// It is answered by this frame.
    case answer(ByteBuffer)
    case authenticate(SessionAuthentication)
    case perform(SessionWork)
}

/// The answer to a request, as a frame.
struct SessionAnswer: Sendable {
    let frame: ByteBuffer
    /// A signature of the request admitted it.
    let isSigned: Bool
}

/// A request that takes the store.
struct SessionWork: Sendable {
    let responder: ActionResponder
    let request: SessionRequest
    let envelope: Envelope
    let action: Action

    /// Bytes it is held in while it is carried out.
    var bytes: Int { self.envelope.json.readableBytes }

    /// Whether the connection may be subscribed by it.
    var subscribesSession: Bool {
        self.action.name == "subscription_create" && SubscriptionActions.isOfSession(self.envelope.body ?? .init())
    }

    func answer() async -> SessionAnswer {
        var entry = self.responder.audit == nil ? nil : AuditEntry(self.action, self.request, self.envelope)
        let (answer, identity) = await self.responder.perform(self, entry?.notes)
        self.responder.record(self.action, answer, to: self.request, from: identity)
        if let identity { entry?.identity = identity }
        self.responder.write(entry, answer, to: self.request)
        var isSigned = false
        if case .signedURL = identity?.origin { isSigned = true }
        return SessionAnswer(frame: self.responder.frame(answer, to: self.envelope), isSigned: isSigned)
    }
}

/// A request that establishes who the connection acts for.
struct SessionAuthentication: Sendable {
    struct Outcome: Sendable {
        let frame: ByteBuffer
        /// nil: none was established.
        let identity: Identity?
    }

    let responder: ActionResponder
    let request: SessionRequest
    let envelope: Envelope

    /// The answer while another identity is being established.
    func refusal() -> ByteBuffer {
        let answer = ActionAnswer.notAuthenticated
        self.responder.record(.authenticate, answer, to: self.request)
        return self.responder.frame(answer, to: self.envelope, echoesAction: true)
    }

    func outcome() async -> Outcome {
        let (answer, identity) = await self.responder.authenticate(self)
        self.responder.record(.authenticate, answer, to: self.request, from: identity)
        return Outcome(
            frame: self.responder.frame(answer, to: self.envelope, echoesAction: true), identity: identity)
    }
}
