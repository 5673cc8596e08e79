import CoreMetrics
import Foundation
import Logging
import NIOConcurrencyHelpers
import Runtime
import ServiceLifecycle
import Settings
import TestKit
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A real listener on a port of the kernel's choice, asked by a real client.
struct AdminServerTests {
    private struct Answer {
        let status: Int
        let body: String
        let type: String?
    }

    /// Runs an admin server around `body`, which gets a way to ask it.
    private func withServer(
        readiness: ReadinessGate, registry: MetricsRegistry = MetricsRegistry(),
        _ body: (@escaping (String) async throws -> Answer) async throws -> Void
    ) async throws {
        let (addresses, listening) = AsyncStream.makeStream(of: ListenAddress.self)
        let server = AdminServer(
            ListenAddress(host: "127.0.0.1", port: 0), setting: Setting.apiAdminListen, readiness: readiness,
            registry: registry, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        ) { listening.yield($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            defer { group.cancelAll() }
            var iterator = addresses.makeAsyncIterator()
            let address = try #require(await iterator.next())
            #expect(address.port != 0)
            try await body { path in
                let url = try #require(URL(string: "http://\(address)\(path)"))
                let (data, response) = try await URLSession.shared.data(from: url)
                let http = try #require(response as? HTTPURLResponse)
                return Answer(
                    status: http.statusCode, body: String(decoding: data, as: UTF8.self),
                    type: http.value(forHTTPHeaderField: "Content-Type"))
            }
        }
    }

    @Test
    func `A process that waits lives, and is not ready`() async throws {
        try await self.withServer(readiness: ReadinessGate(waitingFor: "Redis")) { ask in
            #expect(try await ask("/livez").status == 200)
            let ready = try await ask("/readyz")
            #expect(ready.status == 503)
            #expect(ready.body == "{\"ready\":false,\"reason\":\"waiting for Redis\"}\n")
            #expect(ready.type == "application/json")
            #expect(try await ask("/other").status == 404)
        }
    }

    @Test
    func `Once the gate is open the probe decides`() async throws {
        let gate = ReadinessGate(waitingFor: "Redis")
        let verdict = NIOLockedValueBox(Readiness.ready)
        gate.open { verdict.withLockedValue { $0 } }
        try await self.withServer(readiness: gate) { ask in
            let ready = try await ask("/readyz")
            #expect(ready.status == 200)
            #expect(ready.body == "{\"ready\":true}\n")
            verdict.withLockedValue { $0 = .notReady("Redis is read-only") }
            let not = try await ask("/readyz")
            #expect(not.status == 503)
            #expect(not.body.contains("Redis is read-only"))
        }
    }

    @Test
    func `A process that stops is not ready, whatever the probe says`() async throws {
        let gate = ReadinessGate(waitingFor: "Redis")
        gate.open { .ready }
        gate.close("stopping")
        gate.open { .ready }
        #expect(await gate.check(within: .seconds(30)) == .notReady("stopping"))
    }

    @Test
    func `A probe that does not answer is a no`() async throws {
        let gate = ReadinessGate(waitingFor: "Redis")
        gate.open {
            await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
            return .ready
        }
        #expect(await gate.check(within: .milliseconds(20)) == .notReady("no answer in time"))
    }

    @Test
    func `The metrics are served in the text format of Prometheus`() async throws {
        let registry = MetricsRegistry()
        Counter(label: "http.requests", dimensions: [("route", "/v2/ping")], factory: registry).increment()
        try await self.withServer(readiness: ReadinessGate(waitingFor: "Redis"), registry: registry) { ask in
            let metrics = try await ask("/metrics")
            #expect(metrics.status == 200)
            #expect(metrics.type == "text/plain; version=0.0.4; charset=utf-8")
            #expect(metrics.body.contains("http_requests_total{route=\"/v2/ping\"} 1\n"))
        }
    }
}

struct ReadyFileTests {
    private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    @Test
    func `The file is there once every part has reported, and gone after the stop`() async throws {
        try await withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("ready.json").path
            let file = ReadyFile(path: path, expecting: [.listen, .admin, .work], logger: self.logger)
            file.report(.listen, at: ListenAddress(host: "127.0.0.1", port: 8888))
            file.report(.work)
            #expect(ReadyFile.Content.read(path: path) == nil)
            file.report(.admin, at: ListenAddress(host: "::1", port: 8889))
            #expect(
                ReadyFile.Content.read(path: path)
                    == ReadyFile.Content(
                        pid: ProcessInfo.processInfo.processIdentifier, listen: "127.0.0.1:8888", admin: "[::1]:8889"))

            let group = ServiceGroup(services: [file], logger: self.logger)
            async let running: Void = group.run()
            await group.triggerGracefulShutdown()
            try await running
            #expect(!FileManager.default.fileExists(atPath: path))
            file.report(.work)
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test
    func `Without a path reports are welcome and nothing is written`() {
        ReadyFile(path: nil, expecting: [.work], logger: self.logger).report(.work)
    }
}

struct OpeningTests {
    private struct NotYet: Error {}
    private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private struct Reporting: Service {
        let report: @Sendable () -> Void
        func run() async throws {
            self.report()
            try await gracefulShutdown()
        }
    }

    @Test
    func `What is not there yet is waited for, then its services run`() async throws {
        let tries = NIOLockedValueBox(0)
        let (opened, report) = AsyncStream.makeStream(of: Int.self)
        let opening = Opening("the store", drain: .seconds(60), logger: self.logger, pause: .milliseconds(1)) {
            try tries.withLockedValue { tries in
                tries += 1
                if tries < 4 { throw NotYet() }
                return tries
            }
        } services: { number in
            [Reporting { report.yield(number) }]
        }
        let group = ServiceGroup(services: [opening], logger: self.logger)
        async let running: Void = group.run()
        var iterator = opened.makeAsyncIterator()
        #expect(await iterator.next() == 4)
        await group.triggerGracefulShutdown()
        try await running
    }

    private struct Differing: NotNow {
        let reason = "something differs"
    }

    /// Stops when it is cancelled, and not when it is asked to.
    private struct Clinging: Service {
        func run() async throws { try? await Task.sleep(for: .seconds(3600)) }
    }

    private struct Failing: Service {
        func run() async throws { throw Differing() }
    }

    @Test
    func `What was opened is cancelled when it does not stop in its time, and opened anew`() async throws {
        let tries = NIOLockedValueBox(0)
        let (opened, report) = AsyncStream.makeStream(of: Int.self)
        let opening = Opening("the store", drain: .milliseconds(1), logger: self.logger, pause: .milliseconds(1)) {
            tries.withLockedValue { tries in
                tries += 1
                return tries
            }
        } services: { number in
            number < 3 ? [Clinging(), Failing()] : [Reporting { report.yield(number) }]
        }
        let group = ServiceGroup(services: [opening], logger: self.logger)
        async let running: Void = group.run()
        var iterator = opened.makeAsyncIterator()
        #expect(await iterator.next() == 3)
        await group.triggerGracefulShutdown()
        try await running
    }

    @Test
    func `A stop ends the waiting`() async throws {
        let (tried, report) = AsyncStream.makeStream(of: Void.self)
        let opening = Opening("the store", drain: .seconds(60), logger: self.logger, pause: .milliseconds(1)) {
            () async throws -> Int in
            report.yield()
            throw NotYet()
        } services: { _ in
            []
        }
        let group = ServiceGroup(services: [opening], logger: self.logger)
        async let running: Void = group.run()
        var iterator = tried.makeAsyncIterator()
        _ = await iterator.next()
        await group.triggerGracefulShutdown()
        try await running
    }
}
