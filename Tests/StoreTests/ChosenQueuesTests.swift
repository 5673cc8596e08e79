import Domain
import Store
import TestKit
import Testing

struct ChosenQueuesTests {
    @Test func `A pattern finds its queues in the order of their names, and no more than are asked for`() async throws {
        try await withTestStore { test in
            for name in ["in", "in-", "in-a", "in-b", "in.c", "other"] {
                try await test.post(["1"], to: try address("p", name))
            }
            func names(_ pattern: String, _ limit: Int = 100) async throws -> [String] {
                let some = try #require(ChosenQueues(pattern))
                return try await test.store.directory.queues(some, limit: limit).map(\.name.text)
            }
            #expect(try await names("p/in-*") == ["in-", "in-a", "in-b"])
            #expect(try await names("p/in") == ["in"])
            #expect(try await names("p/*").count == 6)
            #expect(try await names("p/in*", 2) == ["in", "in-"])
            #expect(try await names("p/none").isEmpty)
            #expect(try await names("q/*").isEmpty)
        }
    }
}
