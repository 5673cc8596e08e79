import Logging
import NIOConcurrencyHelpers
import NIOPosix
import Redis
import TestKit
import Testing

/// Clients of real Sentinels with real servers.
@Suite(.serialized)
struct SentinelTests {
    /// The port of the server that a client speaks to; nil while it speaks to none.
    private func port(of client: RedisClient) async -> Int? {
        do throws(RedisError) {
            return try await client.send(RedisCommand("CONFIG", ["GET", "port"])).array?.last?.int
        } catch {
            return nil
        }
    }

    /// Waits until every connection of a client leads to the master that Sentinels name.
    ///
    /// - Parameter former: Has to be another one.
    private func expect(
        _ client: RedisClient, follows sentinels: SentinelDeployment, after former: RedisServer? = nil,
        _ location: SourceLocation = #_sourceLocation
    ) async throws {
        let isThere = try await eventually { () -> Bool? in
            let master = try await sentinels.master(after: former)
            for _ in 0..<12 { guard await self.port(of: client) == master.tcpPort else { return nil } }
            return true
        }
        guard isThere != true else { return }
        let port = await self.port(of: client)
        Issue.record("it leads to \(String(describing: port)):\n\(sentinels.log)", sourceLocation: location)
    }

    @Test func `A client finds the master, follows it, and learns of Sentinels that its URL does not name`()
        async throws
    {
        try await withSentinels { sentinels in
            let first = try await sentinels.master()
            let url = try RedisURL(sentinels.url(naming: [sentinels.sentinels[0]]), as: .setting)
            try await withRedisClient(to: url) { client in
                try await self.expect(client, follows: sentinels)
                _ = try await client.send(RedisCommand("SET", ["key", "value"]))
                let second = try await sentinels.failOver()
                try await self.expect(client, follows: sentinels, after: first)
                #expect(try await client.send(RedisCommand("GET", ["key"])).text == "value")
                // The only Sentinel that was named is gone: the others are asked, and listened to.
                await sentinels.sentinels[0].kill()
                _ = try await sentinels.failOver()
                try await self.expect(client, follows: sentinels, after: second)
                #expect(try await client.send(RedisCommand("GET", ["key"])).text == "value")
            }
        }
    }

    @Test func `A master that is killed is replaced, and comes back as a replica that is not used`() async throws {
        try await withSentinels { sentinels in
            let old = try await sentinels.master()
            let url = try RedisURL(sentinels.url(), as: .setting)
            let waiting = RedisBlockingConnection(
                url: url, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quietLogger())
            try await withRedisClient(to: url) { client in
                try await self.expect(client, follows: sentinels)
                async let lost = failure {
                    try await waiting.send(RedisCommand("BZPOPMIN", ["set", "20"]), blockingFor: .seconds(20))
                }
                #expect(try await eventually { try await self.isBlocking(old) ? true : nil } == true)
                await old.kill()
                #expect(await lost != nil)
                try await self.expect(client, follows: sentinels, after: old)
                _ = try await client.send(RedisCommand("ZADD", ["set", "1", "member"]))
                let popped = try await waiting.send(RedisCommand("BZPOPMIN", ["set", "20"]), blockingFor: .seconds(20))
                #expect(popped.array?[1].text == "member")
                try await old.start()
                #expect(try await sentinels.becomesReplica(old), "\(sentinels.log)")
                try await self.expect(client, follows: sentinels)
            }
            await waiting.shutDown()
        }
    }

    private func isBlocking(_ server: RedisServer) async throws(RedisError) -> Bool {
        try await server.command("INFO", "clients").text?.contains("blocked_clients:1") == true
    }

    @Test func `A master of before that still answers is left when a Sentinel says so`() async throws {
        try await withSentinels { sentinels in
            let old = try await sentinels.master()
            let url = try RedisURL(sentinels.url(), as: .setting)
            let waiting = RedisBlockingConnection(
                url: url, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quietLogger())
            try await withRedisClient(to: url, connections: 3) { client in
                try await self.expect(client, follows: sentinels)
                async let ended = failure {
                    try await waiting.send(RedisCommand("BZPOPMIN", ["set", "60"]), blockingFor: .seconds(60))
                }
                #expect(try await eventually { try await self.isBlocking(old) ? true : nil } == true)
                // Sentinels cannot log in, as if the network between them and it had gone. Nothing tells it that it is no master.
                try await old.command("ACL", "SETUSER", SentinelServer.user, "off")
                try await old.command("CLIENT", "KILL", "USER", SentinelServer.user)
                try await self.expect(client, follows: sentinels, after: old)
                #expect(await ended != nil)
                #expect(try await old.command("ROLE").array?.first?.text == "master")
                _ = try await client.send(RedisCommand("ZADD", ["set", "1", "member"]))
                let popped = try await waiting.send(RedisCommand("BZPOPMIN", ["set", "20"]), blockingFor: .seconds(20))
                #expect(popped.array?[1].text == "member")
            }
            await waiting.shutDown()
        }
    }

