import Domain
import Redis
import Store
import TestKit
import Testing

/// Processes that register themselves, and what is decided by who lives.
struct ProcessRegistryTests {
    private func process(
        _ role: RegisteredProcess.Role = .api, formats: ClosedRange<Int> = 1...1
    ) -> RegisteredProcess {
        RegisteredProcess(
            role: role, version: "0.1.0 (commit 0: 1)", formats: formats, host: "host", pid: 7,
            listen: role == .api ? "127.0.0.1:8888" : nil, admin: "127.0.0.1:8889",
            fingerprints: ["master.key": "aa", "confirmation.required": "false"])
    }

    @Test func `Processes are listed as they describe themselves, until they leave`() async throws {
        try await withTestStore(formats: 1...1) { test in
            let registry = test.store.processes
            let (api, notifier) = (self.process(), self.process(.notifier, formats: 1...3))
            _ = try await registry.beat(notifier)
            let heartbeat = try await registry.beat(api)
            #expect(heartbeat.format == 1 && !heartbeat.isExporter)
            test.time.pass(seconds: 2)
            _ = try await registry.beat(api)
            let entries = try await registry.list()
            #expect(entries.map(\.process) == [api, notifier])
            #expect(entries.map(\.silentFor) == [.zero, .seconds(2)])
            try await registry.leave(api.id)
            try await registry.leave(api.id)
            #expect(try await registry.list().map(\.process) == [notifier])
        }
    }

    @Test func `A process that is silent for its life has ended, and is removed by the next that lives`() async throws {
        try await withTestStore { test in
            let registry = test.store.processes
            let (silent, living) = (self.process(), self.process())
            _ = try await registry.beat(silent)
            test.time.pass(milliseconds: 14_999)
            #expect(try await registry.list().map(\.process) == [silent])
            test.time.pass(milliseconds: 1)
            #expect(try await registry.list().isEmpty)
            _ = try await registry.beat(living)
            #expect(try await registry.list().map(\.process) == [living])
            let kept = try await test.redis.command("HLEN", "herald:{control}:processes").int
            #expect(kept == 1)
        }
    }

    @Test func `One process is the exporter until it ends, and another takes its place`() async throws {
        try await withTestStore { test in
            let registry = test.store.processes
            let processes = (0..<3).map { _ in self.process() }
            var elected: [Bool] = []
            for process in processes { elected.append(try await registry.beat(process).isExporter) }
            #expect(elected == [true, false, false])
            try await registry.leave(processes[0].id)
            #expect(try await registry.beat(processes[1]).isExporter)
            #expect(try await !registry.beat(processes[2]).isExporter)
            test.time.pass(seconds: 10)
            _ = try await registry.beat(processes[2])
            test.time.pass(seconds: 5)
            #expect(try await registry.beat(processes[2]).isExporter, "the exporter is silent")
            #expect(try await registry.list().map(\.isExporter) == [true])
        }
    }

    @Test func `A format is raised when every living process understands it, and not before`() async throws {
        try await withTestStore(formats: 1...1) { test in
            let registry = test.store.processes
            let (old, new) = (self.process(formats: 1...1), self.process(formats: 1...2))
            _ = try await registry.beat(old)
            _ = try await registry.beat(new)
            #expect(try await registry.raiseFormat(to: 2) == .refused(processes: [old.id]))
            #expect(try await registry.beat(new).format == 1)
            try await registry.leave(old.id)
            #expect(try await registry.raiseFormat(to: 2) == .raised)
            #expect(try await registry.raiseFormat(to: 2) == .kept(2))
            #expect(try await registry.raiseFormat(to: 1) == .kept(2))
            // One that was silent meanwhile learns of it, and one of the old version does not start.
            #expect(try await registry.beat(old).format == 2)
            await #expect(throws: StoreOpeningError.formatUnknown(kept: 2, understood: 1...1)) {
                _ = try await Store.open(on: test.pool, shards: 16, formats: 1...1, logger: quietLogger())
            }
            let store = try await Store.open(on: test.pool, shards: 16, formats: 1...2, logger: quietLogger())
            #expect(store.format == 2)
        }
    }

    @Test func `A process is registered in a Redis without memory, too`() async throws {
        try await withRedis(arguments: ["--maxmemory-policy", "noeviction"]) { redis in
            try await withRedisClient(to: redis.endpoint) { pool in
                let store = try await Store.open(on: pool, shards: 16, logger: quietLogger())
                try await redis.command("CONFIG", "SET", "maxmemory", "1")
                _ = try await store.processes.beat(self.process())
                #expect(try await ProcessRegistry(on: pool).list().count == 1)
            }
        }
    }

    @Test func `A record that Herald did not write is an error, not a trap`() async throws {
        try await withTestStore(formats: 1...1) { test in
            let process = self.process()
            _ = try await test.store.processes.beat(process)
            for record in ["", "1-1", "1-1 ", "2-1 1:a", "x 3:api", "1-1 99:a"] {
                try await test.redis.command("HSET", "herald:{control}:processes", process.id, record)
                await #expect(throws: StoreError.self) { _ = try await test.store.processes.list() }
                // It says nothing of the formats it understands.
                if !record.hasPrefix("1-1 ") {
                    #expect(
                        try await test.store.processes.raiseFormat(to: 2) == .refused(processes: [process.id]))
                }
            }
        }
    }
}
