import Foundation
import TestKit

/// Sends requests as one client of one project.
struct APIClient: Sendable {
    let caller: HTTPCaller
    var project: String
    /// Undashed, as most clients send it.
    var client = UUID().uuidString.replacing("-", with: "").lowercased()

    var headers: [(String, String)] { [("Client-ID", self.client), ("X-Project-Id", self.project)] }

    func send(
        _ method: String, _ path: String, _ body: String? = nil, headers: [(String, String)] = []
    ) async throws -> HTTPReply {
        try await self.caller.send(method, path, headers: self.headers + headers, body: body)
    }

    func get(_ path: String) async throws -> HTTPReply { try await self.send("GET", path) }
    func put(_ path: String, _ body: String? = nil) async throws -> HTTPReply { try await self.send("PUT", path, body) }
    func post(_ path: String, _ body: String?) async throws -> HTTPReply { try await self.send("POST", path, body) }
    func patch(_ path: String, _ body: String?) async throws -> HTTPReply { try await self.send("PATCH", path, body) }
    func delete(_ path: String) async throws -> HTTPReply { try await self.send("DELETE", path) }

    /// Posts messages and returns the paths of `resources`.
    func postMessages(_ bodies: [String], to queue: String) async throws -> [String] {
        let messages = bodies.map { "{\"body\":\($0)}" }.joined(separator: ",")
        let reply = try await self.post("/v2/queues/\(queue)/messages", "{\"messages\":[\(messages)]}")
        return reply.json["resources"] as? [String] ?? []
    }
}

extension HTTPReply {
    /// The body as a JSON object; empty when it is none.
    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(self.body))) as? [String: Any] ?? [:]
    }

    func objects(_ name: String) -> [[String: Any]] { self.json[name] as? [[String: Any]] ?? [] }

    var title: String? { self.json["title"] as? String }
    var words: String { self.json["description"] as? String ?? "" }

    /// The href of the next page; nil without one.
    var next: String? { self.objects("links").first { $0["rel"] as? String == "next" }?["href"] as? String }
}
