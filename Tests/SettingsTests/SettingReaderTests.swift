import Foundation
import Settings
import TestKit
import Testing

/// A key long enough, so that a reader for the API has all it requires.
private let masterKey = "HERALD_MASTER_KEY"

struct SettingReaderTests {
    private func read(
        _ process: ProcessKind = .api, flags: [Setting: String] = [:], environment: [String: String] = [:]
    ) throws -> SettingReader {
        try SettingReader(
            for: process, flags: flags, environment: environment.merging([masterKey: "k"]) { given, _ in given })
    }

    /// What the reader says when it refuses; nil when it does not.
    private func complaint(
        _ process: ProcessKind = .api, flags: [Setting: String] = [:], environment: [String: String] = [:]
    ) -> String? {
        do {
            _ = try self.read(process, flags: flags, environment: environment)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @discardableResult
    private func withFile<Result>(_ text: String, _ body: (String) throws -> Result) async throws -> Result {
        try await withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("herald.yaml")
            try Data(text.utf8).write(to: file)
            return try body(file.path)
        }
    }

    @Test
    func `A value that a flag, the environment or the file gave is known from a default`() async throws {
        try await self.withFile("redis.connections: 3\n") { path in
            let settings = try self.read(
                .notifier, flags: [Setting.configFile: path, Setting.shards: "16"],
                environment: ["HERALD_NOTIFIER_LEASE": "60"])
            let given: [Setting] = [Setting.redisConnections, Setting.shards, Setting.notifierLease]
            #expect(given.allSatisfy { settings.isGiven($0) })
            #expect(!settings.isGiven(Setting.notifierConcurrency))
        }
    }

    @Test
    func `Without anything given the defaults hold`() throws {
        let settings = try self.read(.notifier)
        #expect(settings.text(Setting.redisURL) == "redis://127.0.0.1:6379/0")
        #expect(try settings.integer(Setting.shards) == 16)
        #expect(try settings.address(Setting.notifierAdminListen) == ListenAddress(host: "127.0.0.1", port: 8890))
        #expect(try settings.seconds(Setting.notifierDrain) == .seconds(20))
        #expect(settings.list(Setting.egressAllow) == [])
        #expect(settings.text(Setting.readyFile) == nil)
    }

    @Test
    func `Flags win over the environment, the environment over the file, the file over the defaults`() async throws {
        try await self.withFile("shards: 4\nredis.connections: 3\nlog.level: debug\n") { path throws in
            let settings = try self.read(
                flags: [Setting.configFile: path, Setting.shards: "2"],
                environment: ["HERALD_SHARDS": "8", "HERALD_REDIS_CONNECTIONS": "5"])
            #expect(try settings.integer(Setting.shards) == 2)
            #expect(try settings.integer(Setting.redisConnections) == 5)
            #expect(settings.text(Setting.logLevel) == "debug")
            #expect(settings.text(Setting.apiListen) == "127.0.0.1:8888")
        }
    }

    @Test
    func `The environment can name the file`() async throws {
        try await self.withFile("shards: 4") { path throws in
            #expect(try self.read(environment: ["HERALD_CONFIG_FILE": path]).integer(Setting.shards) == 4)
        }
    }

    @Test
    func `A file may nest its keys or not, write lists as lists, and leave keys without a value`() async throws {
        let text = """
            redis:
              url: unix:///run/redis.sock
              connections: 4
            api.listen: 0.0.0.0:80
            egress:
              allow: [10.1.0.0/16, "fd00::/8"]
            webhook: {connect.timeout: 2.5, timeout: 10}
            ready.file:
            """
        try await self.withFile(text) { path throws in
            let settings = try self.read(flags: [Setting.configFile: path])
            #expect(settings.text(Setting.redisURL) == "unix:///run/redis.sock")
            #expect(try settings.integer(Setting.redisConnections) == 4)
            #expect(try settings.address(Setting.apiListen) == ListenAddress(host: "0.0.0.0", port: 80))
            #expect(settings.list(Setting.egressAllow) == ["10.1.0.0/16", "fd00::/8"])
            #expect(try settings.seconds(Setting.webhookConnectTimeout) == .milliseconds(2500))
            #expect(try settings.seconds(Setting.webhookTimeout) == .seconds(10))
            #expect(settings.text(Setting.readyFile) == nil)
        }
    }

    @Test(arguments: ["", "# nothing yet\n", "---\n"])
    func `An empty file sets nothing`(text: String) async throws {
        try await self.withFile(text) { path throws in
            #expect(try self.read(flags: [Setting.configFile: path]).integer(Setting.shards) == 16)
        }
    }

    @Test
    func `A secret can lie in a file of its own, and the newline at its end is not part of it`() async throws {
        try await self.withFile("open-sesame\n") { path throws in
            let settings = try SettingReader(for: .api, flags: [:], environment: ["HERALD_MASTER_KEY_FILE": path])
            #expect(settings.list(Setting.masterKey) == ["open-sesame"])
        }
    }

    @Test
    func `A secret given both ways is refused, and shown neither way`() async throws {
        try await self.withFile("one") { path throws in
            #expect(throws: SettingError.ambiguous(Setting.masterKey, "HERALD_MASTER_KEY", "HERALD_MASTER_KEY_FILE")) {
                try self.read(environment: ["HERALD_MASTER_KEY_FILE": path])
            }
        }
    }