    @Test func `A Sentinel that is silent, and one that is behind, keep no client from the master`() async throws {
        try await withSentinels { sentinels in
            let old = try await sentinels.master()
            try await sentinels.withStaleSentinel(naming: old) { stale in
                _ = try await sentinels.failOver()
                let live = sentinels.sentinels[0]
                // Hosts are asked in an order of their own, in which names come after numbers.
                let text = sentinels.url(naming: [stale, live])
                    .replacing("127.0.0.1:\(live.port)", with: "localhost:\(live.port)")
                let url = try RedisURL(text, as: .setting)
                try await withRedisClient(to: url) { client in
                    try await self.expect(client, follows: sentinels, after: old)
                    for _ in 0..<3 {
                        // Of Sentinels only their users are others.
                        try await sentinels.master().command("CLIENT", "KILL", "USER", "default")
                        try await self.expect(client, follows: sentinels, after: old)
                    }
                }
                stale.pause()
                try await withRedisClient(to: url) { client async throws in
                    try await self.expect(client, follows: sentinels, after: old)
                }
            }
        }
    }

    @Test func `Logins of Sentinels are their own, and what is wrong is in the log`() async throws {
        try await withSentinels(password: "of-sentinels") { sentinels in
            let master = try await sentinels.master()
            try await withRedisClient(to: try RedisURL(sentinels.url(), as: .setting)) { client async throws in
                try await self.expect(client, follows: sentinels)
            }
            // The rights that docs/operations.md names are enough.
            for sentinel in sentinels.sentinels {
                try await sentinel.command(
                    "ACL", "SETUSER", "herald", "on", ">x", "resetchannels", "&+switch-master", "-@all", "+subscribe",
                    "+sentinel|get-master-addr-by-name", "+sentinel|sentinels")
            }
            let limited = sentinels.url(naming: [sentinels.sentinels[0]])
                .replacing("sentinel_password=of-sentinels", with: "sentinel_username=herald&sentinel_password=x")
            try await withRedisClient(to: try RedisURL(limited, as: .setting)) { client async throws in
                try await self.expect(client, follows: sentinels)
                _ = try await sentinels.failOver()
                try await self.expect(client, follows: sentinels, after: master)
            }
            let right = sentinels.url()
            try await self.expect(
                "refuses to be asked: NOAUTH", of: right.replacing("?sentinel_password=of-sentinels", with: ""))
            try await self.expect(
                "refuses to be asked: WRONGPASS", of: right.replacing("=of-sentinels", with: "=wrong"))
            try await self.expect(
                "no Sentinel knows a master of the name other", of: sentinels.url(master: "other")
            ) { client in
                // Like a Redis that is away it is waited for.
                let port = try await sentinels.master().tcpPort ?? 0
                for sentinel in sentinels.sentinels {
                    try await sentinel.command("SENTINEL", "MONITOR", "other", "127.0.0.1", "\(port)", "2")
                }
                try await self.expect(client, follows: sentinels)
            }
        }
    }

    private func expect(
        _ line: String, of url: String, then: (RedisClient) async throws -> Void = { _ in }
    ) async throws {
        let lines = NIOLockedValueBox<[String]>([])
        let client = RedisClient(
            url: try RedisURL(url, as: .setting), connections: 1,
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "test", factory: { _ in LineLog(lines: lines) }))
        await #expect(throws: RedisError.notSent(.disconnected)) { try await client.send(RedisCommand("PING")) }
        let warnings = lines.withLockedValue { $0.filter { $0.hasPrefix("warning") && $0.contains(line) } }
        #expect(warnings.count == 1, "\(lines.withLockedValue { $0 })")
        try await then(client)
        await client.shutDown()
    }

    @Test func `A server that does not say that it is a master is none, though Sentinels name it`() async throws {
        try await withSentinels { sentinels in
            let master = try await sentinels.master()
            try await master.command("ACL", "SETUSER", "blind", "on", ">x", "~*", "&*", "+@all", "-role")
            let text = sentinels.url().replacing("://:\(SentinelDeployment.serverPassword)@", with: "://blind:x@")
            try await withRedisClient(to: try RedisURL(text, as: .setting)) { client in
                await #expect(throws: RedisError.notSent(.disconnected)) { try await client.send(RedisCommand("PING")) }
                try await master.command("ACL", "SETUSER", "blind", "+role")
                try await self.expect(client, follows: sentinels)
            }
            // Where an operator named the server itself, it is taken at his word.
            try await master.command("ACL", "SETUSER", "blind", "-role")
            var endpoint = try #require(master.tcpEndpoint)
            endpoint.login = RedisLogin(user: "blind", password: "x")
            try await withRedisClient(to: endpoint) { client async throws in
                try await self.expect(client, follows: sentinels)
            }
        }
    }
}
