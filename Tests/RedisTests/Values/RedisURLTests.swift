import Redis
import Testing

struct RedisURLTests {
    @Test(arguments: [
        ("redis://127.0.0.1", "redis://127.0.0.1:6379/0"),
        ("redis://redis.internal:7000/3", "redis://redis.internal:7000/3"),
        ("redis://host/", "redis://host:6379/0"), ("redis://host?db=4", "redis://host:6379/4"),
        ("REDIS://[::1]:6380/0", "redis://[::1]:6380/0"), ("redis://[::1]", "redis://[::1]:6379/0"),
        ("redis://HOST", "redis://host:6379/0"), ("redis://host:1/2", "redis://host:1/2"),
        ("rediss://host", "rediss://host:6379/0"), ("unix:///run/redis.sock", "unix:///run/redis.sock"),
        ("unix:///a%20b.sock?db=7", "unix:///a b.sock?db=7"),
    ])
    func `A server is read`(url: String, meaning: String) throws {
        #expect(try self.read(url).description == meaning)
    }

    @Test(arguments: [
        ("redis://secret@host", RedisLogin(password: "secret")),
        ("redis://:secret@host", RedisLogin(password: "secret")),
        (
            "redis://us%65r:p%40ss%3A%2f%25@host:1/2",
            RedisLogin(user: "user", password: "p@ss:/%", database: 2)
        ),
        ("redis://user:p@ss:word@host", RedisLogin(user: "user", password: "p@ss:word")),
        ("unix://user:secret@/run/redis.sock", RedisLogin(user: "user", password: "secret")),
        ("redis+sentinel://user:secret@a,b/m/3", RedisLogin(user: "user", password: "secret", database: 3)),
        ("redis+cluster://:secret@a,b", RedisLogin(password: "secret")), ("redis://host", RedisLogin()),
    ])
    func `A login is read`(url: String, login: RedisLogin) throws {
        #expect(try self.read(url).login == login)
    }

    @Test(arguments: [
        ("redis+sentinel://a,b:1,[::1]/m", "redis+sentinel://[::1]:26379,a:26379,b:1/m/0"),
        ("rediss+sentinel://a/m/", "rediss+sentinel://a:26379/m/0"),
        ("redis+sentinel://a/m?db=2", "redis+sentinel://a:26379/m/2"),
        ("redis+sentinel://a/m%2Fn/2", "redis+sentinel://a:26379/m/n/2"),
        ("redis+sentinel://a/m?sentinel_password=x", "redis+sentinel://a:26379/m/0?sentinel_password=***"),
        (
            "redis+sentinel://:p@a/m/1?sentinel_username=u&sentinel_password=x",
            "redis+sentinel://***@a:26379/m/1?sentinel_username=u&sentinel_password=***"
        ),
        ("redis+cluster://a,b:7000,[::1]:1/", "redis+cluster://[::1]:1,a:6379,b:7000"),
        ("rediss+cluster://a/0", "rediss+cluster://a:6379"), ("redis+cluster://a?db=0", "redis+cluster://a:6379"),
    ])
    func `Sentinels and clusters are read, in either dialect`(url: String, meaning: String) throws {
        #expect(try self.read(url).description == meaning)
        #expect(try self.read(url, as: .pool).description == meaning)
    }

    @Test(arguments: [
        ("redis://a,b:1?master=m", "redis+sentinel://a:26379,b:1/m/0"),
        ("redis://a?master=m", "redis+sentinel://a:26379/m/0"),
        ("rediss://:p@[::1]:2,a/x?master=m&dbid=3", "rediss+sentinel://***@[::1]:2,a:26379/m/3"),
        (
            "redis://a,b?t=1&master=m&sentinel_username=u&sentinel_password=x",
            "redis+sentinel://a:26379,b:26379/m/0?sentinel_username=u&sentinel_password=***"
        ),
        ("redis+sentinel://a?master=m", "redis+sentinel://a:26379/m/0"),
    ])
    func `Pools name a master as an option too`(url: String, meaning: String) throws {
        #expect(try self.read(url, as: .pool).description == meaning)
    }

    @Test func `The login of Sentinels is read`() throws {
        let text = "redis+sentinel://u:p@a/m?sentinel_username=%75%40&sentinel_password=%26%3d%2B+"
        for dialect in [RedisURLGrammar.Dialect.setting, .pool] {
            let expected = RedisURL.Topology.sentinel(
                [.tcp(host: "a", port: 26379)], master: "m", login: RedisLogin(user: "u@", password: "&=++"))
            #expect(try self.read(text, as: dialect).topology == expected)
        }
        #expect(try self.read("redis://a?master=m&socket_timeout=2", as: .pool).deadline == .seconds(2))
    }

