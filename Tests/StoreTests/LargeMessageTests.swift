import Domain
import Foundation
import Redis
import Store
import TestKit
import Testing

/// Pages of large messages: what a script reads holds up all of Redis, so one call reads a part.
struct LargeMessageTests {
    /// Each begins with its number; ten take two scripts' budgets.
    private static let bodies = (0..<20).map { "\($0) " + String(repeating: "x", count: 200_000) }

    private func withLargeMessages(_ body: (TestStore, QueueAddress, [MessageID]) async throws -> Void) async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            var ids: [MessageID] = []
            for body in Self.bodies { ids += try await test.post([body], to: queue) }
            try await body(test, queue, ids)
        }
    }

    /// How many scripts an operation ran.
    private func scripts(_ test: TestStore, _ operation: () async throws -> Void) async throws -> Int {
        func ran() async throws -> Int {
            let text = try await test.redis.command("INFO", "commandstats").text ?? ""
            let calls = text.components(separatedBy: "cmdstat_evalsha:calls=").dropFirst().first
            return calls.flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
        }
        let before = try await ran()
        try await operation()
        return try await ran() - before
    }

    private func numbers(_ messages: [StoredMessage]) -> [String] {
        messages.map { String(decoding: $0.body.prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self) }
    }

    @Test(arguments: [false, true]) func `A page of large messages is whole, and more than one script reads it`(
        includeClaimed: Bool
    ) async throws {
        try await self.withLargeMessages { test, queue, _ in
            var page: [StoredMessage] = []
            let scripts = try await self.scripts(test) {
                page = try await test.store.messages.list(
                    queue, after: nil, limit: 20, hiding: nil, includeDelayed: false, includeClaimed: includeClaimed)
            }
            #expect(self.numbers(page) == (0..<20).map(String.init))
            #expect(scripts == 2)
        }
    }

    @Test func `Large messages are read by their ids in the order asked for, a few a script`() async throws {
        try await self.withLargeMessages { test, queue, ids in
            var found: [StoredMessage] = []
            let scripts = try await self.scripts(test) {
                found = try await test.store.messages.get(queue, ids: ids.reversed())
            }
            #expect(self.numbers(found) == (0..<20).reversed().map(String.init))
            #expect(scripts == 4)
        }
    }

    @Test func `A claim takes large messages as far as one script reads them, and shows all that it took`() async throws
    {
        try await self.withLargeMessages { test, queue, _ in
            let claim = try #require(try await test.store.claims.create(queue, limit: 20, ttl: 60, grace: 60))
            #expect(self.numbers(claim.messages) == (0..<10).map(String.init))
            var shown: Claim?
            let scripts = try await self.scripts(test) {
                shown = try await test.store.claims.get(queue, id: claim.id)
            }
            #expect(self.numbers(shown?.messages ?? []) == (0..<10).map(String.init))
            #expect(scripts == 2)
            // Also those that come back.
            try await test.store.claims.release(queue, id: claim.id)
            let again = try await test.store.claims.create(queue, limit: 20, ttl: 60, grace: 60)
            #expect(self.numbers(again?.messages ?? []) == (0..<10).map(String.init))
            let rest = try await test.store.messages.pop(queue, limit: 20)
            #expect(self.numbers(rest) == (10..<20).map(String.init))
        }
    }
}
