import API
import Foundation
import Redis
import TestKit

/// A client with the role of an administrator, on an API that serves its routes.
struct Administrator: Sendable {
    let client: APIClient

    init(_ api: RunningAPI, project: String? = nil) {
        self.client = api.client(project: project)
    }

    static var rules: AccessRules {
        var rules = AccessRules()
        rules.hasAdministration = true
        return rules
    }

    func send(_ method: String, _ path: String, _ body: String? = nil) async throws -> HTTPReply {
        try await self.client.send(method, path, body, headers: [("X-Roles", "admin")])
    }

    func get(_ path: String) async throws -> HTTPReply { try await self.send("GET", path) }
    func put(_ path: String, _ body: String) async throws -> HTTPReply { try await self.send("PUT", path, body) }
    func patch(_ path: String, _ body: String) async throws -> HTTPReply { try await self.send("PATCH", path, body) }
    func delete(_ path: String) async throws -> HTTPReply { try await self.send("DELETE", path) }

    @discardableResult
    func putPool(
        _ name: String, _ uri: String, weight: Int = 100, flavor: String? = nil, options: String? = nil
    ) async throws -> HTTPReply {
        let label = flavor.map { ",\"flavor\":\"\($0)\"" } ?? ""
        let more = options.map { ",\"options\":\($0)" } ?? ""
        return try await self.put("/v2/pools/\(name)", "{\"uri\":\"\(uri)\",\"weight\":\(weight)\(label)\(more)}")
    }

    @discardableResult
    func putFlavor(_ name: String, _ pools: [String]) async throws -> HTTPReply {
        let list = pools.map { "\"\($0)\"" }.joined(separator: ",")
        return try await self.put("/v2/flavors/\(name)", "{\"pool_list\":[\(list)]}")
    }
}

/// Gives several running Redis servers of one's own.
func withServers(
    _ count: Int, _ found: [RedisServer] = [], appendOnly: Bool = false, _ body: ([RedisServer]) async throws -> Void
) async throws {
    guard found.count < count else { return try await body(found) }
    try await withRedis(appendOnly: appendOnly) { server in
        try await withServers(count, found + [server], appendOnly: appendOnly, body)
    }
}

extension RedisServer {
    /// Its URI with something behind it that tells it from others of the same server.
    func uri(_ mark: String) -> String { "\(self.url)?t=\(mark)" }

    /// How many queues lie there.
    func queueCount() async throws -> Int {
        try await self.command("KEYS", "herald:{s*}:queue:*:meta").array?.count ?? 0
    }
}
