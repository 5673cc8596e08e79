import Domain
import Store
import TestKit
import Testing

/// The bucket that the posts of a project share.
struct PostTokenTests {
    private let project = ProjectID.sample

    private func take(
        _ test: TestStore, _ wanted: Int, and share: Int = 0, rate: Int = 10, of project: ProjectID? = nil
    ) async throws -> PostTokenStore.Answer {
        try await test.store.postTokens.take(wanted, and: share, of: project ?? self.project, rate: rate)
    }

    @Test func `A second's worth is there, and comes again with time`() async throws {
        try await withTestStore { test async throws in
            #expect(try await self.take(test, 8) == .taken(8))
            #expect(try await self.take(test, 3) == .short(.milliseconds(100)))
            // What was refused took nothing.
            #expect(try await self.take(test, 2) == .taken(2))
            #expect(try await self.take(test, 1) == .short(.milliseconds(100)))
            test.time.pass(milliseconds: 99)
            #expect(try await self.take(test, 1) == .short(.milliseconds(1)))
            test.time.pass(milliseconds: 1)
            #expect(try await self.take(test, 1) == .taken(1))
            test.time.pass(seconds: 60)
            #expect(try await self.take(test, 10) == .taken(10))
            #expect(try await self.take(test, 1) == .short(.milliseconds(100)))
            #expect(try await self.take(test, 1, of: ProjectID("other")) == .taken(1))
        }
    }

    @Test func `More than a second's worth passes once the bucket is full, and is paid for afterwards`() async throws {
        try await withTestStore { test async throws in
            #expect(try await self.take(test, 1) == .taken(1))
            #expect(try await self.take(test, 35) == .short(.milliseconds(100)))
            test.time.pass(milliseconds: 100)
            #expect(try await self.take(test, 35) == .taken(35))
            #expect(try await self.take(test, 1) == .short(.milliseconds(2600)))
            #expect(try await self.take(test, 100) == .short(.milliseconds(3500)))
            test.time.pass(milliseconds: 3500)
            #expect(try await self.take(test, 100) == .taken(100))
        }
    }

    @Test func `A share is taken as far as it is there, in whole tokens`() async throws {
        try await withTestStore { test async throws in
            #expect(try await self.take(test, 2, and: 3) == .taken(5))
            #expect(try await self.take(test, 2, and: 30) == .taken(5))
            test.time.pass(milliseconds: 150)
            #expect(try await self.take(test, 1, and: 3) == .taken(1))
            #expect(try await self.take(test, 1, and: 3) == .short(.milliseconds(50)))
        }
    }

    @Test func `Another rate counts at once, and a clock that is set back brings nothing`() async throws {
        try await withTestStore { test async throws in
            #expect(try await self.take(test, 20) == .taken(20))
            test.time.pass(milliseconds: -5000)
            #expect(try await self.take(test, 1) == .short(.milliseconds(1100)))
            #expect(try await self.take(test, 1, rate: 1000) == .short(.milliseconds(11)))
            test.time.pass(seconds: 6)
            #expect(try await self.take(test, 1, rate: 1000) == .taken(1))
        }
    }

    @Test func `A full bucket leaves nothing in Redis`() async throws {
        try await withTestStore(redisTime: true) { test async throws in
            #expect(try await self.take(test, 1, rate: 1000) == .taken(1))
            let isGone = try await eventually {
                try await test.keys().contains { $0.contains("post-tokens") } ? nil : true
            }
            #expect(isGone == true)
        }
    }
}

extension ProjectID {
    fileprivate static var sample: ProjectID {
        guard let project = try? ProjectID("p") else { preconditionFailure("it is one") }
        return project
    }
}
