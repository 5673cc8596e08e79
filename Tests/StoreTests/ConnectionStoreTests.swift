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
            try await connections.close(of: project, by: "one")
            #expect(try await connections.open(of: project, by: "three", max: 2))
            // One closed too often takes nothing from those of others.
            for _ in 0..<2 { try await connections.close(of: project, by: "three") }
            #expect(try await connections.count(of: project, asking: "two") == 1)
            try await connections.close(of: project, by: "two")
            try await connections.close(of: ProjectID("other"), by: "one")
            #expect(try await !test.keys().contains { $0.contains("connections") })
        }
    }

    @Test func `What a process says of itself counts, and lapses when it says nothing more`() async throws {
        try await withTestStore { test async throws in
            let (connections, project) = (test.store.connections, try ProjectID("p"))
            try await connections.beat(5, of: project, by: "one")
            #expect(try await connections.open(of: project, by: "two", max: 6))
            test.time.pass(seconds: 14)
            #expect(try await !connections.open(of: project, by: "two", max: 6))
            // The limit does not end what is open: a beat is never refused.
            try await connections.beat(7, of: project, by: "two")
            #expect(try await connections.count(of: project, asking: "two") == 12)
            test.time.pass(seconds: 1)
            #expect(try await connections.count(of: project, asking: "two") == 7)
            try await connections.beat(0, of: project, by: "two")
            #expect(try await connections.count(of: project, asking: "one") == 0)
        }
    }
}
