import Redis
import Testing

struct RedisEndpointTests {
    @Test(
        arguments: [
            ("redis://127.0.0.1", RedisEndpoint(address: .tcp(host: "127.0.0.1", port: 6379))),
            (
                "redis://redis.internal:7000/3",
                RedisEndpoint(address: .tcp(host: "redis.internal", port: 7000), database: 3)
            ),
            ("redis://host/", RedisEndpoint(address: .tcp(host: "host", port: 6379))),
            ("redis://host?db=4", RedisEndpoint(address: .tcp(host: "host", port: 6379), database: 4)),
            ("REDIS://[::1]:6380/0", RedisEndpoint(address: .tcp(host: "::1", port: 6380))),
            ("redis://[::1]", RedisEndpoint(address: .tcp(host: "::1", port: 6379))),
            ("redis://secret@host", RedisEndpoint(address: .tcp(host: "host", port: 6379), password: "secret")),
            ("redis://:secret@host", RedisEndpoint(address: .tcp(host: "host", port: 6379), password: "secret")),
            (
                "redis://us%65r:p%40ss%3A%2f%25@host:1/2",
                RedisEndpoint(address: .tcp(host: "host", port: 1), user: "user", password: "p@ss:/%", database: 2)
            ),
            (
                "redis://user:p@ss:word@host",
                RedisEndpoint(address: .tcp(host: "host", port: 6379), user: "user", password: "p@ss:word")
            ),
            ("unix:///run/redis.sock", RedisEndpoint(address: .unix(path: "/run/redis.sock"))),
            ("unix:///a%20b.sock?db=7", RedisEndpoint(address: .unix(path: "/a b.sock"), database: 7)),
            (
                "unix://user:secret@/run/redis.sock",
                RedisEndpoint(address: .unix(path: "/run/redis.sock"), user: "user", password: "secret")
            ),
        ])
    func `A good URL is understood`(url: String, endpoint: RedisEndpoint) throws {
        #expect(try RedisEndpoint(url: url) == endpoint)
    }

    @Test(
        arguments: [
            ("", InvalidRedisURL.noScheme), ("127.0.0.1:6379", .noScheme), ("http://host", .unknownScheme),
            ("rediss://host", .tlsUnsupported), ("redis://", .noHost), ("redis:///1", .noHost),
            ("redis://secret@:6379", .noHost), ("redis://[::1", .noHost), ("redis://[::1]x", .invalidPort),
            ("redis://host:0", .invalidPort), ("redis://host:65536", .invalidPort), ("redis://host:+1", .invalidPort),
            ("redis://::1", .noHost), ("redis://host:6379:1", .invalidPort), ("redis://host/x", .invalidDatabase),
            ("redis://host/-1", .invalidDatabase), ("redis://host/99999999999", .invalidDatabase),
            ("redis://host/1?db=1", .databaseTwice), ("redis://host?timeout=1", .unknownOption),
            ("redis://host?db", .unknownOption), ("redis://user:@host", .userWithoutPassword),
            ("redis://%zz@host", .invalidPercentEncoding), ("redis://%f@host", .invalidPercentEncoding),
            ("redis://%ff@host", .invalidPercentEncoding), ("redis://%00@host", .invalidPercentEncoding),
            ("unix://", .noPath), ("unix:///", .noPath), ("unix://host/path", .hostInUnixURL),
            ("unix:///" + String(repeating: "x", count: 107), .pathTooLong(bytesMax: 107)),
            ("unix:///s?db=x", .invalidDatabase),
        ])
    func `A bad URL is refused for its reason`(url: String, reason: InvalidRedisURL) {
        #expect(throws: reason) { try RedisEndpoint(url: url) }
    }

    @Test func `The path behind a host is the database of a setting, and nothing of a pool`() throws {
        #expect(try RedisURL("redis://h/3", as: .setting).endpoint.database == 3)
        #expect(try RedisURL("redis://h/3", as: .pool).endpoint.database == 0)
        #expect(try RedisURL("redis://h?dbid=3&t=x", as: .pool).endpoint.database == 3)
        #expect(throws: InvalidRedisURL.unknownOption) { try RedisURL("redis://h?dbid=3", as: .setting) }
        #expect(throws: InvalidRedisURL.noScheme) { try RedisURL("unix:/s", as: .setting) }
    }

    @Test(arguments: [
        "redis://user:s3cret@host:6379/1", "redis://s3cret@[::1]:6379", "unix://s3cret@/run/redis.sock?db=2",
    ])
    func `A password is shown by no way of printing`(url: String) throws {
        let endpoint = try RedisEndpoint(url: url)
        var dumped = ""
        dump(endpoint, to: &dumped)
        for text in [
            "\(endpoint)", String(reflecting: endpoint), "\([endpoint])", "\(Optional(endpoint) as Any)", dumped,
        ] {
            #expect(!text.contains("s3cret"))
            #expect(text.contains("***"))
        }
    }

    @Test func `An error about a URL does not repeat the URL`() {
        #expect(throws: InvalidRedisURL.invalidPort) { try RedisEndpoint(url: "redis://s3cret@host:x") }
        #expect("\(InvalidRedisURL.invalidPort)" == "the port of a Redis URL is a number, 1 through 65535")
    }
}
