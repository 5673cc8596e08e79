import Logging
import NIOConcurrencyHelpers
import NIOPosix
import Redis
import TestKit
import Testing

/// What the log says of a Redis that cannot be used.
struct OutageLogTests {
    /// The first line about an endpoint.
    private static func line(of endpoint: RedisEndpoint, knowing identity: RedisIdentity? = nil) async throws -> String?
    {
        let lines = NIOLockedValueBox<[String]>([])
        let client = RedisClient(
            url: RedisURL(endpoint), connections: 1, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "redis") { _ in LineLog(lines: lines) })
        if let identity { _ = client.adopt(identity) }
        _ = await failure { try await client.send(RedisCommand("PING", [])) }
        let line = try await eventually { lines.withLockedValue { $0.first { $0.hasPrefix("warning") } } }
        await client.shutDown()
        return line
    }

    @Test func `A wrong password, and one that is missing, have a sentence of their own`() async throws {
        try await withRedis(tcp: true, password: "right") { redis in
            var endpoint = try #require(redis.tcpEndpoint)
            endpoint.login = RedisLogin(password: "wrong")
            let wrong = try #require(try await Self.line(of: endpoint))
            #expect(wrong.hasPrefix("warning Redis refuses the user or the password of its URL "), "\(wrong)")
            #expect(wrong.contains("WRONGPASS") && wrong.contains("\(endpoint.address)") && !wrong.contains("wrong"))
            endpoint.login = RedisLogin()
            let missing = try #require(try await Self.line(of: endpoint))
            #expect(missing.hasPrefix("warning Redis wants a password, and its URL has none "), "\(missing)")
        }
    }

    @Test func `What is wrong next is said as well`() async throws {
        try await withRedis(tcp: true, password: "right") { redis in
            let lines = NIOLockedValueBox<[String]>([])
            let client = RedisClient(
                url: RedisURL(try #require(redis.tcpEndpoint)), connections: 1,
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                logger: Logger(label: "redis") { _ in LineLog(lines: lines) })
            _ = try await client.send(RedisCommand("PING", []))
            try await redis.command("CONFIG", "SET", "requirepass", "another")
            try await redis.command("CLIENT", "KILL", "TYPE", "normal")
            let warnings = try await eventually { () -> [String]? in
                let warnings = lines.withLockedValue { $0.filter { $0.hasPrefix("warning") } }
                return warnings.count == 2 ? warnings : nil
            }
            #expect(warnings?[0].contains("is not reachable") == true)
            #expect(warnings?[1].contains("refuses the user or the password") == true)
            await client.shutDown()
        }
    }

    @Test func `Where nothing listens the system says why`() async throws {
        let port = try await freeLoopbackPort()
        let tcp = try #require(
            try await Self.line(of: RedisEndpoint(address: .tcp(host: "127.0.0.1", port: port))))
        #expect(
            tcp.contains("Redis is not reachable") && tcp.contains("Connection refused") && !tcp.contains("IOError"))
        let unix = try #require(try await Self.line(of: RedisEndpoint(address: .unix(path: "/nonexistent/redis.sock"))))
        #expect(unix.contains("No such file or directory") && unix.contains("/nonexistent/redis.sock"), "\(unix)")
    }

    @Test func `A Redis that does not sync each write is said to be one`() async throws {
        try await withRedis(appendOnly: true) { redis in
            try await redis.command("CONFIG", "SET", "appendfsync", "everysec")
            try await redis.command("SET", "identity", "one")
            let identity = RedisIdentity(key: RedisKey("identity"), value: Array("one".utf8), syncsAlways: true)
            let line = try #require(try await Self.line(of: redis.endpoint, knowing: identity))
            #expect(line.hasPrefix("warning Redis does not sync each write to its disk"), "\(line)")
        }
    }
}
