import HTTPServer
import NIOConcurrencyHelpers
import NIOCore
import TestKit
import Testing

/// What one peer, or many of them, may take of a listener.
struct BoundTests {
    private static let request = "GET /now HTTP/1.1\r\nHost: x\r\n\r\n"

    /// Seconds where there are minutes, so that tests end.
    private static var short: HTTPLimits {
        var limits = HTTPLimits()
        limits.headMax = .seconds(1)
        limits.stallMax = .seconds(1)
        limits.discardingMax = .seconds(1)
        return limits
    }

    @Test(arguments: [
        ("a head", "GET / HTTP/1.1\r\nHo", 400),
        ("a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nabc", 400),
        ("a refused body", "POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nabc", 404),
    ])
    func `What does not arrive in time is refused, others are answered meanwhile`(
        name: String, bytes: String, status: Int
    ) async throws {
        try await withListener(limits: Self.short) { listener in
            let slow = try await listener.connect()
            try await slow.send(bytes)
            let other = try await listener.connect()
            try await other.send(Self.request)
            #expect(try await other.received { $0.statuses == [200] } != nil)
            let received = try #require(try await slow.all())
            #expect(received.statuses == [status], "\(received.text)")
            await other.close()
            await slow.close()
        }
    }

    @Test func `A connection without a request ends`() async throws {
        var limits = HTTPLimits()
        limits.idleMax = .seconds(1)
        try await withListener(limits: limits) { listener in
            let silent = try await listener.connect()
            let used = try await listener.connect()
            try await used.send(Self.request)
            #expect(try await silent.all()?.statuses == [])
            #expect(try await used.all()?.statuses == [200])
        }
    }

    @Test func `An answer nothing reads is given up, and its connection reset`() async throws {
        let body = ByteBuffer(repeating: 120, count: 32 << 20)
        try await withListener(limits: Self.short) { head in
            head.target == "/now" ? TestListener.echo(head) : .answer(HTTPAnswer(status: .ok, body: body))
        } _: { listener in
            let connection = try await listener.connect(reads: false)
            try await connection.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            let other = try await listener.connect()
            try await other.send(Self.request)
            #expect(try await other.received { $0.statuses == [200] } != nil)
            // The peer reads again when it is too late: it gets what the kernels hold, and no more.
            try await Task.sleep(for: .seconds(5))
            try await connection.startReading()
            let received = try #require(try await connection.all())
            #expect(received.bytes.count < 32 << 20)
            await other.close()
        }
    }

    @Test func `Requests sent ahead are kept in a bounded buffer, and the rest stays with the kernel`() async throws {
        let isOpen = NIOLockedValueBox(false)
        try await withListener { _ in
            .task { _ in
                _ = try? await eventually { isOpen.withLockedValue { $0 } ? true : nil }  // cancelled, it passes
                return HTTPAnswer(.ok, "", type: "text/plain")
            }
        } _: { listener in
            let connection = try await listener.connect()
            let many = String(repeating: "GET / HTTP/1.1\r\nHost: x\r\n\r\n", count: 2000)
            try await connection.send(many)
            isOpen.withLockedValue { $0 = true }
            #expect(try await connection.received { $0.statuses.count == 2000 } != nil)
            await connection.close()
        }
    }

