import Foundation
import Runtime
import TestKit
import Testing

/// A key long enough, so that a reader for the API has all it requires.
private let masterKey = "HERALD_MASTER_KEY"

struct SettingReaderTests {
    private func read(
        _ process: ProcessKind = .api, flags: [SettingKey: String] = [:], environment: [String: String] = [:]
    ) throws -> SettingReader {
        try SettingReader(
            for: process, flags: flags, environment: environment.merging([masterKey: "k"]) { given, _ in given })
    }

    /// What the reader says when it refuses; nil when it does not.
    private func complaint(
        _ process: ProcessKind = .api, flags: [SettingKey: String] = [:], environment: [String: String] = [:]
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
    func `Without anything given the defaults hold`() throws {
        let settings = try self.read(.notifier)
        #expect(settings.text(.redisURL) == "redis://127.0.0.1:6379/0")
        #expect(try settings.integer(.shards) == 16)
        #expect(try settings.address(.notifierAdminListen) == ListenAddress(host: "127.0.0.1", port: 8890))
        #expect(try settings.seconds(.notifierDrain) == .seconds(20))
        #expect(settings.list(.egressAllow) == [])
        #expect(settings.text(.readyFile) == nil)
    }

    @Test
    func `Flags win over the environment, the environment over the file, the file over the defaults`() async throws {
        try await self.withFile("shards: 4\nredis.connections: 3\nlog.level: debug\n") { path throws in
            let settings = try self.read(
                flags: [.configFile: path, .shards: "2"],
                environment: ["HERALD_SHARDS": "8", "HERALD_REDIS_CONNECTIONS": "5"])
            #expect(try settings.integer(.shards) == 2)
            #expect(try settings.integer(.redisConnections) == 5)
            #expect(settings.text(.logLevel) == "debug")
            #expect(settings.text(.apiListen) == "127.0.0.1:8888")
        }
    }

    @Test
    func `The environment can name the file`() async throws {
        try await self.withFile("shards: 4") { path throws in
            #expect(try self.read(environment: ["HERALD_CONFIG_FILE": path]).integer(.shards) == 4)
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
            let settings = try self.read(flags: [.configFile: path])
            #expect(settings.text(.redisURL) == "unix:///run/redis.sock")
            #expect(try settings.integer(.redisConnections) == 4)
            #expect(try settings.address(.apiListen) == ListenAddress(host: "0.0.0.0", port: 80))
            #expect(settings.list(.egressAllow) == ["10.1.0.0/16", "fd00::/8"])
            #expect(try settings.seconds(.webhookConnectTimeout) == .milliseconds(2500))
            #expect(try settings.seconds(.webhookTimeout) == .seconds(10))
            #expect(settings.text(.readyFile) == nil)
        }
    }

    @Test(arguments: ["", "# nothing yet\n", "---\n"])
    func `An empty file sets nothing`(text: String) async throws {
        try await self.withFile(text) { path throws in
            #expect(try self.read(flags: [.configFile: path]).integer(.shards) == 16)
        }
    }

    @Test
    func `A secret can lie in a file of its own, and the newline at its end is not part of it`() async throws {
        try await self.withFile("open sesame\n") { path throws in
            let settings = try SettingReader(for: .api, flags: [:], environment: ["HERALD_MASTER_KEY_FILE": path])
            #expect(settings.text(.masterKey) == "open sesame")
        }
    }

    @Test
    func `A secret given both ways is refused, and shown neither way`() async throws {
        try await self.withFile("one") { path throws in
            #expect(throws: SettingError.ambiguous(.masterKey, "HERALD_MASTER_KEY", "HERALD_MASTER_KEY_FILE")) {
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
            let complaint = self.complaint(flags: [.configFile: path])
            #expect(complaint?.contains(words) == true, "\(complaint ?? "accepted")")
            #expect(complaint?.contains("\n") == false)
        }
    }

    @Test
    func `A file that is not there is named`() {
        let complaint = self.complaint(flags: [.configFile: "/nowhere/herald.yaml"])
        #expect(
            complaint == "/nowhere/herald.yaml: the settings file cannot be read (No such file or directory)")
    }

    @Test(arguments: [
        (SettingKey.shards, "0"), (.shards, "1025"), (.shards, "many"), (.shards, ""), (.redisConnections, "65"),
        (.redisConnections, "1.5"), (.apiListen, "8888"), (.apiListen, "::1:80"), (.apiListen, "h:70000"),
        (.apiAdminListen, ":80"), (.apiAuth, "keystone"), (.apiDrain, "0.5"), (.apiDrain, "nan"),
        (.notifierAdminListen, "x"), (.notifierConcurrency, "0"), (.notifierHostConcurrency, "0"),
        (.notifierLease, "4"), (.notifierDrain, "1e9"),
        (.webhookConnectTimeout, "61"), (.webhookTimeout, "-1"), (.logLevel, "loud"), (.readyFile, ""),
    ])
    func `A bad value is one line that names the key, the value, where it stands and what is allowed`(
        key: SettingKey, value: String
    ) {
        let setting = SettingCatalog[key]
        let variable = setting.environment
        #expect(
            self.complaint(environment: [variable: value])
                == "\(key.rawValue): the value '\(value)' from the environment variable \(variable) is not allowed; "
                + "allowed: \(setting.allowed)")
        #expect(self.complaint(flags: [key: value])?.contains("'\(value)' from \(setting.flag) is not") == true)
    }

    @Test(arguments: SettingCatalog.all.filter(\.isSecret).map(\.key))
    func `A secret is not shown in a complaint about it`(key: SettingKey) throws {
        let settings = try self.read(flags: [key: "swordfish"])
        #expect(!settings.invalid(key).description.contains("swordfish"))
        #expect(!settings.invalid(key, value: "swordfish").description.contains("swordfish"))
        #expect(settings.invalid(key).description.contains(SettingCatalog[key].allowed))
    }

    @Test
    func `A value somebody overrides is checked all the same`() {
        #expect(self.complaint(flags: [.shards: "4"], environment: ["HERALD_SHARDS": "no"]) != nil)
    }

    @Test
    func `Settings of the other process may be there, and are checked too`() {
        #expect(self.complaint(.api, environment: ["HERALD_NOTIFIER_LEASE": "10"]) == nil)
        #expect(self.complaint(.api, environment: ["HERALD_NOTIFIER_LEASE": "soon"]) != nil)
    }

    @Test(arguments: ProcessKind.allCases)
    func `The master key is required`(process: ProcessKind) {
        #expect(throws: SettingError.missing(.masterKey)) {
            try SettingReader(for: process, flags: [:], environment: [:])
        }
        let words = SettingError.missing(.masterKey).description
        #expect(words.contains("HERALD_MASTER_KEY or HERALD_MASTER_KEY_FILE"))
        #expect(words.contains("--master-key"))
    }

    @Test
    func `Lists are split at commas and blanks`() throws {
        #expect(
            try self.read(flags: [.egressAllow: "10.0.0.0/8, ::1/128  fd00::/8,"]).list(.egressAllow)
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
}