    @Test(
        arguments: [
            ("", InvalidRedisURL.noScheme), ("127.0.0.1:6379", .noScheme), ("http://host", .unknownScheme),
            ("redis://", .noHost), ("redis:///1", .noHost), ("rediss://", .noHost),
            ("redis://secret@:6379", .noHost), ("redis://[::1", .noHost), ("redis://[::1]x", .invalidPort),
            ("redis://host:0", .invalidPort), ("redis://host:65536", .invalidPort), ("redis://host:+1", .invalidPort),
            ("redis://::1", .noHost), ("redis://host:6379:1", .invalidPort), ("redis://host/x", .invalidDatabase),
            ("redis://host/-1", .invalidDatabase), ("redis://host/99999999999", .invalidDatabase),
            ("redis://host/1?db=1", .databaseTwice), ("redis://host?timeout=1", .unknownOption),
            ("redis://host?db=1&db=1", .databaseTwice), ("redis://host?db", .unknownOption),
            ("redis://user:@host", .userWithoutPassword), ("redis://%zz@host", .invalidPercentEncoding),
            ("redis://%f@host", .invalidPercentEncoding), ("redis://%ff@host", .invalidPercentEncoding),
            ("redis://%00@host", .invalidPercentEncoding), ("unix://", .noPath), ("unix:///", .noPath),
            ("unix://host/path", .hostInUnixURL),
            ("unix:///" + String(repeating: "x", count: 107), .pathTooLong(bytesMax: 107)),
            ("unix:///s?db=x", .invalidDatabase), ("redis://a,b", .severalHosts),
            ("redis://a,b?master=m", .unknownOption),
            ("redis://a?sentinel_password=x", .unknownOption), ("redis+sentinel:a/m", .noScheme),
            ("redis+sentinel://a", .noMaster), ("redis+sentinel://a/", .noMaster), ("redis+sentinel://a//1", .noMaster),
            ("redis+sentinel:///m", .noHost), ("redis+sentinel://a,,b/m", .noHost), ("redis+sentinel://a,/m", .noHost),
            ("redis+sentinel://a,b:x/m", .invalidPort), ("redis+sentinel://a/m/x", .invalidDatabase),
            ("redis+sentinel://a/m/1/2", .invalidDatabase), ("redis+sentinel://a/m/1?db=1", .databaseTwice),
            ("redis+sentinel://a/m?master=n", .unknownOption), ("redis+sentinel://a/m?x=1", .unknownOption),
            ("redis+sentinel://a/m?sentinel_username=u", .userWithoutPassword),
            ("redis+sentinel://a/m?sentinel_password=x&sentinel_password=x", .optionTwice),
            ("redis+sentinel://a/m?sentinel_password=%0", .invalidPercentEncoding),
            ("redis+sentinel://a/%ff", .invalidPercentEncoding),
            ("redis+sentinel://a/" + String(repeating: "x", count: 129), .masterTooLong(bytesMax: 128)),
            ("redis+sentinel://a" + String(repeating: ",a", count: 16) + "/m", .tooManyHosts(max: 16)),
            ("redis+cluster://", .noHost), ("redis+cluster://a/1", .databaseOfCluster),
            ("redis+cluster://a?db=1", .databaseOfCluster), ("redis+cluster://a?sentinel_password=x", .unknownOption),
        ])
    func `A bad URL is refused for its reason`(url: String, reason: InvalidRedisURL) {
        #expect(throws: reason) { try self.read(url) }
    }

    @Test(arguments: [
        ("redis://a?sentinel_password=x", InvalidRedisURL.noMaster), ("redis://a?master=", .noMaster),
        ("redis://a,b?sentinel_username=u&sentinel_password=x", .noMaster),
        ("redis://a?master=m&master=m", .optionTwice),
        ("redis+sentinel://a/m?master=m", .optionTwice), ("redis:///path?master=m", .noHost),
        ("unix:///path?master=m", .noHost), ("rediss:///path", .noHost), ("redis://p@a:1", .passwordWithoutColon),
        ("redis+sentinel://p@a/m", .passwordWithoutColon), ("redis+cluster://a?master=m", .unknownOption),
        ("redis+cluster:/a", .noScheme),
    ])
    func `A bad URL of a pool is refused for its reason`(url: String, reason: InvalidRedisURL) {
        #expect(throws: reason) { try self.read(url, as: .pool) }
    }

    @Test func `The path behind a host is the database of a setting, and nothing of a pool`() throws {
        #expect(try RedisURL("redis://h/3", as: .setting).login.database == 3)
        #expect(try RedisURL("redis://h/3", as: .pool).login.database == 0)
        #expect(try RedisURL("redis://h?dbid=3&t=x", as: .pool).login.database == 3)
        #expect(throws: InvalidRedisURL.unknownOption) { try RedisURL("redis://h?dbid=3", as: .setting) }
        #expect(throws: InvalidRedisURL.noScheme) { try RedisURL("unix:/s", as: .setting) }
    }

    @Test(arguments: [
        "redis://user:s3cret@host:6379/1", "redis://s3cret@[::1]:6379", "unix://s3cret@/run/redis.sock?db=2",
        "redis+sentinel://a/m?sentinel_password=s3cret", "redis+cluster://:s3cret@a",
    ])
    func `A password is shown by no way of printing`(text: String) throws {
        let url = try self.read(text)
        for printed in [self.printings(of: url), self.printings(of: url.topology), self.printings(of: url.login)] {
            #expect(printed.allSatisfy { !$0.contains("s3cret") }, "\(printed)")
        }
        #expect(self.printings(of: url).allSatisfy { $0.contains("***") })
    }

    private func printings(of value: some Any) -> [String] {
        var dumped = ""
        dump(value, to: &dumped)
        return ["\(value)", String(reflecting: value), "\([value])", "\(Optional(value) as Any)", dumped]
    }

    @Test func `An error about a URL does not repeat the URL`() {
        #expect(throws: InvalidRedisURL.invalidPort) { try self.read("redis://s3cret@host:x") }
        #expect("\(InvalidRedisURL.invalidPort)" == "the port of a Redis URL is a number, 1 through 65535")
    }

    private func read(
        _ text: String, as dialect: RedisURLGrammar.Dialect = .setting
    ) throws(InvalidRedisURL) -> RedisURL {
        try RedisURLGrammar(dialect).read(text)
    }
}
