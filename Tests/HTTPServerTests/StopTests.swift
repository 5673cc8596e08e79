import HTTPServer
import NIOConcurrencyHelpers
import NIOCore
import TestKit
import Testing

/// What becomes of connections when the listener stops.
struct StopTests {
    private static let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    /// Requests wait in their tasks until it is opened.
    private final class Gate: Sendable {
        private let isOpen = NIOLockedValueBox(false)
        private let waiting = NIOLockedValueBox(0)

        var count: Int { self.waiting.withLockedValue { $0 } }
        func open() { self.isOpen.withLockedValue { $0 = true } }

        func pass() async {
            self.waiting.withLockedValue { $0 += 1 }
            // Cancelled, it passes.
            _ = try? await eventually(every: .milliseconds(2)) { self.isOpen.withLockedValue { $0 } ? true : nil }
        }
    }

    @Test func `Requests under way are answered, and everything else ends`() async throws {
        let gate = Gate()
        try await withListener { head in
            guard head.target == "/" else { return TestListener.echo(head) }
            return .task { _ in
                await gate.pass()
                return HTTPAnswer(.ok, "done", type: "text/plain")
            }
        } _: { listener in
            let silent = try await listener.connect()
            let idle = try await listener.connect()
            let half = try await listener.connect()
            let busy = try await listener.connect()
            let pipelining = try await listener.connect()
            let halfOpen = try await listener.connect()
            try await busy.send(Self.request)
            try await pipelining.send(Self.request + Self.request)
            try await halfOpen.send(Self.request)
            try await halfOpen.closeOutput()
            // The answer shows that both have arrived.
            try await half.send("GET /now HTTP/1.1\r\nHost: x\r\n\r\nGET / HT")
            #expect(try await half.received { $0.statuses == [200] } != nil)
            #expect(try await eventually { gate.count == 3 ? true : nil } == true)
            await listener.stop()
            for connection in [silent, idle] { #expect(try await connection.all()?.statuses == []) }
            // It has a second to become a request.
            #expect(try await half.all()?.statuses == [200, 400])
            gate.open()
            for connection in [busy, pipelining, halfOpen] {
                let received = try #require(try await connection.all())
                #expect(received.statuses == [200] && received.text.contains("\r\nConnection: close\r\n"))
                await connection.close()
            }
        }
    }

    @Test func `A request whose caller has gone is finished before the listener ends`() async throws {
        let (gate, isOpened) = (Gate(), NIOLockedValueBox(false))
        try await withListener { _ in
            .task { _ in
                await gate.pass()
                return HTTPAnswer(.ok, "done", type: "text/plain")
            }
        } _: { listener in
            let gone = try await listener.connect()
            try await gone.send(Self.request)
            #expect(try await eventually { gate.count == 1 ? true : nil } == true)
            try await gone.reset()
            await listener.stop()
            Task {
                // From when on nothing is accepted any more, only the request keeps the listener.
                _ = try await eventually { () async throws -> Bool? in
                    do {
                        await (try await listener.connect()).close()
                        return nil
                    } catch {
                        return true
                    }
                }
                isOpened.withLockedValue { $0 = true }
                gate.open()
            }
        }
        #expect(isOpened.withLockedValue { $0 })
    }
}
