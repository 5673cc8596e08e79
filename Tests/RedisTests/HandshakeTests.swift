import Redis
import TestKit
import Testing

struct HandshakeTests {
    @Test func `The default user's password is accepted`() async throws {
        try await withRedis(password: "s3cret") { redis in
            try await withRedisClient(to: redis.endpoint) { client in
                let pong = try await client.send(RedisCommand("PING", [])).text
                #expect(pong == "PONG")
            }
        }
    }

    @Test func `A user with a password and few rights gets in, under our name`() async throws {
        try await withRedis(tcp: true) { redis in
            try await redis.command("ACL", "SETUSER", "herald", "on", ">p@ss:word/", "~*", "+get", "+client|list")
            var endpoint = try #require(redis.tcpEndpoint)
            endpoint.login.user = "herald"
            endpoint.login.password = "p@ss:word/"
            try await withRedisClient(to: endpoint) { client in
                let missing = try await client.send(RedisCommand("GET", ["key"]))
                #expect(missing.isNull)
                #expect(await kindOfRefusal { try await client.send(RedisCommand("SET", ["key", "x"])) } == .other)
            }
        }
    }

    @Test func `Our connections carry our name`() async throws {
        try await withRedisClient { _, client in
            let clients = try await client.send(RedisCommand("CLIENT", ["LIST"])).text ?? ""
            #expect(clients.contains(" name=herald "))
        }
    }

    @Test func `A missing or wrong password leaves every command unsent`() async throws {
        try await withRedis(password: "s3cret") { redis in
            for password in [nil, "wrong"] {
                var endpoint = redis.endpoint
                endpoint.login.password = password
                try await withRedisClient(to: endpoint) { client in
                    await #expect(throws: RedisError.notSent(.disconnected)) {
                        try await client.send(RedisCommand("PING", []))
                    }
                    // And from now on at once.
                    await #expect(throws: RedisError.notSent(.disconnected)) {
                        try await client.send(RedisCommand("PING", []))
                    }
                }
            }
        }
    }

    @Test func `Every connection selects the database of the URL`() async throws {
        try await withRedis { redis in
            var endpoint = redis.endpoint
            endpoint.login.database = 5
            try await withRedisClient(to: endpoint, connections: 3) { client in
                for number in 0..<6 { _ = try await client.send(RedisCommand("SET", ["key:\(number)", "x"])) }
            }
            let keyspace = try await redis.command("INFO", "keyspace").text ?? ""
            #expect(keyspace.contains("db5:keys=6,"))
            #expect(!keyspace.contains("db0"))
        }
    }

    @Test func `A database that does not exist leaves every command unsent`() async throws {
        try await withRedis { redis in
            var endpoint = redis.endpoint
            endpoint.login.database = 16
            try await withRedisClient(to: endpoint) { client in
                await #expect(throws: RedisError.notSent(.disconnected)) {
                    try await client.send(RedisCommand("PING", []))
                }
            }
        }
    }
}
