import Domain
import Redis
import Store
import TestKit
import Testing

/// How often the signing keys of projects were rotated.
struct SigningKeyStoreTests {
    private let project: ProjectID

    init() throws { self.project = try ProjectID("p") }

    @Test func `A key that was never rotated is the first, and takes nothing in Redis`() async throws {
        try await withTestStore { test async throws in
            let before = try await test.keys()
            #expect(try await test.store.signingKeys.versions(of: self.project) == .first)
            #expect(try await test.keys() == before)
        }
    }

    @Test func `Each rotation gives the next number, and the one before ends when it is said`() async throws {
        try await withTestStore { test async throws in
            let keys = test.store.signingKeys
            let first = try await keys.rotate(self.project, overlap: 3600)
            #expect(first == SecretVersions(current: 2, previousUntil: test.time.now.adding(seconds: 3600)))
            #expect(try await keys.versions(of: self.project) == first)
            // During the overlap: at most two count, so the oldest ends.
            test.time.pass(seconds: 60)
            let second = try await keys.rotate(self.project, overlap: 60)
            #expect(second == SecretVersions(current: 3, previousUntil: test.time.now.adding(seconds: 60)))
            let leaked = try await keys.rotate(self.project, overlap: 0)
            #expect(leaked == SecretVersions(current: 4, previousUntil: nil))
            #expect(try await keys.versions(of: self.project) == leaked)
            #expect(try await keys.versions(of: ProjectID("other")) == .first)
        }
    }

    @Test func `Of many rotations at once each has a number of its own`() async throws {
        try await withTestStore { test async throws in
            let (keys, project) = (test.store.signingKeys, self.project)
            let numbers = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<20 { group.addTask { try await keys.rotate(project, overlap: 60).current } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(numbers.sorted() == Array(2...21))
            #expect(try await keys.versions(of: project).current == 21)
        }
    }

    @Test(arguments: ["", "2", "x -1", "1 -1", "0 5", "-2 5", "2 x", "2 -2", "2 5 7", "99999999999999999999 1"])
    func `What no version wrote is unreadable`(text: String) async throws {
        try await withTestStore { test async throws in
            let key = "herald:{control}:signing-key:\(self.project.text)"
            try await test.redis.command("SET", key, text)
            await #expect(throws: StoreError.self) { try await test.store.signingKeys.versions(of: self.project) }
        }
    }

    @Test(arguments: ["7 5 newer", "", "0 -1", "99999999999999999999 1"])
    func `A rotation leaves what it cannot read as it is`(text: String) async throws {
        try await withTestStore { test async throws in
            let key = "herald:{control}:signing-key:\(self.project.text)"
            try await test.redis.command("SET", key, text)
            await #expect(throws: StoreError.self) {
                try await test.store.signingKeys.rotate(self.project, overlap: 0)
            }
            #expect(try await test.redis.command("GET", key).text == text)
        }
    }
}
