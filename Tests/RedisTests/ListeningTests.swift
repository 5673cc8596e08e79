import NIOConcurrencyHelpers
import Redis
import TestKit
import Testing

/// A client that listens to channels.
struct ListeningTests {
    private final class Heard: Sendable {
        private let events = NIOLockedValueBox<[RedisEvent]>([])

        func take(_ event: RedisEvent) { self.events.withLockedValue { $0.append(event) } }
        var all: [RedisEvent] { self.events.withLockedValue { $0 } }

        /// Waits until it has heard something so often.
        func count(_ event: RedisEvent, reaches count: Int) async throws -> Bool {
            try await eventually { self.all.count { $0 == event } >= count ? true : nil } == true
        }
    }

    private let channels = [RedisKey("one"), RedisKey("two")]

    @Test func `What is published in its channels arrives in order, and nothing else does`() async throws {
        try await withRedisClient { redis, client in
            let heard = Heard()
            #expect(!client.isListening)
            client.listen(to: self.channels) { heard.take($0) }
            #expect(try await heard.count(.began, reaches: 1))
            #expect(client.isListening)
            for (channel, text) in [("one", "a"), ("three", "x"), ("two", "b"), ("one", "c d")] {
                try await redis.command("PUBLISH", channel, text)
            }
            #expect(try await heard.count(.message("c d"), reaches: 1))
            #expect(heard.all == [.began, .message("a"), .message("b"), .message("c d")])
            // A second handler is none.
            client.listen(to: [RedisKey("three")]) { _ in Issue.record("heard twice") }
            try await redis.command("PUBLISH", "three", "x")
            #expect(try await client.send(RedisCommand("PING", [])).text == "PONG")
        }
    }

    @Test(arguments: ["CLIENT KILL", "restart", "kill -9", "SIGSTOP"])
    func `It listens again after a loss, and says so`(loss: String) async throws {
        try await withRedisClient { redis, client in
            let heard = Heard()
            client.listen(to: self.channels) { heard.take($0) }
            #expect(try await heard.count(.began, reaches: 1))
            switch loss {
            case "CLIENT KILL": try await redis.command("CLIENT", "KILL", "TYPE", "pubsub")
            case "restart": try await redis.restart()
            case "SIGSTOP":
                // No byte comes, and no end.
                redis.pause()
                let isNoticed = try await eventually { client.isListening ? nil : true }
                #expect(isNoticed == true)
                redis.resume()
            default:
                await redis.kill()
                try await redis.start()
            }
            #expect(try await heard.count(.began, reaches: 2))
            try await redis.command("PUBLISH", "two", "again")
            #expect(try await heard.count(.message("again"), reaches: 1))
        }
    }

    @Test func `A user who may not listen goes on with everything else`() async throws {
        try await withRedisClient { redis, client in
            try await redis.command("ACL", "SETUSER", "default", "resetchannels")
            let heard = Heard()
            client.listen(to: self.channels) { heard.take($0) }
            #expect(try await client.send(RedisCommand("PING", [])).text == "PONG")
            #expect(!client.isListening)
            try await redis.command("ACL", "SETUSER", "default", "allchannels")
            #expect(try await heard.count(.began, reaches: 1))
        }
    }
}
