import Foundation
import MessagePack
import NIOCore
import TestKit
import Testing

/// Asks for actions over a connection of its own, as one client of one project.
struct ActionClient: Sendable {
    let socket: WebSocketClient
    var project = UUID().uuidString
    var client = UUID().uuidString.lowercased()
    var isBinary = false

    static func connect(
        _ address: String, path: String = "/", project: String? = nil, isBinary: Bool = false
    ) async throws -> ActionClient {
        var client = ActionClient(socket: try await WebSocketClient.connect(address, path: path), isBinary: isBinary)
        if let project { client.project = project }
        return client
    }

    /// The headers of a request as JSON.
    func headers(_ more: [String: String] = [:], without missing: String? = nil) -> String {
        var headers = ["Client-ID": self.client, "X-Project-ID": self.project].merging(more) { $1 }
        if let missing { headers[missing] = nil }
        let data = try? JSONSerialization.data(withJSONObject: headers, options: [.sortedKeys])
        return String(decoding: data ?? Data(), as: UTF8.self)
    }

    /// - Parameter body: JSON; nil: none.
    func request(_ action: String, _ body: String?, headers: String? = nil) -> String {
        let rest = body.map { #", "body": \#($0)"# } ?? ""
        return #"{"action": "\#(action)", "headers": \#(headers ?? self.headers())\#(rest)}"#
    }

    func call(_ action: String, _ body: String? = nil, headers: String? = nil) async throws -> ActionReply {
        try await self.send(self.request(action, body, headers: headers))
        return try await self.reply()
    }

    /// Sends a document in the format of this client.
    func send(_ json: String) async throws {
        guard self.isBinary else { return try await self.socket.send(text: json) }
        let bytes = try MessagePack.bytes(of: Array(json.utf8).span)
        try await self.socket.send(binary: Array(bytes.readableBytesView))
    }

    /// The next message; pings of a run that takes long are passed.
    func reply() async throws -> ActionReply {
        var frame = try await self.socket.next()
        while frame?.opcode == 9 { frame = try await self.socket.next() }
        let answer = try #require(frame, "the connection is over")
        guard answer.opcode != 8 else { throw Closed(code: answer.code ?? 0, reason: answer.reason) }
        return try ActionReply(answer)
    }

    /// The server has closed the connection in place of an answer.
    struct Closed: Error {
        let code: Int
        let reason: String
    }

    /// Posts messages and returns their ids.
    func post(_ bodies: [String], to queue: String, ttl: Int = 300) async throws -> [String] {
        let messages = bodies.map { #"{"body": \#($0), "ttl": \#(ttl)}"# }.joined(separator: ", ")
        let reply = try await self.call("message_post", #"{"queue_name": "\#(queue)", "messages": [\#(messages)]}"#)
        #expect(reply.status == 201, "\(reply.text)")
        return reply["message_ids"] as? [String] ?? []
    }

    // MARK: - Queues that it follows

    /// Has the connection follow a queue.
    func follow(_ queue: String, from: String) async throws -> (id: String, place: String) {
        let reply = try await self.call(
            "subscription_create", #"{"queue_name": "\#(queue)", "options": {"_from": "\#(from)"}}"#)
        #expect(reply.status == 201, "\(reply.text)")
        return (
            try #require(reply["subscription_id"] as? String, "\(reply.text)"), try #require(reply["place"] as? String)
        )
    }

    /// The bodies of the next notifications; nil for one that is no number.
    func numbers(_ count: Int) async throws -> [Int?] {
        var numbers: [Int?] = []
        for _ in 0..<count { numbers.append(try await self.reply().document["body"] as? Int) }
        return numbers
    }
}

/// The answer to a request.
struct ActionReply {
    let isBinary: Bool
    /// As JSON.
    let text: String
    let document: NSDictionary

    init(_ frame: WebSocketClient.Frame) throws {
        #expect(
            frame.opcode == 1 || frame.opcode == 2,
            "no message: opcode \(frame.opcode) \(frame.code ?? 0) \(frame.reason)")
        self.isBinary = frame.opcode == 2
        self.text =
            self.isBinary ? String(buffer: try MessagePack.json(of: frame.payload.span)) : frame.text
        self.document = try JSONSerialization.jsonObject(with: Data(self.text.utf8)) as? NSDictionary ?? [:]
    }

    var status: Int { (self.document["headers"] as? [String: Any])?["status"] as? Int ?? 0 }
    var body: [String: Any] { self.document["body"] as? [String: Any] ?? [:] }
    /// The body, where it is a text.
    var word: String? { self.document["body"] as? String }
    var request: [String: Any] { self.document["request"] as? [String: Any] ?? [:] }
    var error: String? { self.body["error"] as? String }
    var exception: String? { self.body["exception"] as? String }

    subscript(name: String) -> Any? { self.body[name] }
    func objects(_ name: String) -> [[String: Any]] { self.body[name] as? [[String: Any]] ?? [] }

    /// Whether the whole answer equals a JSON document.
    func equals(_ json: String) throws -> Bool {
        try JSONSerialization.jsonObject(with: Data(json.utf8)) as? NSDictionary == self.document
    }
}