    @Test func `Connections with requests are never more than may be`() async throws {
        var limits = HTTPLimits()
        limits.connectionsMax = 4
        let (isOpen, begun) = (NIOLockedValueBox(false), NIOLockedValueBox(0))
        try await withListener(limits: limits) { _ in
            .task { _ in
                begun.withLockedValue { $0 += 1 }
                _ = try? await eventually { isOpen.withLockedValue { $0 } ? true : nil }  // cancelled, it passes
                var answer = HTTPAnswer(.ok, "", type: "text/plain")
                answer.isLast = true
                return answer
            }
        } _: { listener in
            var connections: [RawConnection] = []
            for _ in 0..<8 {
                let connection = try await listener.connect()
                try await connection.send(Self.request)
                connections.append(connection)
            }
            #expect(try await eventually { begun.withLockedValue { $0 } >= 4 ? true : nil } == true)
            #expect(begun.withLockedValue { $0 } == 4, "the others are not accepted yet")
            isOpen.withLockedValue { $0 = true }
            for connection in connections { #expect(try await connection.all()?.statuses == [200]) }
        }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nHo", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nabc",
        // Too large: it is answered, and what is left of it is dropped.
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90000000\r\n\r\nabc",
    ])
    func `When all connections are taken one whose request arrives slowly ends for the next`(bytes: String) async throws
    {
        var limits = HTTPLimits()
        limits.connectionsMax = 3
        try await withListener(limits: limits) { listener in
            var slow: [RawConnection] = []
            for _ in 0..<3 {
                let connection = try await listener.connect()
                try await connection.send(bytes)
                slow.append(connection)
            }
            let other = try await listener.connect()
            try await other.send(Self.request)
            #expect(try await other.received { $0.statuses == [200] } != nil)
            #expect(slow.contains { $0.soFar.isOver })
            for connection in slow + [other] { await connection.close() }
        }
    }

    @Test func `When nearly all connections are taken slow ones make way before there is no space`() async throws {
        var limits = HTTPLimits()
        limits.connectionsMax = 32
        try await withListener(limits: limits) { listener in
            var slow: [RawConnection] = []
            for _ in 0..<30 {
                let connection = try await listener.connect()
                try await connection.send("GET / HTTP/1.1\r\nHo")
                slow.append(connection)
            }
            // Each new one is one of those that nearly fill it, and never the last.
            let isShed = try await eventually { () async throws -> Bool? in
                let other = try await listener.connect()
                try await other.send(Self.request)
                #expect(try await other.received { $0.statuses == [200] } != nil)
                await other.close()
                return slow.contains { $0.soFar.isOver } ? true : nil
            }
            #expect(isShed == true)
            for connection in slow { await connection.close() }
        }
    }

    @Test func `When all connections are taken one that waits is answered for the next`() async throws {
        var limits = HTTPLimits()
        limits.connectionsMax = 3
        let waiting = NIOLockedValueBox(0)
        try await withListener(limits: limits) { head in
            guard head.target == "/wait" else { return TestListener.echo(head) }
            return .task { exchange in
                await exchange.whileConnected {
                    waiting.withLockedValue { $0 += 1 }
                    try? await Task.sleep(for: .seconds(3600))
                }
                return HTTPAnswer(.ok, "nothing", type: "text/plain")
            }
        } _: { listener in
            var waits: [RawConnection] = []
            for _ in 0..<3 {
                let connection = try await listener.connect()
                try await connection.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
                waits.append(connection)
            }
            #expect(try await eventually { waiting.withLockedValue { $0 } == 3 ? true : nil } == true)
            let other = try await listener.connect()
            try await other.send(Self.request)
            #expect(try await other.received { $0.statuses == [200] } != nil)
            let answered = waits.filter { $0.soFar.statuses == [200] }
            #expect(!answered.isEmpty && answered.allSatisfy { $0.soFar.text.contains("Connection: close") })
            for connection in waits + [other] { await connection.close() }
        }
    }

    @Test func `When all connections are taken an idle one ends for the next`() async throws {
        var limits = HTTPLimits()
        limits.connectionsMax = 3
        try await withListener(limits: limits) { listener in
            var connections: [RawConnection] = []
            for _ in 0..<6 {
                let connection = try await listener.connect()
                try await connection.send(Self.request)
                #expect(try await connection.received { $0.statuses == [200] } != nil)
                connections.append(connection)
            }
            #expect(try await eventually { connections.filter { $0.soFar.isOver }.count >= 3 ? true : nil } == true)
            for connection in connections { await connection.close() }
        }
    }

    @Test func `A peer that resets takes nothing with it`() async throws {
        try await withListener { listener in
            for bytes in ["", "GET", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na", Self.request] {
                let connection = try await listener.connect()
                try await connection.send(bytes)
                try await connection.reset()
            }
            let connection = try await listener.connect()
            try await connection.send(Self.request)
            #expect(try await connection.received { $0.statuses == [200] } != nil)
            await connection.close()
        }
    }
}
