import API
import Domain
import Foundation
import NIOCore
import Operations
import Redis
import TestKit
import Testing

/// Notifications that are written to connections, and the end of connections.
struct WebSocketSessionTests {
    /// Finds the session of the one connection that asks to be subscribed.
    private func withSubscribed(
        _ limits: SessionLimits = SessionLimits(), clients: Int = 1, reads: Bool = true,
        _ body: (RunningAPI, [ActionClient], [SessionID]) async throws -> Void
    ) async throws {
        let recorder = SubscriptionRecorder()
        try await withAPI(sessionLimits: limits, subscriptions: recorder) { api async throws in
            var found: [ActionClient] = []
            for _ in 0..<clients {
                let client = ActionClient(
                    socket: try await WebSocketClient.connect(api.socketAddress, hasSmallBuffer: !reads))
                #expect(try await client.call("subscription_create", #"{"queue_name": "q"}"#).status == 201)
                if !reads { try await client.socket.setReading(false) }
                found.append(client)
            }
            try await body(api, found, recorder.sessions)
        }
    }

    private let notification = ByteBuffer(
        string: #"{"body": {"status": "ready"}, "ttl": 60, "queue_name": "orders", "Message_Type": "Notification"}"#)

    @Test func `W-66: A notification is one bare object, in the format of its subscription`() async throws {
        try await self.withSubscribed { api, clients, sessions async throws in
            let client = clients[0]
            #expect(
                api.sessions.send(self.notification, to: [(sessions[0], .binary), (sessions[0], .text)]) == [
                    .written, .written,
                ])
            for isBinary in [true, false] {
                let frame = try await client.reply()
                #expect(frame.isBinary == isBinary)
                #expect(try frame.equals(String(buffer: self.notification)))
            }
        }
    }

    @Test func `One call writes to many connections, and says what became of each`() async throws {
        try await self.withSubscribed(clients: 20) { api, clients, sessions async throws in
            await clients[0].socket.close()
            let isGone = try await eventually { api.sessions.count == 19 ? true : nil }
            #expect(isGone == true)
            let results = api.sessions.send(
                self.notification, to: sessions.map { ($0, .text) } + [(SessionID(), .text)])
            #expect(results == [.unknown] + [SessionSendResult](repeating: .written, count: 19) + [.unknown])
            for client in clients.dropFirst() {
                #expect(try await client.socket.next()?.text == String(buffer: self.notification))
            }
        }
    }

    @Test func `What is no JSON is not written in MessagePack`() async throws {
        try await self.withSubscribed { api, clients, sessions async throws in
            let broken = ByteBuffer(string: "{")
            #expect(api.sessions.send(broken, to: [(sessions[0], .binary)]) == [.unreadable])
            #expect(try await clients[0].call("queue_list").status == 200)
        }
    }

