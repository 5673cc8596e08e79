import Domain
import JSON
import MessagePack
import NIOCore

/// A request as it came in one message: `{"action": "…", "headers": {…}, "body": {…}}`.
///
/// What is not known here is allowed and ignored. It is read as JSON, whatever it was written in.
struct Envelope: Sendable {
    /// Why a message is no envelope.
    enum Fault: Sendable {
        case undecodable(String)
        case notObject
    }

    let format: FrameFormat
    /// The message as JSON; empty when it is no envelope.
    let json: ByteBuffer
    let fault: Fault?
    private let object: JSONObject
    /// nil for one that is no text.
    let action: String?
    /// Empty when there are none, or what there is is no object.
    let headers: JSONObject
    /// nil when there is none, or what there is is no object.
    let body: JSONObject?

    static func read(_ message: ByteBuffer, _ format: FrameFormat) -> Envelope {
        let json: ByteBuffer
        do throws(MessagePackInvalid) {
            json = format == .text ? message : try MessagePack.json(of: message.readableBytesUInt8Span)
        } catch {
            return Envelope(format, fault: .undecodable(error.description))
        }
        do throws(JSONInvalid) {
            guard let object = try Self.object(of: Array(json.readableBytesView)) else {
                return Envelope(format, fault: .notObject)
            }
            return Envelope(format, json: json, object)
        } catch {
            return Envelope(format, fault: .undecodable(error.description))
        }
    }

    private init(
        _ format: FrameFormat, json: ByteBuffer = ByteBuffer(), fault: Fault? = nil, _ object: JSONObject = JSONObject()
    ) {
        self.format = format
        self.json = json
        self.fault = fault
        self.object = object
        self.action = object["action"].flatMap { object.text($0) }
        self.headers = object["headers"].flatMap { object.object($0) } ?? JSONObject()
        self.body = object["body"].flatMap { object.object($0) }
    }

    /// nil for a document that is sound and no object.
    private static func object(of bytes: [UInt8]) throws(JSONInvalid) -> JSONObject? {
        var reader = JSONReader()
        guard try reader.peek(in: bytes.span) != UInt8(ascii: "{") else {
            let object = try JSONObject(&reader, of: bytes)
            try reader.end(in: bytes.span)
            return object
        }
        _ = try reader.value(in: bytes.span)
        try reader.end(in: bytes.span)
        return nil
    }

    /// Whether there is a body that is not null.
    var hasBody: Bool { self.object["body"] != nil }

    /// The action as an error names it.
    var actionShown: String {
        if let action { return action.shortened }
        return self.object["action"].map { String(decoding: self.object.verbatim($0), as: UTF8.self).shortened }
            ?? "null"
    }

    /// The text of a header; nil when it is not there, or no text.
    func header(_ name: String) -> String? { self.headers[name].flatMap { self.headers.text($0) } }

    /// The text of a header that must not be passed over; nil when it is not there.
    ///
    /// - Throws: ``Refusal/requestInvalid(_:)`` when it is no text.
    func textHeader(_ name: String) throws(Refusal) -> String? {
        guard let value = self.headers[name] else { return nil }
        guard let text = self.headers.text(value) else {
            throw .requestInvalid("The header \(name) has to be a string.")
        }
        return text
    }

    /// The items of a header that is a list, or a text with commas between; nil when it is not there.
    func listHeader(_ name: String) -> String? {
        guard let value = self.headers[name] else { return nil }
        return self.headers.texts(value)?.joined(separator: ",") ?? self.headers.text(value)
    }

    // MARK: - Answer

    /// The message that answers it.
    ///
    /// - Parameter echoesAction: Whether nothing of the request but its action is repeated: what came with it is secret.
    func answer(_ answer: ActionAnswer, echoesAction: Bool = false) -> ByteBuffer {
        JSONWriter.object(capacity: self.json.readableBytes + answer.bytes + 128) { object in
            object.object("request") { request in
                self.echo("action", to: &request) { $0.null("action") }
                if echoesAction {
                    request.object("body") { _ in }
                    request.object("headers") { _ in }
                } else {
                    self.echo("body", to: &request) { $0.object("body") { _ in } }
                    self.echo("headers", to: &request) { $0.object("headers") { _ in } }
                }
                request.member("api", "v2")
            }
            switch answer.body {
            case .text(let text): object.member("body", text)
            case .document(let document): object.member("body", verbatim: document)
            }
            object.object("headers") { headers in
                headers.member("status", answer.status)
                if let durability = answer.durability {
                    headers.member("Herald-Durability", durability.rawValue)
                }
                if answer.isRepeated { headers.member("Idempotent-Replayed", "true") }
                if let unrecognized = answer.unrecognized { headers.member(UnrecognizedHeader.name, unrecognized) }
            }
        }
    }

    /// Repeats a member as it was written.
    private func echo(
        _ name: StaticString, to request: inout JSONObjectWriter, orElse missing: (inout JSONObjectWriter) -> Void
    ) {
        guard let value = self.object.value(of: "\(name)") else { return missing(&request) }
        request.member(name, verbatim: self.object.verbatim(value))
    }
}

extension String {
    /// The text, or its beginning: callers choose names of any length.
    var shortened: String { self.utf8.count <= 64 ? self : self.prefix(64) + "…" }
}
