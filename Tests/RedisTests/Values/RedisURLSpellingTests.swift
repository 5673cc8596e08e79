import Redis
import TestKit
import Testing

/// One Redis may be written in many ways: the URL is the key of connections, and what is shown of it has no passwords.
struct RedisURLSpellingTests {
    /// What a URL says, made at random.
    private struct Meaning {
        let scheme: String
        let login: RedisLogin
        let hosts: [String]
        let master: String
        let sentinelPassword: String?
        let defaultPort: Int

        init(_ generator: inout SeededGenerator) {
            let kinds = ["redis", "redis+sentinel", "redis+cluster"]
            self.scheme = generator.pick(kinds)
            let isCluster = self.scheme == kinds[2]
            let texts = ["a", "p@ss", "%/?", "é&=", "x:y", "+ #"]
            let password = generator.chance(0.7) ? generator.pick(texts) : nil
            self.login = RedisLogin(
                user: password != nil && generator.chance(0.5) ? generator.pick(texts) : nil, password: password,
                database: isCluster ? 0 : Int.random(in: 0...3, using: &generator))
            let names = ["a.example", "b", "10.0.0.1", "[::1]"]
            let count = self.scheme == kinds[0] ? 1 : Int.random(in: 1...names.count, using: &generator)
            self.defaultPort = self.scheme == kinds[1] ? 26379 : 6379
            let (port, all) = (self.defaultPort, names.shuffled(using: &generator))
            self.hosts = all.prefix(count).map { "\($0):\(generator.chance(0.5) ? port : 7)" }
            self.master = generator.pick(texts)
            self.sentinelPassword =
                self.scheme == kinds[1] && generator.chance(0.5) ? generator.pick(texts) : nil
        }

        /// A text of it, in one of many ways.
        func spelled(_ generator: inout SeededGenerator) -> String {
            var text = (generator.chance(0.3) ? self.scheme.uppercased() : self.scheme) + "://"
            if let password = self.login.password {
                let user = self.login.user.map { self.encoded($0, &generator) } ?? ""
                text += "\(user):\(self.encoded(password, &generator))@"
            }
            let hosts = self.hosts.shuffled(using: &generator).map { host in
                let spelled = generator.chance(0.3) ? host.uppercased() : host
                let suffix = ":\(self.defaultPort)"
                return spelled.hasSuffix(suffix) && generator.chance(0.5)
                    ? String(spelled.dropLast(suffix.count)) : spelled
            }
            text += hosts.joined(separator: ",")
            var options: [String] = []
            if self.scheme == "redis+sentinel" { text += "/" + self.encoded(self.master, &generator) }
            if self.login.database != 0 || generator.chance(0.3) {
                if generator.chance(0.5) {
                    text += "/\(self.login.database)"
                } else {
                    options.append("db=\(self.login.database)")
                }
            }
            if let password = self.sentinelPassword {
                options.append("sentinel_password=" + self.encoded(password, &generator))
            }
            return text + (options.isEmpty ? "" : "?" + options.shuffled(using: &generator).joined(separator: "&"))
        }

        /// With every byte percent-encoded, or only those that have to be.
        private func encoded(_ text: String, _ generator: inout SeededGenerator) -> String {
            let isPlain = generator.chance(0.5)
            return text.utf8.map { byte in
                if isPlain, UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte { return String(Unicode.Scalar(byte)) }
                let digits = String(byte, radix: 16, uppercase: generator.chance(0.5))
                return byte < 16 ? "%0\(digits)" : "%\(digits)"
            }.joined()
        }
    }

    @Test func `Texts of one meaning are one URL`() throws {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<2000 {
            let meaning = Meaning(&generator)
            let (first, second) = (meaning.spelled(&generator), meaning.spelled(&generator))
            let url = try RedisURLGrammar(.setting).read(first)
            #expect(try RedisURLGrammar(.setting).read(second) == url, "\(first) and \(second)")
            #expect(url.login == meaning.login, "\(first)")
            if case .sentinel(_, let master, let login) = url.topology {
                #expect(master == meaning.master && login.password == meaning.sentinelPassword, "\(first)")
            }
        }
    }

    @Test(arguments: [
        ("redis://a?master=m", "redis://a?master=n"), ("redis://a?master=m", "redis://a,b?master=m"),
        ("redis://a?master=m", "redis://a?master=m&sentinel_password=x"),
        ("redis://a?master=m", "redis://a?master=m&db=1"),
        ("redis://a", "rediss://a"), ("redis://a", "redis+cluster://a"), ("redis+cluster://a", "redis+cluster://b"),
        ("redis://:p@a", "redis://:q@a"), ("redis://a", "redis://a?socket_timeout=1"),
        ("redis://a:26379", "redis://a?master=m"),
    ])
    func `Texts of two meanings are two`(first: String, second: String) throws {
        #expect(try RedisURLGrammar(.pool).read(first) != RedisURLGrammar(.pool).read(second))
    }

    @Test(arguments: [
        ("redis://u:a:b@c@h:1/x?t=1@2", "redis://u:***@h:1/x?t=1@2"), ("redis://:p@/s", "redis://:***@/s"),
        ("redis://p@h", "redis://***@h"), ("redis://h?sentinel_password=p&t=1", "redis://h?sentinel_password=***&t=1"),
        ("redis://:p@a,b?master=m&sentinel_password=p", "redis://:***@a,b?master=m&sentinel_password=***"),
        ("redis://h?sentinel_password=p&sentinel_password=p", "redis://h?sentinel_password=***&sentinel_password=***"),
        ("redis://h?SENTINEL_PASSWORD=p", "redis://h?SENTINEL_PASSWORD=***"),
        ("redis://h?sentinel%5Fpass%77ord=p", "redis://h?sentinel%5Fpass%77ord=***"),
        ("redis://h?sentinel_password%3Dp=p", "redis://h?sentinel_password%3Dp=***"),
        ("redis://h?t=1;sentinel_password=p", "redis://h?t=***"),
        ("redis://h?sentinel_password=p%zz", "redis://h?sentinel_password=***"),
        ("redis://h?sentinel_password=p=p?p", "redis://h?sentinel_password=***"),
        ("redis://h?&&sentinel_password=p&", "redis://h?&&sentinel_password=***&"),
        ("unix:/s?sentinel_password=p", "unix:/s?sentinel_password=***"),
        (
            "redis+sentinel://u:p@a,b/m?sentinel_username=u&sentinel_password=p",
            "redis+sentinel://u:***@a,b/m?sentinel_username=u&sentinel_password=***"
        ),
    ])
    func `Passwords are hidden, and nothing else`(text: String, masked: String) {
        #expect(RedisURL.masked(text) == masked)
        #expect(RedisURL.masked(masked) == masked)
    }

    @Test(arguments: [
        "redis://h/a:b@c", "redis://h", "unix:/s", "redis://u:@h", "", "?", "//", "redis://@h",
        "redis://h?sentinel_password=",
        "redis://h?sentinel_password", "redis://h?a=b&c",
    ])
    func `What has no password is shown as it is`(text: String) {
        #expect(RedisURL.masked(text) == text)
    }
}