    @Test
    func `Only secrets have a variable that names a file`() {
        let complaint = self.complaint(environment: ["HERALD_SHARDS_FILE": "/tmp/x"])
        #expect(complaint?.contains("no setting 'HERALD_SHARDS_FILE'; did you mean 'HERALD_SHARDS'?") == true)
    }

    @Test(arguments: [
        ("HERALD_REDIS_ULR", "HERALD_REDIS_URL"), ("HERALD_API_LISTENS", "HERALD_API_LISTEN"),
        ("HERALD_MASTERKEY", "HERALD_MASTER_KEY"),
    ])
    func `An unknown variable is refused, and the nearest one offered`(wrong: String, right: String) {
        let complaint = self.complaint(environment: [wrong: "x"])
        #expect(
            complaint == "the environment variable \(wrong): there is no setting '\(wrong)'; did you mean '\(right)'?")
    }

    @Test
    func `Nothing is offered when nothing is near`() {
        #expect(self.complaint(environment: ["HERALD_XYZ": "1"])?.hasSuffix("there is no setting 'HERALD_XYZ'") == true)
    }

    @Test
    func `Variables of tests and of others are left alone`() {
        #expect(self.complaint(environment: ["HERALD_TEST_SEED": "1", "HERALDRY": "2", "PATH": "/"]) == nil)
    }

    /// What Kubernetes sets for services `herald`, `herald-api` and `herald-notifier`, and Docker for a link.
    @Test(arguments: [
        ("HERALD_SERVICE_HOST", "10.0.0.1"), ("HERALD_SERVICE_PORT", "8888"), ("HERALD_SERVICE_PORT_HTTP", "8888"),
        ("HERALD_PORT", "tcp://10.0.0.1:8888"), ("HERALD_PORT_8888_TCP", "tcp://10.0.0.1:8888"),
        ("HERALD_PORT_8888_TCP_PROTO", "tcp"), ("HERALD_PORT_8888_TCP_PORT", "8888"),
        ("HERALD_PORT_8888_TCP_ADDR", "10.0.0.1"), ("HERALD_PORT_53_UDP_ADDR", "10.0.0.1"),
        ("HERALD_API_SERVICE_HOST", "10.0.0.1"), ("HERALD_API_SERVICE_PORT", "8888"),
        ("HERALD_API_PORT", "tcp://10.0.0.1:8888"), ("HERALD_API_PORT_8888_TCP_ADDR", "10.0.0.1"),
        ("HERALD_API_SERVICE_PORT_MY_PORT", "1"), ("HERALD_NOTIFIER_SERVICE_HOST", "10.0.0.1"),
        ("HERALD_NOTIFIER_PORT", "sctp://10.0.0.1:1"), ("HERALD_REDIS_PORT_6379_TCP", "tcp://[fd00::1]:6379"),
    ])
    func `A variable of a service link is no setting, ignored and named`(name: String, value: String) throws {
        #expect(try self.read(environment: [name: value]).ignored == [name])
    }

    @Test(arguments: ["HERALD_PORT", "HERALD_API_PORT_8888", "HERALD_API_PORT_80_TCP_X", "HERALD_API_PORT_99999_TCP"])
    func `What only resembles a service link is refused as any unknown name`(name: String) {
        #expect(self.complaint(environment: [name: "8888"])?.contains("there is no setting '\(name)'") == true)
    }

    @Test(arguments: [
        ("api:\n  lisen: x", "there is no setting 'api.lisen'; did you mean 'api.listen'?"),
        ("shards: 4\nshards.: 4", "there is no setting 'shards.'; did you mean 'shards'?"),
        ("api: {listen: 'a:1'}\napi.listen: 'b:2'", "api.listen is set twice"),
        ("config.file: /other", "cannot be set in the file it names"),
        ("- shards", "this is not a list of settings"),
        ("api: [", "this is not YAML"),
        ("egress.allow: [[a]]", "must be a list of plain values"),
    ])
    func `A file that is not right is refused in words`(text: String, words: String) async throws {
        try await self.withFile(text) { path throws in
            let complaint = self.complaint(flags: [Setting.configFile: path])
            #expect(complaint?.contains(words) == true, "\(complaint ?? "accepted")")
            #expect(complaint?.contains("\n") == false)
        }
    }

    @Test
    func `A file that is not there is named`() {
        let complaint = self.complaint(flags: [Setting.configFile: "/nowhere/herald.yaml"])
        #expect(
            complaint == "/nowhere/herald.yaml: the settings file cannot be read (No such file or directory)")
    }

    @Test(arguments: [
        (Setting.shards, ["0", "1025", "many", ""]), (Setting.redisConnections, ["65", "1.5"]),
        (Setting.apiListen, ["8888", "::1:80", "h:70000"]), (Setting.apiAdminListen, [":80"]),
        (Setting.apiAuth, ["ldap"]), (Setting.apiDrain, ["0.5", "nan"]), (Setting.apiAdminMode, ["yes", "1", ""]),
        (Setting.notifierAdminListen, ["x"]), (Setting.notifierConcurrency, ["0"]),
        (Setting.notifierHostConcurrency, ["0"]), (Setting.notifierLease, ["4"]), (Setting.notifierDrain, ["1e9"]),
        (Setting.webhookConnectTimeout, ["61"]), (Setting.webhookTimeout, ["-1"]), (Setting.logLevel, ["loud"]),
        (Setting.readyFile, [""]),
    ])
    func `A bad value is one line that names the key, the value, where it stands and what is allowed`(
        setting: Setting, values: [String]
    ) {
        for value in values { self.expectRefusal(of: value, for: setting) }
    }

    private func expectRefusal(of value: String, for setting: Setting) {
        let variable = setting.environment
        #expect(
            self.complaint(environment: [variable: value])
                == "\(setting.name): the value '\(value)' from the environment variable \(variable) is not allowed; "
                + "allowed: \(setting.allowed)")
        #expect(self.complaint(flags: [setting: value])?.contains("'\(value)' from \(setting.flag) is not") == true)
    }

    @Test(arguments: SettingCatalog.all.filter(\.isSecret))
    func `A secret is not shown in a complaint about it`(key: Setting) throws {
        let settings = try self.read(flags: [key: "swordfish"])
        #expect(!settings.invalid(key).description.contains("swordfish"))
        #expect(!settings.invalid(key, value: "swordfish").description.contains("swordfish"))
        #expect(settings.invalid(key).description.contains(key.allowed))
    }

    @Test
    func `A value that another overrides is checked all the same`() {
        #expect(self.complaint(flags: [Setting.shards: "4"], environment: ["HERALD_SHARDS": "no"]) != nil)
    }

    @Test
    func `Settings of the other process may be there, and are checked too`() {
        #expect(self.complaint(.api, environment: ["HERALD_NOTIFIER_LEASE": "10"]) == nil)
        #expect(self.complaint(.api, environment: ["HERALD_NOTIFIER_LEASE": "soon"]) != nil)
    }

    @Test(arguments: ProcessKind.allCases)
    func `The master key is required`(process: ProcessKind) {
        #expect(throws: SettingError.missing(Setting.masterKey)) {
            try SettingReader(for: process, flags: [:], environment: [:])
        }
        let words = SettingError.missing(Setting.masterKey).description
        #expect(words.contains("HERALD_MASTER_KEY or HERALD_MASTER_KEY_FILE"))
        #expect(words.contains("--master-key"))
    }

    @Test
    func `Lists are split at commas and blanks`() throws {
        #expect(
            try self.read(flags: [Setting.egressAllow: "10.0.0.0/8, ::1/128  fd00::/8,"]).list(Setting.egressAllow)
                == ["10.0.0.0/8", "::1/128", "fd00::/8"])
    }
}

