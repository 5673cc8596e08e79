import API
import Foundation
import NIOCore
import Operations
import Redis
import TestKit
import Testing

/// Connections that follow a queue, with clients that read slowly, servers that stop, and stores that fail.
struct WebSocketFollowTroubleTests {
    @Test func `A client that does not read stays within its bounds, and gets everything once it does`() async throws {
        var limits = SessionLimits()
        limits.framesMax = 10
        limits.bytesMax = 1 << 20
        limits.processBytesMax = 2 << 20
        limits.pingInterval = .milliseconds(20)
        try await withAPI(sessionLimits: limits) { api async throws in
            let writer = api.client()
            let stuck = ActionClient(
                socket: try await WebSocketClient.connect(api.socketAddress, hasSmallBuffer: true),
                project: writer.project)
            _ = try await stuck.follow("q", from: "now")
            try await stuck.socket.setReading(false)
            let other = try await api.actions(project: writer.project)
            _ = try await other.follow("q", from: "now")
            let (large, count) = ("\"" + String(repeating: "x", count: 200_000) + "\"", 60)
            for number in 0..<count {
                _ = try await writer.postMessages([large, "\(number)"], to: "q")
                #expect((try await other.reply().document["body"] as? String)?.count == 200_000)
                #expect(try await other.numbers(1) == [number])
            }
            #expect(api.sessions.count == 2)
            try await stuck.socket.setReading(true)
            // What waits holds up no ping: a client that reads slowly shows that it is there.
            var pings = 0
            for index in 0..<2 * count {
                var frame = try await stuck.socket.next()
                while frame?.opcode == 9 {
                    pings += 1
                    frame = try await stuck.socket.next()
                }
                let body = try ActionReply(try #require(frame)).document["body"]
                #expect(index % 2 == 0 ? (body as? String)?.count == 200_000 : body as? Int == index / 2)
            }
            #expect(pings > 0)
        }
    }

    @Test func `A stop ends what is followed before the connection, and it goes on at another node`() async throws {
        try await withRedis { redis in
            let project = UUID().uuidString
            try await withAPI(redis: redis) { other async throws in
                let writer = other.client(project: project)
                var place = ""
                try await withAPI(redis: redis) { api async throws in
                    let client = try await api.actions(project: project)
                    _ = try await client.follow("q", from: "now")
                    // Taken by the other node.
                    _ = try await writer.postMessages(["1"], to: "q")
                    let frame = try await client.reply()
                    #expect(frame.document["body"] as? Int == 1)
                    place = try #require(frame.document["place"] as? String)
                    await api.stop()
                    let close = try #require(try await client.socket.next())
                    #expect(close.code == 1012)
                    let isOver = try await eventually { api.waits.count == 0 ? true : nil }
                    #expect(isOver == true)
                    _ = try await writer.postMessages(["2"], to: "q")
                    try await client.socket.send(0x88, [3, 0xF4])
                    #expect(try await client.socket.next() == nil)
                }
                let resumed = try await other.actions(project: project)
                _ = try await resumed.follow("q", from: place)
                #expect(try await resumed.numbers(1) == [2])
            }
        }
    }

    @Test func `A store that fails for a while delays what is followed, and loses nothing of it`() async throws {
        try await withRedis(appendOnly: true) { redis in
            try await withAPI(redis: redis) { api async throws in
                let client = try await api.actions()
                _ = try await client.follow("q", from: "now")
                _ = try await client.post(["1"], to: "q")
                #expect(try await client.numbers(1) == [1])
                await redis.kill()
                #expect(try await client.call("queue_list").status == 503)
                try await redis.start()
                let writer = api.client(project: client.project)
                let isBack = try await eventually { try await writer.get("/v2/ping").status == 204 ? true : nil }
                #expect(isBack == true)
                _ = try await writer.postMessages(["2", "3"], to: "q")
                #expect(try await client.numbers(2) == [2, 3])
            }
        }
    }

    @Test func `Where no more may wait nothing more is followed, and what is followed already still comes`()
        async throws
    {
        try await withAPI(waits: QueueWaits(waitsMax: 1)) { api async throws in
            let writer = api.client()
            let first = try await api.actions(project: writer.project)
            let second = try await api.actions(project: writer.project)
            _ = try await first.follow("q", from: "now")
            let body = #"{"queue_name": "r", "options": {"_from": "now"}}"#
            #expect(try await second.call("subscription_create", body).status == 503)
            for number in 0..<3 {
                _ = try await writer.postMessages(["\(number)"], to: "q")
                #expect(try await first.numbers(1) == [number])
            }
            await first.socket.close()
            let isFree = try await eventually { api.waits.count == 0 ? true : nil }
            #expect(isFree == true)
            #expect(try await second.call("subscription_create", body).status == 201)
            _ = try await writer.postMessages(["7"], to: "r")
            #expect(try await second.numbers(1) == [7])
        }
    }

    @Test func `A node that was taken for ended ends no connection that only follows queues`() async throws {
        try await withAPI { api async throws in
            let (follower, subscribed) = (try await api.actions(), try await api.actions())
            _ = try await follower.follow("q", from: "now")
            #expect(try await subscribed.call("subscription_create", #"{"queue_name": "q"}"#).status == 201)
            // As another node that has not heard of this one for long.
            let isKnown = try await eventually {
                try await api.redis.command("DEL", "herald:{control}:session-nodes").int == 1 ? true : nil
            }
            #expect(isKnown == true)
            #expect(try await subscribed.socket.next()?.code == 1012)
            _ = try await follower.post(["1"], to: "q")
            #expect(try await follower.numbers(1) == [1])
        }
    }
}
