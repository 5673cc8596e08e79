import HTTPClient
import NIOConcurrencyHelpers
import Notifier
import Runtime
import ServiceLifecycle
import TestKit
import Testing

struct PoolWorkerTests {
    private struct Idle: Service {
        func run() async throws { try? await gracefulShutdown() }
    }

    private struct Failing: Service {
        func run() async throws { throw HTTPClientError.noDescriptors }
    }

    private static func running(
        _ worker: PoolWorker, _ body: () async throws -> Void
    ) async throws {
        let group = ServiceGroup(
            services: [worker], gracefulShutdownSignals: [], cancellationSignals: [], logger: quietLogger())
        async let end: Void = group.run()
        try await body()
        await group.triggerGracefulShutdown()
        try await end
    }

    @Test func `A pool that cannot start makes the process not ready, by its name, until a later try succeeds`()
        async throws
    {
        let (health, tries, isCured) = (PoolHealth(), NIOLockedValueBox(0), NIOLockedValueBox(false))
        let worker = PoolWorker(
            name: "east", health: health, logger: quietLogger(), pauseFirst: .milliseconds(5)
        ) {
            tries.withLockedValue { $0 += 1 }
            guard isCured.withLockedValue({ $0 }) else { throw HTTPClientError.noThread }
            return [Idle()]
        }
        #expect(health.readiness == .ready)
        var count = 0
        try await Self.running(worker) { () async throws in
            #expect(try await eventually { tries.withLockedValue { $0 } >= 3 ? true : nil } == true)
            #expect(
                health.readiness == .notReady("pool east is not served: no transfer thread can be started"))
            isCured.withLockedValue { $0 = true }
            #expect(try await eventually { health.readiness == .ready ? true : nil } == true)
            count = tries.withLockedValue { $0 }
        }
        #expect(tries.withLockedValue { $0 } == count, "it was started once more")
    }

    @Test func `A pool whose services fail is started again, and one that stops meanwhile is missed no more`()
        async throws
    {
        let (health, tries) = (PoolHealth(), NIOLockedValueBox(0))
        let worker = PoolWorker(
            name: "east", health: health, logger: quietLogger(), pauseFirst: .milliseconds(5)
        ) {
            tries.withLockedValue { $0 += 1 }
            return [Failing()]
        }
        try await Self.running(worker) { () async throws in
            #expect(try await eventually { tries.withLockedValue { $0 } >= 3 ? true : nil } == true)
            health.set("it has no capacity", of: "west", by: health.newWorker())
            #expect(
                try await eventually { () -> Bool? in
                    guard case .notReady(let reason) = health.readiness else { return nil }
                    return reason.contains("pool east is not served: no file descriptor")
                        && reason.hasSuffix(", and 1 more") ? true : nil
                } == true)
        }
        #expect(health.readiness == .notReady("pool west is not served: it has no capacity"))
    }

    @Test func `A replaced worker that ends late does not hide what its successor says`() {
        let health = PoolHealth()
        let (old, new) = (health.newWorker(), health.newWorker())
        health.set("it cannot start", of: "east", by: new)
        health.set(nil, of: "east", by: old)
        #expect(health.readiness == .notReady("pool east is not served: it cannot start"))
        health.set(nil, of: "east", by: new)
        #expect(health.readiness == .ready)
    }

    @Test func `Pauses between starts double up to a bound, and start over after a long good run`() {
        var pauses = RestartPause(first: .milliseconds(500))
        let first = (0..<8).map { _ in pauses.next(after: .milliseconds(10)) }
        #expect(first == [0.5, 1, 2, 4, 8, 16, 30, 30].map { Duration.seconds($0) })
        #expect(pauses.next(after: .seconds(3600)) == .milliseconds(500))
    }
}
