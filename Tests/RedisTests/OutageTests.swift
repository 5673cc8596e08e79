import NIOCore
import NIOPosix
import Redis
import TestKit
import Testing

struct OutageTests {
    let ping = RedisCommand("PING", [])

    @Test func `Where there is no Redis, commands fail unsent`() async throws {
        for endpoint in [
            RedisEndpoint(address: .unix(path: "/nonexistent/redis.sock")),
            RedisEndpoint(address: .tcp(host: "127.0.0.1", port: 1)),
        ] {
            try await withRedisClient(to: endpoint) { client in
                for _ in 0..<3 {
                    await #expect(throws: RedisError.notSent(.disconnected)) { try await client.send(self.ping) }
                }
            }
        }
    }

    @Test func `A waiting command fails at its deadline where that comes first`() async throws {
        let nowhere = RedisEndpoint(address: .unix(path: "/nonexistent/redis.sock"))
        try await withRedisClient(to: nowhere, deadline: .milliseconds(10)) { client in
            await #expect(throws: RedisError.notSent(.deadline)) { try await client.send(self.ping) }
        }
    }

    @Test func `A Redis that answers nothing costs a deadline, and is used again when it answers`() async throws {
        try await withRedis { redis in
            try await withRedisClient(to: redis.endpoint, connections: 1, deadline: .milliseconds(300)) { client in
                _ = try await client.send(self.ping)
                redis.pause()
                await #expect(throws: RedisError.outcomeUnknown(.deadline)) {
                    try await client.send(RedisCommand("INCR", ["counter"]))
                }
                // Its connection went with it; a new one is accepted by the kernel, and its handshake is not answered.
                let refused = try await eventually { () -> RedisError? in
                    do throws(RedisError) {
                        _ = try await client.send(self.ping)
                        return nil
                    } catch {
                        if case .notSent = error { return error }
                        return nil
                    }
                }
                #expect(refused != nil)
                redis.resume()
                #expect(try await eventually { await succeeds { try await client.send(self.ping) } } == true)
            }
        }
    }

    @Test func `A killed Redis leaves what was in flight unknown, and a new one is found on the same socket`()
        async throws
    {
        try await withRedis(tcp: true) { redis in
            for endpoint in [redis.endpoint, try #require(redis.tcpEndpoint)] {
                try await withRedisClient(to: endpoint) { client in
                    _ = try await client.send(self.ping)
                    _ = try await client.send(self.ping)
                    // Redis holds writes back, and lists the client of which it has received one.
                    try await redis.command("CLIENT", "PAUSE", "60000", "WRITE")
                    let write = RedisCommand("SET", ["key", "value"])
                    try await withThrowingTaskGroup(of: RedisError?.self) { group in
                        for _ in 0..<100 { group.addTask { await failure { try await client.send(write) } } }
                        let isInFlight: Bool? = try await eventually {
                            try await redis.command("CLIENT", "LIST").text?.contains("flags=b") == true ? true : nil
                        }
                        #expect(isInFlight == true)
                        await redis.kill()
                        for _ in 0..<100 {
                            let error = try await group.next()
                            #expect(error == .outcomeUnknown(.disconnected) || error == .notSent(.disconnected))
                        }
                    }
                    try await redis.start()
                    #expect(try await eventually { await succeeds { try await client.send(self.ping) } } == true)
                }
            }
        }
    }

    @Test func `A quick restart is waited for`() async throws {
        try await withRedis { redis in
            try await withRedisClient(to: redis.endpoint) { client in
                _ = try await client.send(self.ping)
                await redis.kill()
                async let waiting = failure { try await client.send(self.ping) }
                try await redis.startWithoutWaiting()
                // Unless it was sent before the loss was noticed, or the machine took longer than commands may wait.
                let error = await waiting
                #expect([nil, .outcomeUnknown(.disconnected), .notSent(.disconnected)].contains(error))
                #expect(try await eventually { await succeeds { try await client.send(self.ping) } } == true)
            }
        }
    }

    @Test func `CLIENT KILL storms lose no reply and mix none up`() async throws {
        try await withRedis { redis in
            try await withRedisClient(to: redis.endpoint, connections: 3) { client in
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for caller in 0..<64 {
                        group.addTask {
                            var answered = 0
                            for round in 0..<50 {
                                let text = "\(caller)/\(round)"
                                do throws(RedisError) {
                                    let echo = try await client.send(RedisCommand("ECHO", [text])).text
                                    #expect(echo == text)
                                    answered += 1
                                } catch {
                                    switch error {
                                    case .notSent(.disconnected), .outcomeUnknown(.disconnected): break
                                    default: Issue.record(error)
                                    }
                                }
                            }
                            return answered
                        }
                    }
                    for _ in 0..<30 { try await redis.command("CLIENT", "KILL", "TYPE", "normal") }
                    for try await answered in group { #expect((0...50).contains(answered)) }
                }
                #expect(try await eventually { await succeeds { try await client.send(self.ping) } } == true)
            }
        }
    }

    @Test func `A cancelled caller gets its reply, and so does every caller after it`() async throws {
        try await withRedis { redis in
            try await withRedisClient(to: redis.endpoint, connections: 1) { client in
                _ = try await client.send(self.ping)
                redis.pause()
                let cancelled = (0..<50).map { number in
                    Task { try await client.send(RedisCommand("ECHO", ["cancelled \(number)"])).text }
                }
                let others = (0..<50).map { number in
                    Task { try await client.send(RedisCommand("ECHO", ["other \(number)"])).text }
                }
                for task in cancelled { task.cancel() }
                redis.resume()
                for (number, task) in cancelled.enumerated() {
                    let text = try await task.value
                    #expect(text == "cancelled \(number)")
                }
                for (number, task) in others.enumerated() {
                    let text = try await task.value
                    #expect(text == "other \(number)")
                }
            }
        }
    }

    @Test func `A shutdown fails what is in flight and what waits, and refuses the rest`() async throws {
        try await withRedis { redis in
            try await withRedisClient(to: redis.endpoint) { client in
                _ = try await client.send(self.ping)
                redis.pause()
                try await withThrowingTaskGroup(of: RedisError?.self) { group in
                    for _ in 0..<100 { group.addTask { await failure { try await client.send(self.ping) } } }
                    await client.shutDown()
                    for _ in 0..<100 {
                        let error = try await group.next()
                        #expect([.outcomeUnknown(.shutDown), .notSent(.shutDown)].contains(error))
                    }
                }
                await #expect(throws: RedisError.notSent(.shutDown)) { try await client.send(self.ping) }
                await client.shutDown()
            }
        }
    }

    @Test func `The service ends with its task, and fails what waits for a Redis that is not there`() async throws {
        let client = RedisClient(
            url: RedisURL(RedisEndpoint(address: .unix(path: "/nonexistent/redis.sock"))),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quietLogger())
        let service = Task { try await client.run() }
        let waiting = Task { await failure { try await client.send(self.ping) } }
        service.cancel()
        try await service.value
        let error = await waiting.value
        #expect(error == .notSent(.shutDown) || error == .notSent(.disconnected))
        await #expect(throws: RedisError.notSent(.shutDown)) { try await client.send(self.ping) }
    }

    @Test(arguments: [
        "HTTP/1.1 400 Bad Request\r\n\r\n", "+OK\r\n+PONG\r\n+and one too many\r\n", ">2\r\n+push\r\n+x\r\n",
    ])
    func `A server that does not speak the protocol is left, and nothing hangs`(words: String) async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.writeAndFlush(ByteBuffer(string: words), promise: nil)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        let endpoint = RedisEndpoint(address: .tcp(host: "127.0.0.1", port: port))
        try await withRedisClient(to: endpoint, deadline: .seconds(2)) { client in
            // The one that greets well and then talks too much is found anew each time, until the deadline.
            let error = await failure { try await client.send(self.ping) }
            #expect([.notSent(.disconnected), .outcomeUnknown(.disconnected), .notSent(.deadline)].contains(error))
        }
        try await server.close()
    }
}

/// What a call failed with; nil when it did not.
func failure(_ body: @Sendable () async throws -> RedisValue) async -> RedisError? {
    do {
        _ = try await body()
        return nil
    } catch let error as RedisError {
        return error
    } catch {
        Issue.record(error)
        return nil
    }
}

/// true, or nil where ``eventually`` should look again.
func succeeds(_ body: @Sendable () async throws -> RedisValue) async -> Bool? {
    await failure(body) == nil ? true : nil
}