struct ListenAddressTests {
    @Test(arguments: [
        ("127.0.0.1:8888", "127.0.0.1", 8888), ("[::1]:80", "::1", 80), ("localhost:0", "localhost", 0),
        ("0.0.0.0:65535", "0.0.0.0", 65535),
    ])
    func `An address is a host and a port`(text: String, host: String, port: Int) {
        #expect(ListenAddress(text) == ListenAddress(host: host, port: port))
        #expect(ListenAddress(text)?.description == text)
    }

    @Test(arguments: [
        "", ":", "host", "host:", ":80", "host:65536", "host:-1", "host:+1", "::1:80", "[]:80", "a b:1", "a/b:1",
        "h:8 0",
    ])
    func `Anything else is no address`(text: String) {
        #expect(ListenAddress(text) == nil)
    }

    @Test(arguments: [
        ("127.0.0.1:1", true), ("127.9.8.7:1", true), ("localhost:1", true), ("LOCALHOST:1", true), ("[::1]:1", true),
        ("[0:0:0:0:0:0:0:1]:1", true), ("[::ffff:127.0.0.1]:1", true), ("0.0.0.0:1", false), ("[::]:1", false),
        ("128.0.0.1:1", false), ("10.0.0.1:1", false), ("[::2]:1", false), ("[::ffff:10.0.0.1]:1", false),
        ("[1::1]:1", false), ("host:1", false), ("localhost.example:1", false), ("127.1:1", false),
    ])
    func `An address is of loopback or not`(text: String, isLoopback: Bool) throws {
        #expect(try #require(ListenAddress(text)).isLoopback == isLoopback)
    }
}
