import HTTPServer
import NIOConcurrencyHelpers
import NIOCore
import TestKit
import Testing

/// What one address, and all callers together, may hold of a listener.
struct CallerTests {
    private static let request = "GET /now HTTP/1.1\r\nHost: x\r\n\r\n"

    /// The header of the PROXY protocol, version 2, of a connection made for an address of IPv4.
    private static func proxyHeader(for address: [UInt8]) -> [UInt8] {
        self.signature + [0x21, 0x11, 0, 12] + address + [127, 0, 0, 1, 0xC0, 0, 0x1F, 0x90]
    }

    private static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]

    @Test func `An address has so many connections, and another one when one of them ends`() async throws {
        var limits = HTTPLimits()
        limits.addressConnectionsMax = 2
        try await withListener(limits: limits) { listener in
            var connections: [RawConnection] = []
            for _ in 0..<2 {
                let connection = try await listener.connect()
                try await connection.send(Self.request)
                #expect(try await connection.received { $0.statuses == [200] } != nil)
                connections.append(connection)
            }
            let third = try await listener.connect()
            #expect(try await third.all()?.statuses == [])
            await connections[0].close()
            let answered = try await eventually { () async throws -> Bool? in
                let next = try await listener.connect()
                // It may be closed before it sends.
                try? await next.send(Self.request)
                let received = try await next.received { $0.isOver || $0.statuses == [200] }
                await next.close()
                return received?.statuses == [200] ? true : nil
            }
            #expect(answered == true)
            await connections[1].close()
        }
    }

    @Test func `A proxy says whose connection it is`() async throws {
        var limits = HTTPLimits()
        limits.addressConnectionsMax = 1
        try await withListener(limits: limits, isProxy: { $0.ipAddress == "127.0.0.1" }) { listener in
            func answer(_ header: [UInt8]) async throws -> (RawConnection, [Int]) {
                let connection = try await listener.connect()
                for byte in header { try await connection.send([byte]) }
                try await connection.send(Self.request)
                let received = try await connection.received { !$0.statuses.isEmpty }
                return (connection, received?.statuses ?? [])
            }
            let (one, first) = try await answer(Self.proxyHeader(for: [10, 0, 0, 1]))
            let (_, second) = try await answer(Self.proxyHeader(for: [10, 0, 0, 1]))
            let (other, third) = try await answer(Self.proxyHeader(for: [10, 0, 0, 2]))
            let (local, fourth) = try await answer(Self.signature + [0x20, 0, 0, 0])
            // A proxy without the header is believed to be one all the same.
            let (plain, fifth) = try await answer([])
            let (_, malformed) = try await answer(Self.signature + [0x31, 0x11, 0, 0])
            #expect(first == [200] && second == [503] && third == [200] && fourth == [200] && fifth == [200])
            #expect(malformed == [400])
            for connection in [one, other, local, plain] { await connection.close() }
        }
        try await withListener { listener in
            let connection = try await listener.connect()
            try await connection.send(Self.proxyHeader(for: [10, 0, 0, 1]) + Array(Self.request.utf8))
            #expect(try await connection.all()?.statuses == [400])
        }
    }

    @Test(
        arguments: [
            ([0x21, 0x11, 0, 11] + Array(repeating: 1, count: 11), .malformed),
            ([0x21, 0x31, 0, 4, 1, 2, 3, 4], .present(nil)), ([0x20, 0x11, 0, 0], .present(nil)),
            ([0x21, 0x11, 0xFF, 0xFF], .malformed), ([0x11, 0x11, 0, 12], .malformed),
            ([0x21, 0x11, 0, 12, 1], .incomplete), ([0x21], .incomplete),
        ] as [([UInt8], ProxyHeader.Reading)])
    func `The header of a proxy is read whole or not at all`(bytes: [UInt8], reading: ProxyHeader.Reading) {
        var input = ByteBuffer(bytes: Self.signature + bytes)
        let found = ProxyHeader.take(&input)
        #expect(found == reading)
    }

    @Test func `The header of a proxy may name an address of IPv6, and be absent`() throws {
        var input = ByteBuffer(bytes: Self.signature + [0x21, 0x21, 0, 36] + Array(repeating: 0x20, count: 36) + [65])
        let found = ProxyHeader.take(&input)
        let address = try SocketAddress(ipAddress: "2020:2020:2020:2020:2020:2020:2020:2020", port: 0)
        #expect(found == .present(address) && input.readableBytes == 1)
        var other = ByteBuffer(string: "GET / HTTP/1.1\r\n")
        let absent = ProxyHeader.take(&other)
        #expect(absent == .absent && other.readableBytes == 16)
    }

    @Test(
        arguments: [
            ("10.1.1.1", "10.1.1.1"), ("10.9.9.9, 10.1.1.1", "10.1.1.1"), ("10.1.1.1 , 127.0.0.1", "10.1.1.1"),
            ("10.1.1.1:80", "10.1.1.1"), ("2001:db8::1", "2001:db8::1"), ("[2001:db8::1]:443", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"), ("127.0.0.1", "127.0.0.1"),
            // What its caller wrote may hold characters that join with the comma behind them.
            ("10.9.9.9:\u{600}, 10.1.1.1", "10.1.1.1"), ("x\u{600},10.1.1.1", "10.1.1.1"),
            ("[2001:db8::9]\u{600}, 10.1.1.1", "10.1.1.1"),
            ("10.9.9.9:\u{600}", nil), ("10.9.9.9:", nil), ("10.9.9.9:1234567", nil), ("[10.9.9.9]", nil),
            ("[2001:db8::9]x", nil),
            ("unknown", nil), ("", nil), ("10.9.9.9, unknown", nil),
        ] as [(String, String?)])
    func `The caller is the last address of the list that no proxy has`(list: String, address: String?) {
        let caller = ForwardedFor.caller(in: Array(list.utf8)) { $0.ipAddress == "127.0.0.1" }
        #expect(caller?.ipAddress == address)
    }

    @Test func `A request knows the address of its caller, and so does a connection of another protocol`() async throws
    {
        let isProxy: @Sendable (SocketAddress) -> Bool = { $0.ipAddress == "127.0.0.1" }
        let respond: @Sendable (HTTPRequestHead) -> HTTPAction = { head in
            guard head.upgrade == nil else {
                return .upgrade([.connection: "Upgrade"]) { channel, caller in
                    channel.writeAndFlush(ByteBuffer(string: caller?.ipAddress ?? "none"), promise: nil)
                    channel.close(promise: nil)
                }
            }
            return .task { exchange in
                HTTPAnswer(.ok, await exchange.callerAddress(of: head)?.ipAddress ?? "none", type: "text/plain")
            }
        }
        let forwarded = "X-Forwarded-For: 10.7.7.7, 10.8.8.8\r\n"
        let header = Self.proxyHeader(for: [10, 0, 0, 1])
        for (isBehindProxy, header, fields, address) in [
            (false, [], forwarded, "127.0.0.1"), (true, [], forwarded, "10.8.8.8"), (true, [], "", "127.0.0.1"),
            (true, header, forwarded, "10.0.0.1"),
        ] as [(Bool, [UInt8], String, String)] {
            try await withListener(respond, isProxy: { isBehindProxy && isProxy($0) }) { listener in
                for upgrade in ["Connection: close\r\n", "Connection: upgrade\r\nUpgrade: other\r\n"] {
                    let connection = try await listener.connect()
                    try await connection.send(
                        header + Array("GET / HTTP/1.1\r\nHost: x\r\n\(upgrade)\(fields)\r\n".utf8))
                    let text = try #require(try await connection.all()).text
                    #expect(text.hasSuffix("\r\n\r\n\(address)"), "\(fields) \(text)")
                }
            }
        }
    }

    @Test func `What has been done is answered however much is in flight, what only reads is refused`() async throws {
        var limits = HTTPLimits()
        limits.bytesInFlightMax = 100_000
        let body = ByteBuffer(repeating: 120, count: 200_000)
        try await withListener(limits: limits) { _ in
            .answer(HTTPAnswer(status: .ok, body: body))
        } _: { listener in
            for (method, status) in [("GET", 503), ("DELETE", 200), ("POST", 200), ("HEAD", 200)] {
                let connection = try await listener.connect()
                try await connection.send("\(method) / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                let received = try #require(try await connection.all())
                #expect(received.statuses == [status])
                #expect((received.bytes.count > 200_000) == (method == "DELETE" || method == "POST"))
            }
        }
    }

    @Test func `While as much is in flight as may be, nothing is begun that has to be answered`() async throws {
        var limits = HTTPLimits()
        limits.bytesInFlightMax = 100_000
        let (body, begun) = (ByteBuffer(repeating: 120, count: 16 << 20), NIOLockedValueBox(0))
        try await withListener(limits: limits) { _ in
            begun.withLockedValue { $0 += 1 }
            return .answer(HTTPAnswer(status: .ok, body: body))
        } _: { listener in
            let unread = try await listener.connect(reads: false)
            try await unread.send("DELETE / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await eventually { begun.withLockedValue { $0 } == 1 ? true : nil } == true)
            let other = try await listener.connect()
            try await other.send("DELETE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(try await other.all()?.statuses == [503])
            #expect(begun.withLockedValue { $0 } == 1)
            await unread.close()
        }
    }

    @Test func `Bodies that arrive in part are bounded, and others are answered`() async throws {
        var limits = HTTPLimits()
        limits.bytesInFlightMax = 100_000
        try await withListener(limits: limits) { listener in
            var connections: [RawConnection] = []
            let part = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + String(repeating: "x", count: 900)
            for _ in 0..<200 {
                let connection = try await listener.connect()
                try await connection.send(part)
                connections.append(connection)
            }
            let sent = connections
            let refused = try await eventually { () -> Int? in
                let count = sent.filter { $0.soFar.statuses == [503] }.count
                return count >= 85 ? count : nil
            }
            #expect(refused ?? 0 <= 110)
            let other = try await listener.connect()
            try await other.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
            #expect(try await other.received { $0.text.contains("POST /a abc") } != nil)
            for connection in connections + [other] { await connection.close() }
        }
    }

    @Test(arguments: [true, false])
    func `Answers that are not read are bounded, and others are answered`(isOfAddress: Bool) async throws {
        var limits = HTTPLimits()
        if isOfAddress { limits.addressBytesInFlightMax = 40 << 20 } else { limits.bytesInFlightMax = 40 << 20 }
        let body = ByteBuffer(repeating: 120, count: 16 << 20)
        try await withListener(limits: limits) { head in
            head.target == "/now" ? TestListener.echo(head) : .answer(HTTPAnswer(status: .ok, body: body))
        } isProxy: {
            $0.ipAddress == "127.0.0.1"
        } _: { listener in
            var unread: [RawConnection] = []
            for _ in 0..<8 {
                let connection = try await listener.connect(reads: false)
                try await connection.send("GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.9.9.9, 10.0.0.1:80\r\n\r\n")
                unread.append(connection)
                let other = try await listener.connect()
                try await other.send(Self.request)
                #expect(try await other.received { $0.statuses == [200] } != nil)
                await other.close()
            }
            for connection in unread { try await connection.startReading() }
            var complete = 0
            for connection in unread {
                let received = try await connection.received {
                    $0.isOver || $0.statuses == [503] || $0.bytes.count > 16 << 20
                }
                if received?.bytes.count ?? 0 > 16 << 20 { complete += 1 }
                await connection.close()
            }
            #expect((1...2).contains(complete))
        }
    }
}
