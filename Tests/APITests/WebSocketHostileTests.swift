import API
import Domain
import Foundation
import NIOCore
import TestKit
import Testing

/// Clients that do what none may, or nothing at all.
struct WebSocketHostileTests {
    @Test(
        arguments: [
            ([0xC1, 0x80], 1002), ([0xA1, 0x80], 1002), ([0x91, 0x80], 1002), ([0x83, 0x80], 1002),
            ([0x8F, 0x80], 1002),
            ([0x81, 0x02, 0x7B, 0x7D], 1002), ([0x09, 0x80, 0, 0, 0, 0], 1002), ([0x89, 0xFE, 0, 126], 1002),
            ([0x80, 0x80, 0, 0, 0, 0], 1002), ([0x01, 0x80, 0, 0, 0, 0, 0x81], 1002), ([0x81, 0xFE, 0, 1], 1002),
            ([0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0], 1002),
            ([0x82, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], 1002),
            ([0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], 1009),
            ([0x81, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 1], 1009), (WebSocketClient.frame(0x81, [0xFF, 0xFE]), 1007),
            (WebSocketClient.frame(0x81, [0xED, 0xA0, 0x80]), 1007), (WebSocketClient.frame(0x88, [1]), 1002),
            (WebSocketClient.frame(0x88, [3, 0xEE]), 1002), (WebSocketClient.frame(0x88, [3, 0xE8, 0xFF]), 1007),
        ] as [([UInt8], Int)])
    func `A connection ends with the code for what was sent, and others go on`(bytes: [UInt8], code: Int) async throws {
        try await withAPI { api async throws in
            let (client, other) = (try await api.actions(), try await api.actions())
            // What was asked before is answered, and what follows is not.
            try await client.send(client.request("queue_list", nil))
            let later = WebSocketClient.frame(
                0x81, Array(client.request("queue_create", #"{"queue_name": "late"}"#).utf8))
            try await client.socket.send(bytes: bytes + later)
            #expect(try await client.reply().status == 200)
            let close = try #require(try await client.socket.next())
            #expect(close.opcode == 8 && close.code == code && !close.reason.isEmpty)
            #expect(client.socket.waiting == 0)
            // Our close is answered, and the connection ends at once.
            try await client.socket.closeOutput()
            #expect(try await client.socket.isOver() == true)
            #expect(try await other.call("queue_get_stats", #"{"queue_name": "late"}"#).status == 404)
        }
    }

    @Test func `Control frames may stand between fragments, and pings are answered`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let text = Array(client.request("queue_create", #"{"queue_name": "q", "metadata": {"a": "äöü"}}"#).utf8)
            for (index, byte) in text.enumerated() {
                try await client.socket.send(index == 0 ? 0x01 : index == text.count - 1 ? 0x80 : 0x00, [byte])
                if index % 50 == 0 {
                    try await client.socket.send(0x89, Array("ping \(index)".utf8))
                    let pong = try #require(try await client.socket.next())
                    #expect(pong.opcode == 10 && pong.text == "ping \(index)")
                    try await client.socket.send(0x8A, [])
                }
            }
            #expect(try await client.reply().status == 201)
            #expect(try await client.call("queue_get", #"{"queue_name": "q"}"#)["a"] as? String == "äöü")
        }
    }

    @Test func `A message may be as large as the bound, and is answered`() async throws {
        var limits = SessionLimits()
        limits.messageBytesMax = 100_000
        try await withAPI(sessionLimits: limits) { api async throws in
            let client = try await api.actions()
            let frame = client.request("queue_list", #"{"x": ""}"#).utf8.count
            for (more, isAnswered) in [(0, true), (1, false)] {
                let text = String(repeating: "x", count: limits.messageBytesMax - frame + more)
                try await client.send(client.request("queue_list", #"{"x": "\#(text)"}"#))
                let answer = try #require(try await client.socket.next())
                #expect(answer.opcode == (isAnswered ? 1 : 8))
                if !isAnswered { #expect(answer.code == 1009) }
            }
        }
    }

    @Test func `Messages in part are bounded over all connections`() async throws {
        var limits = SessionLimits()
        limits.processBytesMax = 1 << 20
        try await withAPI(sessionLimits: limits) { api async throws in
            let part = Array(WebSocketClient.frame(0x81, [UInt8](repeating: 97, count: 900_000)).dropLast())
            let (one, other, third) = (try await api.actions(), try await api.actions(), try await api.actions())
            try await one.socket.send(bytes: part)
            try await other.socket.send(bytes: part)
            // Which of the two takes the last bytes, only the kernel knows.
            let ended = try await eventually { one.socket.waiting + other.socket.waiting > 0 ? true : nil }
            #expect(ended == true)
            let close = try #require(try await (one.socket.waiting > 0 ? one : other).socket.next())
            #expect(close.code == 1013 && close.reason == "The server has no memory left for the message.")
            #expect(try await third.call("queue_list").status == 200)
            // What the connections held is given back with them.
            await one.socket.close()
            await other.socket.close()
            let isAlone = try await eventually { api.sessions.count == 1 ? true : nil }
            #expect(isAlone == true)
            let text = String(repeating: "x", count: 900_000)
            #expect(try await third.call("queue_list", #"{"x": "\#(text)"}"#).status == 200)
        }
    }

    @Test func `Answers that are not read are bounded over all connections, and the largest ends`() async throws {
        var limits = SessionLimits()
        limits.processBytesMax = 4 << 20
        try await withAPI(sessionLimits: limits) { api async throws in
            let writer = try await api.actions()
            let body = "\"" + String(repeating: "x", count: 200_000) + "\""
            for _ in 0..<10 { _ = try await writer.post([body], to: "q") }
            var stuck: [ActionClient] = []
            for _ in 0..<8 {
                let client = ActionClient(
                    socket: try await WebSocketClient.connect(api.socketAddress, reads: false), project: writer.project)
                for _ in 0..<4 { try await client.send(client.request("message_list", #"{"queue_name": "q"}"#)) }
                stuck.append(client)
            }
            // Each has one answer of two megabytes that nothing takes.
            let isShed = try await eventually { api.sessions.count < 9 ? true : nil }
            #expect(isShed == true)
            // What clients send has bytes of its own.
            let text = String(repeating: "x", count: 900_000)
            #expect(try await writer.call("queue_list", #"{"x": "\#(text)"}"#).status == 200)
        }
    }

    @Test func `A close is answered with its code, and the connection ends`() async throws {
        try await withAPI { api async throws in
            for (payload, code) in [
                ([], nil), ([3, 0xE8], 1000), ([3, 0xE9, 98, 121, 101], 1001), ([0x0F, 0xA0], 4000),
            ]
                as [([UInt8], Int?)]
            {
                let client = try await api.actions()
                try await client.socket.send(0x88, payload)
                let close = try #require(try await client.socket.next())
                #expect(close.opcode == 8 && close.code == code && close.reason.isEmpty)
                #expect(try await client.socket.isOver() == true)
            }
            let isEmpty = try await eventually { api.sessions.count == 0 ? true : nil }
            #expect(isEmpty == true)
        }
    }

    @Test func `A peer that is gone without a word, or half, leaves nothing behind`() async throws {
        try await withAPI { api async throws in
            for isHalf in [true, false] {
                let client = try await api.actions()
                #expect(try await client.call("queue_list").status == 200)
                // In the middle of a message.
                try await client.socket.send(
                    bytes: Array(WebSocketClient.frame(0x81, [UInt8](repeating: 97, count: 5000)).dropLast(9)))
                if isHalf {
                    try await client.socket.closeOutput()
                    #expect(try await client.socket.isOver() == true)
                } else {
                    await client.socket.close()
                }
                let isEmpty = try await eventually { api.sessions.count == 0 ? true : nil }
                #expect(isEmpty == true)
            }
        }
    }

    @Test func `A silent client is pinged and, when nothing comes, dropped`() async throws {
        var limits = SessionLimits()
        limits.pingInterval = .milliseconds(40)
        limits.silenceMax = .seconds(2)
        try await withAPI(sessionLimits: limits) { api async throws in
            let (lively, silent) = (try await api.actions(), try await api.actions())
            // It answers more pings than fit into the time that silence may last.
            for _ in 0..<60 {
                let ping = try #require(try await lively.socket.next())
                #expect(ping.opcode == 9 && ping.payload.isEmpty)
                try await lively.socket.send(0x8A, [])
            }
            #expect(try await silent.socket.isOver() == true)
            var last: WebSocketClient.Frame?
            while silent.socket.waiting > 0 { last = try await silent.socket.next() }
            #expect(last?.opcode == 9, "it is gone: no close frame is sent")
        }
    }

    @Test func `A connection that never begins its handshake does not stay`() async throws {
        try await withAPI { api async throws in
            let head = try await HTTPCaller(api.socketAddress).send(
                raw: "GET / HTTP/1.1\r\nHost: x\r\n", within: .seconds(15))
            #expect(head.status == 400)
        }
    }

    @Test func `A client that does not read its answers is not read either, and costs one answer`() async throws {
        try await withAPI { api async throws in
            let writer = try await api.actions()
            let body = "\"" + String(repeating: "x", count: 200_000) + "\""
            for _ in 0..<10 { _ = try await writer.post([body], to: "q") }
            let stuck = ActionClient(
                socket: try await WebSocketClient.connect(api.socketAddress, reads: false), project: writer.project)
            let request = Array(stuck.request("message_list", #"{"queue_name": "q"}"#).utf8)
            // Far more answers than both kernels hold; only what is read of the requests is taken.
            let frames = (0..<200).flatMap { _ in WebSocketClient.frame(0x81, request) }
            try await stuck.socket.send(bytes: frames)
            // Others are answered meanwhile.
            for _ in 0..<20 { #expect(try await writer.call("queue_list").status == 200) }
            try await stuck.socket.setReading(true)
            for _ in 0..<200 {
                let reply = try await stuck.reply()
                #expect(reply.status == 200 && reply.objects("messages").count == 10)
            }
        }
    }
}
