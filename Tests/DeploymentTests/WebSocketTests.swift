import Glibc
import Runtime
import TestKit
import Testing

extension DeploymentTests {
    /// The WebSocket protocol of a real process.
    struct WebSocketTests {
        private static let list =
            #"{"action": "queue_list", "headers": {"Client-ID": "3381af92-2b9e-11e3-b191-71861300734c", "X-Project-ID": "p"}}"#

        /// Whether a connection is closed without an answer.
        private static func isRefused(_ address: String) async -> Bool {
            do {
                return try await WebSocketClient.connect(address).head().isEmpty
            } catch {
                return true  // Closed before the request was sent.
            }
        }

        @Test func `Connections of one address are bounded as long as they last`() async throws {
            try await withDeployment(settings: ["HERALD_API_CONNECTIONS_ADDRESS": "2"]) { deployment in
                let address = try #require(try await deployment.startAPI().ready.websocket)
                let clients = [try await WebSocketClient.connect(address), try await WebSocketClient.connect(address)]
                #expect(await Self.isRefused(address))
                await clients[0].close()
                let isFree = try await eventually { await Self.isRefused(address) ? nil : true }
                #expect(isFree == true)
                try await clients[1].send(text: Self.list)
                #expect(try await clients[1].next()?.opcode == 1)
            }
        }

        @Test func `Both listeners speak it, its connections are counted, and a stop ends them with 1012`() async throws
        {
            let settings = [
                "HERALD_API_WEBSOCKET_ORIGINS": "https://page.example", "HERALD_API_WEBSOCKET_MESSAGE": "2097152",
                "HERALD_API_WEBSOCKET_PING": "1", "HERALD_API_WEBSOCKET_SILENCE": "60",
            ]
            try await withDeployment(settings: settings) { deployment in
                let api = try await deployment.startAPI()
                let admin = HTTPCaller(try #require(api.ready.admin))
                let own = try await WebSocketClient.connect(try #require(api.ready.websocket))
                let onREST = try await WebSocketClient.connect(api.address, path: "/v2/websocket")
                for client in [own, onREST] {
                    try await client.send(text: Self.list)
                    #expect(try await client.next()?.text.contains(#""headers":{"status":200}"#) == true)
                }
                let stranger = try await WebSocketClient.connect(
                    api.address, path: "/v2/websocket",
                    headers: WebSocketClient.headers + [("Origin", "https://other.example")])
                #expect(try await stranger.head().hasPrefix("HTTP/1.1 403 "))
                // Each setting has arrived.
                #expect(try await own.next()?.opcode == 9)
                try await own.send(text: String(repeating: "x", count: 1_500_000))
                var answer = try await own.next()
                while answer?.opcode == 9 { answer = try await own.next() }
                #expect(answer?.opcode == 1)
                try await own.send(0x88, [3, 0xE8])
                #expect(try await own.isOver() == true)
                let counted = try await eventually { () -> String? in
                    let text = try await admin.send("GET", "/metrics").text
                    return text.contains("herald_sessions_open 1") ? text : nil
                }
                let metrics = try #require(counted)
                #expect(metrics.contains(#"herald_action_duration_seconds_count{action="queue_list",status="2xx"} 2"#))
                #expect(metrics.contains(#"herald_action_duration_seconds_count{action="unknown",status="4xx"} 1"#))
                #expect(metrics.contains(#"herald_sessions_closed_total{code="1000"} 1"#))
                #expect(metrics.contains(#"herald_sessions_frames_total{direction="in"}"#))
                #expect(metrics.contains(#"herald_sessions_frames_total{direction="out"}"#))
                api.process.signal(SIGTERM)
                var last = try await onREST.next()
                while last?.opcode == 9 { last = try await onREST.next() }
                #expect(last?.code == 1012)
                // It never answers our close frame, and does not hold up the process.
                #expect(await api.process.waitForExit(within: .seconds(30)) == .status(0))
            }
        }
    }
}
