import Domain
import Store
import TestKit
import Testing

/// API keys in the control store.
struct APIKeyStoreTests {
    private static let now = Timestamp(milliseconds: 1_700_000_000_000)

    private func key(
        _ id: UInt8, project: String = "p", scope: APIKeyScope = APIKeyScope(), expires: Timestamp? = nil
    ) throws -> APIKey {
        APIKey(
            id: APIKeyID(random: [UInt8](repeating: id, count: 8)), project: try ProjectID(project),
            roles: ["member", "reader"], scope: scope, label: "of \"tests\", ü", created: Self.now, expires: expires)
    }

    @Test func `A key is kept as it was created, and of its secret only what was given`() async throws {
        try await withTestStore { test in
            let keys = test.store.apiKeys
            let scope = APIKeyScope(
                queues: [try #require(QueuePattern("orders*")), try #require(QueuePattern("a"))], verbs: [.post, .list])
            let expires = Self.now.adding(seconds: 60)
            let key = try self.key(1, project: "a:b", scope: scope, expires: expires)
            #expect(try await keys.create(key, secret: [1, 2, 255]) == .created)
            let kept = try #require(try await keys.find(key.id, at: Self.now))
            #expect(kept.secret == [1, 2, 255] && kept.previous == nil)
            #expect(kept.key.project.text == "a:b" && kept.key.roles == ["member", "reader"])
            #expect(kept.key.scope == scope && kept.key.label == key.label && kept.key.expires == expires)
            #expect(kept.key.created == test.time.now && kept.key.used == nil)
            // One of the same id changes nothing.
            #expect(try await keys.create(try self.key(1), secret: [9]) == .exists)
            #expect(try await keys.find(key.id, at: Self.now)?.secret == [1, 2, 255])
            #expect(try await keys.find(try self.key(2).id, at: Self.now) == nil)
        }
    }

    @Test func `The secret before counts until the overlap is over, and a revoked key is gone`() async throws {
        try await withTestStore { test in
            let keys = test.store.apiKeys
            let key = try self.key(1)
            #expect(try await keys.create(key, secret: [1]) == .created)
            #expect(try await keys.rotate(key.id, secret: [2], overlap: .seconds(60)))
            let start = test.time.now
            let kept = try #require(try await keys.find(key.id, at: start))
            #expect(kept.secret == [2] && kept.previous == [1])
            #expect(kept.key.overlapEnds == start.adding(seconds: 60))
            #expect(try await keys.find(key.id, at: start.adding(seconds: 60))?.previous == nil)
            try await keys.used(key.id, at: start)
            #expect(try await keys.find(key.id, at: start)?.key.used == start)
            #expect(try await keys.find(key.id, at: start)?.secret == [2])
            #expect(try await keys.revoke(key.id))
            #expect(try await keys.find(key.id, at: start) == nil)
            // Nothing brings it back.
            #expect(try await keys.revoke(key.id) == false)
            #expect(try await keys.rotate(key.id, secret: [3], overlap: .zero) == false)
            try await keys.used(key.id, at: start)
            #expect(try await keys.find(key.id, at: start) == nil)
            #expect(try await keys.create(key, secret: [4]) == .exists)
            #expect(try await keys.find(key.id, at: start) == nil)
            #expect(try await keys.list(of: nil, after: nil, limit: 10, at: start).keys.isEmpty)
        }
    }

    @Test func `Keys are listed page by page, of one project or of all, and projects are apart`() async throws {
        try await withTestStore { test in
            let keys = test.store.apiKeys
            let projects = ["p", "p:", "p2", "q\u{FF}", "é"]
            for (index, project) in projects.enumerated() {
                for number in 0..<3 {
                    let key = try self.key(UInt8(index * 3 + number), project: project)
                    #expect(try await keys.create(key, secret: [1]) == .created)
                }
            }
            for project in projects {
                let page = try await keys.list(of: try ProjectID(project), after: nil, limit: 100, at: Self.now)
                #expect(page.keys.map(\.project.text) == [project, project, project] && page.next == nil)
            }
            var (all, place): ([APIKey], String?) = ([], nil)
            repeat {
                let page = try await keys.list(of: nil, after: place, limit: 4, at: Self.now)
                #expect(page.keys.count <= 4)
                all += page.keys
                place = page.next
            } while place != nil
            #expect(all.count == 15 && Set(all.map(\.id)).count == 15)
        }
    }

    @Test func `A project has so many keys at most, and others are not concerned`() async throws {
        try await withTestStore { test in
            let keys = test.store.apiKeys
            for number in 0..<APIKey.countMax {
                let id = APIKeyID(random: (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 3)) })
                let key = APIKey(
                    id: id, project: try ProjectID("p"), roles: ["member"], scope: APIKeyScope(), label: "",
                    created: Self.now, expires: nil)
                #expect(try await keys.create(key, secret: [1]) == .created)
            }
            #expect(try await keys.create(try self.key(255), secret: [1]) == .full)
            #expect(try await keys.create(try self.key(255, project: "p2"), secret: [1]) == .created)
        }
    }

    @Test func `A restriction that cannot be read makes the key unreadable, and not wider`() async throws {
        try await withTestStore { test in
            let keys = test.store.apiKeys
            let key = try self.key(1, scope: APIKeyScope(verbs: [.post]))
            #expect(try await keys.create(key, secret: [1]) == .created)
            for (field, value) in [("verbs", "post,levitate"), ("queues", "a b")] {
                _ = try await test.redis.command("HSET", "herald:{control}:api-key:\(key.id)", field, value)
                await #expect(throws: StoreError.self) { try await keys.find(key.id, at: Self.now) }
            }
        }
    }
}
