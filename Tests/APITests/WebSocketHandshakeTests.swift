import API
import HTTPServer
import Settings
import TestKit
import Testing

/// How a connection begins.
struct WebSocketHandshakeTests {
    private func headers(_ changes: [(String, String?)]) -> [(String, String)] {
        changes.reduce(into: WebSocketClient.headers) { headers, change in
            headers.removeAll { $0.0 == change.0 }
            if let value = change.1 { headers.append((change.0, value)) }
        }
    }

    private func head(
        _ address: String, path: String = "/", _ changes: [(String, String?)] = [], method: String = "GET"
    ) async throws -> String {
        let client = try await WebSocketClient.connect(
            address, path: path, headers: self.headers(changes), method: method)
        let head = try await client.head()
        await client.close()
        return head
    }

    @Test func `Every path of its own listener and one of REST speak the protocol`() async throws {
        try await withAPI { api async throws in
            for path in ["/", "/v2/websocket", "/any/path?and=query"] {
                let head = try await self.head(api.socketAddress, path: path)
                #expect(head.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"), "\(path): \(head)")
                // The example of RFC 6455, 1.3.
                #expect(head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
                #expect(head.contains("Upgrade: websocket\r\n") && head.contains("Connection: Upgrade\r\n"))
            }
            #expect(try await self.head(api.address, path: "/v2/websocket").hasPrefix("HTTP/1.1 101 "))
            #expect(try await self.head(api.address, path: "/v2/websocket?x=1").hasPrefix("HTTP/1.1 101 "))
            // Elsewhere on the port of REST it is a request like any other.
            #expect(try await self.head(api.address, path: "/").hasPrefix("HTTP/1.1 300 "))
            #expect(try await self.head(api.address, path: "/v2/websockets").hasPrefix("HTTP/1.1 404 "))
            #expect(try await HTTPCaller(api.address).send("GET", "/v2/websocket").status == 426)
        }
    }

    @Test(arguments: [("127.0.0.1:9000", "ws://127.0.0.1:9000"), ("[1::4]:9000", "ws://[1::4]:9000")])
    func `W-5: An address stands in a URL as it is set`(setting: String, url: String) throws {
        #expect("ws://\(try #require(ListenAddress(setting)))" == url)
    }

    @Test func `Versions 13 and 8 are spoken, without extensions and protocols`() async throws {
        try await withAPI { api async throws in
            #expect(try await self.head(api.socketAddress, [("Sec-WebSocket-Version", "8")]).hasPrefix("HTTP/1.1 101 "))
            for version in ["7", "12", "0", "", "13, 8", "x", nil] {
                let head = try await self.head(api.socketAddress, [("Sec-WebSocket-Version", version)])
                #expect(head.hasPrefix("HTTP/1.1 426 "), "\(version ?? "none")")
                #expect(head.contains("Sec-WebSocket-Version: 13, 8\r\n"))
            }
            let head = try await self.head(
                api.socketAddress,
                [
                    ("Sec-WebSocket-Protocol", "chat, wamp"), ("Sec-WebSocket-Extensions", "permessage-deflate"),
                    ("X-Project-ID", "p"), ("X-Auth-Token", "t"),
                ])
            #expect(head.hasPrefix("HTTP/1.1 101 "))
            #expect(!head.contains("Sec-WebSocket-Protocol") && !head.contains("Sec-WebSocket-Extensions"))
        }
    }

    @Test func `What is no handshake is refused with a short text`() async throws {
        try await withAPI { api async throws in
            for address in [api.socketAddress, api.address] {
                let reply = try await HTTPCaller(address).send("GET", "/v2/websocket?redirect=http://x")
                #expect(reply.status == 426 && reply["Upgrade"] == "websocket")
                #expect(reply["Content-Type"] == "text/plain; charset=utf-8" && reply.body.count < 100)
            }
            let rows: [([(String, String?)], String, String)] = [
                ([("Upgrade", nil)], "GET", "426"), ([("Upgrade", "h2c")], "GET", "426"),
                ([("Connection", "keep-alive")], "GET", "426"), ([("Upgrade", "h2c, WebSocket")], "GET", "101"),
                ([("Sec-WebSocket-Key", nil)], "GET", "400"), ([("Sec-WebSocket-Key", "")], "GET", "400"),
                ([("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZ")], "GET", "400"),
                ([("Sec-WebSocket-Key", "AAAA")], "GET", "400"), ([], "POST", "405"), ([], "PUT", "405"),
                ([("Content-Length", "5")], "GET", "400"),
            ]
            for (changes, method, status) in rows {
                let head = try await self.head(api.socketAddress, changes, method: method)
                #expect(head.hasPrefix("HTTP/1.1 \(status) "), "\(method) \(changes): \(head)")
            }
        }
    }

    @Test func `Pages of other origins may not connect where origins are listed, and programs may`() async throws {
        try await withAPI(origins: ["https://page.example"]) { api async throws in
            let rows: [([(String, String?)], String)] = [
                ([("Origin", "https://page.example")], "101"), ([("Origin", "https://other.example")], "403"),
                ([("Origin", "https://page.example.other")], "403"), ([("Origin", "null")], "403"),
                ([("Sec-WebSocket-Version", "8"), ("Sec-WebSocket-Origin", "https://other.example")], "403"),
                ([("Sec-WebSocket-Version", "8"), ("Sec-WebSocket-Origin", "https://page.example")], "101"),
                ([("Origin", "https://page.example"), ("Sec-WebSocket-Origin", "https://other.example")], "403"),
                ([], "101"),
            ]
            for (changes, status) in rows {
                #expect(try await self.head(api.socketAddress, changes).hasPrefix("HTTP/1.1 \(status) "), "\(changes)")
                let other = try await self.head(api.address, path: "/v2/websocket", changes)
                #expect(other.hasPrefix("HTTP/1.1 \(status) "), "\(changes)")
            }
        }
        try await withAPI { api async throws in
            #expect(
                try await self.head(api.socketAddress, [("Origin", "https://any.example")]).hasPrefix("HTTP/1.1 101 "))
        }
    }

    @Test func `Bytes sent with the handshake are the first frames`() async throws {
        try await withAPI { api async throws in
            let frame = WebSocketClient.frame(0x89, Array("first".utf8))
            let client = try await WebSocketClient.connect(api.socketAddress, behind: frame + frame)
            #expect(try await client.next()?.payload == Array("first".utf8))
            #expect(try await client.next()?.opcode == 10)
        }
    }
}
