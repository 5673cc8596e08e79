package import Domain
import JSON
package import NIOCore

/// The body of a message post, read in one pass: `{"messages": [{"body": …, "ttl": 60, "delay": 0}, …]}`.
///
/// Bodies stay where they are, as ranges of the request's bytes. Unknown members are dropped, of members with one name
/// the last counts (docs/api.md, "Messages" and "JSON").
package struct PostBody: Sendable, Equatable {
    package struct Message: Sendable, Equatable {
        /// Seconds, of any size, since ranges are the operation's business; nil: not said.
        package var ttl: Int64?
        /// Seconds, of any size; nil: not said.
        package var delay: Int64?
        /// The body's first byte to its last.
        package var body: Range<Int>
    }

    /// At least one.
    package let messages: [Message]

    /// - Parameter countMax: Messages there may be.
    /// - Throws: ``Refusal/bodyInvalid(_:)``, or ``Refusal/requestInvalid(_:)`` for too many messages.
    package init(_ bytes: Span<UInt8>, countMax: Int) throws(Refusal) {
        let reading: Reading
        do {
            reading = try Self.read(bytes, countMax)
        } catch {
            throw .unparsable(error)
        }
        do {
            self.messages = try reading.get()
        } catch {
            throw error.refusal
        }
    }

    /// The messages of a request's body, each body a slice of it.
    ///
    /// - Parameter countMax: Messages there may be.
    /// - Throws: ``Refusal/bodyInvalid(_:)``, or ``Refusal/requestInvalid(_:)`` for too many messages.
    package static func drafts(of body: ByteBuffer, countMax: Int) throws(Refusal) -> [MessageDraft] {
        Self.drafts(try PostBody(body.readableBytesUInt8Span, countMax: countMax).messages, in: body)
    }

    /// The same of the array alone, as an action over WebSocket has it, whose clients compare other texts.
    package static func drafts(ofArray array: ByteBuffer, countMax: Int) throws(Refusal) -> [MessageDraft] {
        var reader = JSONReader()
        let reading: Reading
        do {
            reading = try Self.readMessages(&reader, in: array.readableBytesUInt8Span, countMax)
        } catch {
            throw .unparsable(error)
        }
        do {
            return Self.drafts(try reading.get(), in: array)
        } catch {
            throw error.actionRefusal
        }
    }

    private static func drafts(_ messages: [Message], in body: ByteBuffer) -> [MessageDraft] {
        var drafts: [MessageDraft] = []
        drafts.reserveCapacity(messages.count)
        for message in messages {
            let start = body.readerIndex + message.body.lowerBound
            guard let slice = body.getSlice(at: start, length: message.body.count) else {
                preconditionFailure("a message's body lies outside of the request's")
            }
            drafts.append(
                MessageDraft(
                    ttl: message.ttl.map { Int($0) }, delay: message.delay.map { Int($0) }, body: slice))
        }
        return drafts
    }

    /// The canonical text of a message's body, of which checksums are made; nil for `null`.
    ///
    /// - Throws: ``Refusal/bodyInvalid(_:)``.
    package static func canonicalText(of draft: MessageDraft) throws(Refusal) -> [UInt8]? {
        do throws(JSONInvalid) {
            return try CanonicalJSON.text(of: draft.body.readableBytesUInt8Span)
        } catch {
            throw .unparsable(error)
        }
    }

    private typealias Reading = Result<[Message], PostFault>

    private static func read(_ bytes: Span<UInt8>, _ countMax: Int) throws(JSONInvalid) -> Reading {
        var reader = JSONReader()
        var reading = Reading.failure(.messagesMissing)
        switch try reader.peek(in: bytes) {
        case UInt8(ascii: "{"):
            try reader.openObject(in: bytes)
            while let name = try reader.nextName(in: bytes) {
                if JSONText.isEqual(name, to: "messages", in: bytes) {
                    reading = try Self.readMessages(&reader, in: bytes, countMax)
                } else {
                    _ = try reader.value(in: bytes)
                }
            }
        case UInt8(ascii: "["):
            _ = try reader.value(in: bytes)
            reading = .failure(.bodyNotObject)
        default: throw JSONInvalid(reason: .notContainer, offset: reader.index)
        }
        try reader.end(in: bytes)
        return reading
    }

    private static func readMessages(
        _ reader: inout JSONReader, in bytes: Span<UInt8>, _ countMax: Int
    ) throws(JSONInvalid) -> Reading {
        guard try reader.peek(in: bytes) == UInt8(ascii: "[") else {
            _ = try reader.value(in: bytes)
            return .failure(.messagesNotArray)
        }
        var messages: [Message] = []
        var fault: PostFault?
        try reader.openArray(in: bytes)
        while try reader.nextElement(in: bytes) {
            switch try Self.readMessage(&reader, in: bytes) {
            case .success where messages.count == countMax:
                fault = fault ?? .tooMany(countMax)
            case .success(let message): messages.append(message)
            case .failure(let first): fault = fault ?? first
            }
        }
        if let fault { return .failure(fault) }
        guard !messages.isEmpty else { return .failure(.messagesEmpty) }
        return .success(messages)
    }

    private static func readMessage(
        _ reader: inout JSONReader, in bytes: Span<UInt8>
    ) throws(JSONInvalid) -> Result<Message, PostFault> {
        guard try reader.peek(in: bytes) == UInt8(ascii: "{") else {
            _ = try reader.value(in: bytes)
            return .failure(.messageNotObject)
        }
        var body: JSONValue?
        var ttl: JSONValue?
        var delay: JSONValue?
        try reader.openObject(in: bytes)
        while let name = try reader.nextName(in: bytes) {
            let value = try reader.value(in: bytes)
            if JSONText.isEqual(name, to: "body", in: bytes) {
                body = value
            } else if JSONText.isEqual(name, to: "ttl", in: bytes) {
                ttl = value
            } else if JSONText.isEqual(name, to: "delay", in: bytes) {
                delay = value
            }
        }
        guard let body else { return .failure(.fieldMissing("body")) }
        // Checked only now: of two members with one name, an earlier one may be anything.
        if let ttl, ttl.integer == nil { return .failure(.fieldNotInteger("ttl")) }
        if let delay, delay.integer == nil { return .failure(.fieldNotInteger("delay")) }
        return .success(Message(ttl: ttl?.integer, delay: delay?.integer, body: body.range))
    }
}

