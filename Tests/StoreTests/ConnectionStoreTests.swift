import Domain
import Store
import TestKit
import Testing

/// How many connections projects have with each process.
struct ConnectionStoreTests {
    @Test func `Connections are counted over all processes, up to the most, and closing one makes way`() async throws {
        try await withTestStore { test async throws in
            let (connections, project) = (test.store.connections, try ProjectID("p"))
            #expect(try await connections.open(of: project, by: "one", max: 2))
            #expect(try await connections.open(of: project, by: "two", max: 2))
            #expect(try await !connections.open(of: project, by: "two", max: 2))
            #expect(try await !connections.open(of: project, by: "three", max: 2))
            #expect(try await connections.count(of: project, asking: "three") == 2)
            #expect(try await connections.open(of: ProjectID("other"), by: "one", max: 2))
            try await connections.beat([(project, 0)], by: "one")
            #expect(try await connections.open(of: project, by: "three", max: 2))
            try await connections.beat([(project, 0)], by: "three")
            #expect(try await connections.count(of: project, asking: "two") == 1)
            try await connections.beat([(project, 0)], by: "two")
            try await connections.beat([(ProjectID("other"), 0)], by: "one")
            #expect(try await !test.keys().contains { $0.contains("connections") })
        }
    }

    @Test func `What a process says of itself counts, and lapses when it says nothing more`() async throws {
        try await withTestStore { test async throws in
            let (connections, project) = (test.store.connections, try ProjectID("p"))
            try await connections.beat([(project, 5)], by: "one")
            #expect(try await connections.open(of: project, by: "two", max: 6))
            test.time.pass(seconds: 14)
            #expect(try await !connections.open(of: project, by: "two", max: 6))
            // The limit does not end what is open: a beat is never refused.
            try await connections.beat([(project, 7)], by: "two")
            #expect(try await connections.count(of: project, asking: "two") == 12)
            test.time.pass(seconds: 1)
            #expect(try await connections.count(of: project, asking: "two") == 7)
            try await connections.beat([(project, 0)], by: "two")
            #expect(try await connections.count(of: project, asking: "one") == 0)
        }
    }

    @Test func `While Redis has no memory left a process says what it has, and asking changes nothing`() async throws {
        try await withTestStore { test async throws in
            let (connections, project) = (test.store.connections, try ProjectID("p"))
            #expect(try await connections.open(of: project, by: "one", max: 9))
            try await connections.beat([(project, 5)], by: "two")
            try await test.redis.command("CONFIG", "SET", "maxmemory", "1")
            try await connections.beat([(project, 3)], by: "two")
            #expect(try await connections.count(of: project, asking: "one") == 4)
            test.time.pass(seconds: 14)
            // Asking does not prolong what the process said.
            #expect(try await connections.count(of: project, asking: "one") == 4)
            try await connections.beat([(project, 2)], by: "two")
            test.time.pass(seconds: 1)
            #expect(try await connections.count(of: project, asking: "one") == 2)
        }
    }
}
