import Documents
import Domain
import JSON
import NIOCore

/// A request whose shape is that of its action, and whose caller is known.
struct ActionRequest: Sendable {
    let session: SessionID
    let format: FrameFormat
    let caller: Caller
    /// nil for an action that is about no queue.
    private let queueNamed: QueueAddress?
    /// Empty when there is none.
    let body: JSONObject
    /// What ``body`` stands in.
    private let json: ByteBuffer
    /// When it arrived, by this machine's clock.
    let now: Timestamp
    /// What it says of the way its messages came.
    let provenance: Provenance
    /// By what a post is known again.
    let idempotencyKey: String?
    /// Whether a subscription that is there is to be renewed, as the caller wrote it.
    let renewal: String?
    /// nil where no audit log is kept of the request.
    let notes: AuditNotes?

    /// - Throws: ``Refusal/queueNameInvalid`` or ``Refusal/requestInvalid(_:)``.
    init(
        _ action: Action, _ request: SessionRequest, _ envelope: Envelope, _ caller: Caller, _ notes: AuditNotes?
    ) throws(Refusal) {
        self.session = request.session
        self.format = request.format
        self.caller = caller
        self.body = envelope.body ?? JSONObject()
        self.json = envelope.json
        self.now = request.now
        self.provenance = Provenance(
            trace: envelope.header("traceparent").flatMap { TraceContext(traceparent: $0) })
        self.idempotencyKey = try envelope.textHeader("Idempotency-Key")
        self.renewal = try envelope.textHeader(SubscriptionRenewal.header)
        self.notes = notes
        // A member that an action does not know says nothing, whatever its name.
        let name = action.members.contains { $0.name == "queue_name" } ? envelope.queueName : nil
        self.queueNamed = try name.map { name throws(Refusal) in
            QueueAddress(project: caller.project, name: try QueueName(name))
        }
    }

    // The table and its handlers are written together: what an action requires is there.

    var queue: QueueAddress {
        guard let queue = self.queueNamed else { preconditionFailure("the action names no queue") }
        return queue
    }

    /// nil for an action that is about no queue.
    var queueName: QueueName? { self.queueNamed?.name }

    func required(_ name: String) -> String {
        guard let text = self.text(name) else { preconditionFailure("the action requires no \(name)") }
        return text
    }

    func text(_ name: String) -> String? { self.body[name].flatMap { self.body.text($0) } }

    func integer(_ name: String) -> Int? { self.body[name]?.integer.map { Int($0) } }

    func boolean(_ name: String) -> Bool? { self.body[name]?.boolean }

    /// The texts of an array; empty when it is not there.
    ///
    /// - Throws: ``Refusal/bodyInvalid(_:)`` for one that holds anything else.
    func texts(_ name: String) throws(Refusal) -> [String] {
        guard let value = self.body[name] else { return [] }
        guard let texts = self.body.texts(value) else { throw .bodyInvalid("'\(name)' has to be an array of strings.") }
        return texts
    }

    /// A value as it was written, in the bytes of the request; nil when it is not there.
    func slice(_ name: String) -> ByteBuffer? {
        guard let range = self.body[name]?.range else { return nil }
        return self.json.getSlice(at: self.json.readerIndex + range.lowerBound, length: range.count)
    }
}

extension Envelope {
    /// The queue the body names, as the caller wrote it.
    var queueName: String? { self.body.flatMap { body in body["queue_name"].flatMap { body.text($0) } } }
}