    @Test func `An answer leaves before what its request has caused`() async throws {
        try await self.withSubscribed { api, clients, sessions async throws in
            let client = clients[0]
            try await api.redis.command("CLIENT", "PAUSE", "60000", "WRITE")
            try await client.send(client.request("queue_create", #"{"queue_name": "slow"}"#))
            let isUnderWay = try await eventually { api.admission.busyProjects > 0 ? true : nil }
            #expect(isUnderWay == true)
            for _ in 0..<3 { #expect(api.sessions.send(self.notification, to: [(sessions[0], .text)]) == [.written]) }
            #expect(client.socket.waiting == 0)
            try await api.redis.command("CLIENT", "UNPAUSE")
            #expect(try await client.reply().status == 201)
            for _ in 0..<3 { #expect(try await client.socket.next()?.text == String(buffer: self.notification)) }
        }
    }

    @Test(arguments: ["frames", "bytes"])
    func `A client that does not read ends with 1013, and others are served`(bound: String) async throws {
        var limits = SessionLimits()
        limits.framesMax = bound == "frames" ? 10 : 1_000_000
        limits.bytesMax = bound == "bytes" ? 1 << 20 : 1 << 30
        try await self.withSubscribed(limits, clients: 2, reads: false) { api, clients, sessions async throws in
            try await clients[1].socket.setReading(true)
            let large = ByteBuffer(string: "\"" + String(repeating: "x", count: 300_000) + "\"")
            var results: [SessionSendResult] = []
            var sent = 0
            while results.last != .full, sent < 1000 {
                results = api.sessions.send(large, to: [(sessions[1], .text), (sessions[0], .text)])
                #expect(results[0] == .written)
                #expect(try await clients[1].socket.next()?.opcode == 1)
                sent += 1
            }
            #expect(results.last == .full, "after \(sent) frames")
            #expect(api.sessions.send(large, to: [(sessions[0], .text)]) == [.unknown])
            // What waited is given up; what was with the kernel and one frame more arrive.
            try await clients[0].socket.setReading(true)
            var last: WebSocketClient.Frame?
            var count = 0
            while let frame = try await clients[0].socket.next() {
                last = frame
                if frame.opcode == 8 { break }
                count += 1
            }
            #expect(last?.code == 1013 && last?.reason == "The client does not read its notifications in time.")
            #expect(count < sent)
        }
    }

    @Test func `Where the process has no bytes left, the connection with the most waiting ends`() async throws {
        var limits = SessionLimits()
        limits.processBytesMax = 4 << 20
        try await self.withSubscribed(limits, clients: 3, reads: false) { api, clients, sessions async throws in
            try await clients[2].socket.setReading(true)
            let large = ByteBuffer(string: "\"" + String(repeating: "x", count: 400_000) + "\"")
            // Two read nothing, one of them with more waiting.
            #expect(api.sessions.send(large, to: [(sessions[1], .text)]) == [.written])
            var ended = false
            for _ in 0..<100 where !ended {
                ended = api.sessions.send(large, to: [(sessions[0], .text)]) != [.written]
            }
            #expect(ended)
            #expect(
                api.sessions.send(large, to: [(sessions[1], .text), (sessions[2], .text)]) == [.written, .written])
            #expect(try await clients[2].socket.next()?.opcode == 1)
        }
    }

    // MARK: - Stopping

    @Test func `A stop answers what is under way and ends with 1012, also clients that never close`() async throws {
        try await withAPI { api async throws in
            let (idle, mute, busy) = (try await api.actions(), try await api.actions(), try await api.actions())
            let onREST = try await ActionClient.connect(api.address, path: WebSocketEndpoint.path)
            #expect(try await onREST.call("queue_list").status == 200)
            try await api.redis.command("CLIENT", "PAUSE", "60000", "WRITE")
            try await busy.send(busy.request("queue_create", #"{"queue_name": "slow"}"#))
            try await busy.send(busy.request("queue_list", nil))
            let isUnderWay = try await eventually { api.admission.busyProjects > 0 ? true : nil }
            #expect(isUnderWay == true)
            await api.stop()
            // Services stop in the opposite order of their start, each when the one behind it has.
            let closed = try #require(try await onREST.socket.next())
            #expect(closed.code == 1012 && closed.reason == "The server stops.")
            try await onREST.socket.send(0x88, [3, 0xF4])
            for client in [idle, mute] {
                let close = try #require(try await client.socket.next())
                #expect(close.code == 1012)
            }
            try await idle.socket.send(0x88, [3, 0xF4])
            #expect(try await idle.socket.isOver() == true)
            #expect(busy.socket.waiting == 0)
            try await api.redis.command("CLIENT", "UNPAUSE")
            let answer = try await busy.reply()
            #expect(answer.status == 201 && answer.request["action"] as? String == "queue_create")
            #expect(try await busy.socket.next()?.code == 1012, "what was sent behind it is not begun")
            // Neither answers our close frame.
            for client in [mute, busy] { #expect(try await client.socket.isOver() == true) }
        }
    }
}