/// What is wrong with the messages of a post.
private enum PostFault: Error {
    case bodyNotObject
    case messagesMissing
    case messagesNotArray
    case messagesEmpty
    case messageNotObject
    case tooMany(Int)
    case fieldMissing(String)
    case fieldNotInteger(String)

    var refusal: Refusal {
        switch self {
        case .bodyNotObject: .bodyInvalid("The body has to be a JSON object.")
        case .messagesMissing: .bodyInvalid("The member 'messages' is missing.")
        case .messagesNotArray: .bodyInvalid("'messages' has to be an array.")
        case .messagesEmpty: .bodyInvalid("'messages' has to hold at least one message.")
        case .messageNotObject: .bodyInvalid("Every message has to be a JSON object.")
        case .tooMany(let countMax): .requestInvalid("A post may hold at most \(countMax) messages.")
        case .fieldMissing(let name): .bodyInvalid("A message lacks its '\(name)'.")
        case .fieldNotInteger(let name): .bodyInvalid("'\(name)' has to be an integer.")
        }
    }

    /// The same over WebSocket, where clients compare two of the texts.
    var actionRefusal: Refusal {
        switch self {
        case .fieldMissing(let name): .bodyInvalid("Bad request. Missing \"\(name)\" field.")
        case .fieldNotInteger(let name): .bodyInvalid("Bad request. The value of the \"\(name)\" field must be a int.")
        default: self.refusal
        }
    }
}
