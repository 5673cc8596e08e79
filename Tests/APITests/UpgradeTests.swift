import NIOCore
import NIOPosix
import TestKit
import Testing

/// Requests at the edge of HTTP, through the whole API (the corners are in HTTPServerTests).
struct UpgradeTests {
    private static let upgrade = [
        ("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAAQCAAAAAAIAAAAA"),
    ]

    @Test func `A request for another protocol is an ordinary one, and its connection goes on`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            for _ in 0..<3 {
                let reply = try await client.send(
                    "POST", "/v2/queues/q/messages", #"{"messages": [{"body": 1}]}"#, headers: Self.upgrade)
                #expect(reply.status == 201 && reply["Connection"] == nil)
            }
            let kept = try await client.get("/v2/queues/q/stats")
            #expect(kept.text.contains(#""total":3"#) && kept["Connection"] == nil)
            for headers in [[("Upgrade", "websocket")], [("Connection", "upgrade"), ("Upgrade", "x")]] {
                let reply = try await HTTPCaller(api.address).send("GET", "/", headers: headers)
                #expect(reply.status == 300 && reply["Connection"] == nil)
            }
        }
    }

    @Test func `What follows a request that is not answered yet is not read without bound`() async throws {
        try await withAPI { api async throws in
            // Redis stands still, so the answer is not there yet while the bytes are sent.
            _ = try await api.redis.command("CLIENT", "PAUSE", "3000", "ALL")
            let sent = try await self.sent(
                after: "GET /v2/queues/q HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: x\r\n"
                    + "Client-ID: 3381af92-2b9e-11e3-b191-71861300734c\r\nX-Project-Id: p\r\n\r\n",
                to: api.address)
            // What the kernels of both sides keep, at most 10 MiB as Linux comes.
            #expect(sent < 32, "MiB of 64 were taken")
            #expect(try await HTTPCaller(api.address).send("GET", "/").status == 300)
        }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\nHost: x\n\n", "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        "noise\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "POST /v2/queues/q/messages HTTP/1.1\r\nHost: x\r\nClient-ID: 3381af92-2b9e-11e3-b191-71861300734c\r\n"
            + "X-Project-Id: p\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ])
    func `What is no request is refused as every other error is, with a request id`(bytes: String) async throws {
        try await withAPI { api async throws in
            let reply = try await HTTPCaller(api.address).send(raw: bytes)
            #expect(reply.status == 400 && reply["Connection"] == "close")
            #expect(reply["Content-Type"] == "application/json")
            #expect(reply["X-OpenStack-Request-Id"]?.hasPrefix("req-") == true)
            let document = reply.json
            #expect(document["title"] as? String == "Invalid API request" && document["description"] is String)
        }
    }

    /// MiB of 64 that can be sent behind a request before its connection ends.
    private func sent(after request: String, to address: String) async throws -> Int {
        let parts = address.split(separator: ":")
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: String(parts[0]), port: try #require(Int(parts[1]))).get()
        try await channel.writeAndFlush(ByteBuffer(string: request))
        let chunk = ByteBuffer(repeating: UInt8(ascii: "x"), count: 1 << 20)
        var sent = 0
        do {
            for _ in 0..<64 {
                try await channel.writeAndFlush(chunk)
                sent += 1
            }
        } catch {
            // The server closed the connection.
        }
        try? await channel.close()  // closed already is as good
        return sent
    }
}
