import Foundation
import Redis
import Runtime
import Settings
import Store
import TestKit
import Testing

extension DeploymentTests {
    /// Whole processes and what an operator gives them.
    struct SettingTests {
        private static let masterKey = String(repeating: "3c", count: 32)

        enum Way: CaseIterable { case flags, environment, file }

        @Test(arguments: ProcessKind.allCases, Way.allCases)
        func `A process takes every setting there is for it, and works by them`(
            kind: ProcessKind, way: Way
        ) async throws {
            try await withRedis { redis in
                let readyFile = redis.folder.appendingPathComponent("ready.json").path
                var given: [Setting: String] = [:]
                for setting in SettingCatalog.settings(of: kind) where setting != Setting.configFile {
                    given[setting] = SettingSamples.value(of: setting) ?? setting.default
                }
                // Mail takes a relay or a command, not both, and an address for bounces beside a relay; MailTests give these.
                given[Setting.emailRelay] = nil
                given[Setting.emailBounceAddress] = nil
                // The first API key takes another value of api.auth; APIKeyTests give it.
                given[Setting.apiKeysBootstrapFile] = nil
                given[Setting.apiKeysBootstrapProject] = nil
                // The admin listener is asked in the clear; TLSTests have it encrypted.
                given[Setting.adminTLSCertificateFile] = nil
                given[Setting.adminTLSKeyFile] = nil
                given[Setting.adminTLSClientCAFile] = nil
                given[Setting.redisURL] = redis.url
                given[Setting.readyFile] = readyFile
                given[Setting.logLevel] = "debug"
                given[Setting.logFormat] = "text"
                let log = redis.folder.appendingPathComponent("process.log")
                let process = try Self.start(kind, given, by: way, in: redis.folder, log: log)
                let ready = try await eventually { () -> ReadyFile.Content? in
                    if process.exit != nil { throw Ended(log: Self.text(log)) }
                    return ReadyFile.Content.read(path: readyFile)
                }
                let admin = try #require(ready?.admin)
                #expect(try await HTTPCaller(admin).send("GET", "/livez").status == 200)
                process.signal(SIGTERM)
                #expect(await process.waitForExit() == .status(0))
                let text = Self.text(log)
                let drain = kind == .api ? Setting.apiDrain : Setting.notifierDrain
                #expect(text.contains("drain=\(given[drain] ?? "").0 seconds"), "\(text)")
                #expect(text.contains(" debug "), "\(text)")
            }
        }

        @Test(arguments: ProcessKind.allCases)
        func `The help names every flag and its default, and ends with status 0`(kind: ProcessKind) async throws {
            let (exit, text) = try await Self.run(kind, ["--help"])
            #expect(exit == .status(0))
            for setting in SettingCatalog.settings(of: kind) { #expect(text.contains("\(setting.flag) <"), "\(text)") }
            #expect(text.contains("Default:"))
        }

        @Test(arguments: [
            (["--shard", "4"], Int32(64), "--shards"), (["--log-levels=debug"], 64, "--log-level"),
            (["--shards"], 64, "--shards"),
            (["--shards", "0"], 78, "from --shards is not allowed"),
        ])
        func `A flag that is not right ends a process with its status and the right name`(
            arguments: [String], status: Int32, words: String
        ) async throws {
            for kind in ProcessKind.allCases {
                let (exit, text) = try await Self.run(kind, arguments)
                #expect(exit == .status(status))
                #expect(text.contains(words), "\(text)")
            }
        }

        @Test(arguments: ProcessKind.allCases)
        func `Variables of Kubernetes' service links are logged once and do not stop the start`(
            kind: ProcessKind
        ) async throws {
            try await withDeployment(settings: [
                "HERALD_PORT": "tcp://10.0.0.1:8888", "HERALD_API_SERVICE_HOST": "10.0.0.1",
                "HERALD_API_SERVICE_PORT": "8888", "HERALD_NOTIFIER_PORT_8888_TCP_ADDR": "10.0.0.2",
            ]) { deployment in
                _ = try await kind == .api ? deployment.startAPI() : deployment.startNotifier()
                let lines = deployment.logs.split(separator: "\n").filter { $0.contains("orchestrator") }
                #expect(lines.count == 1 && lines.first?.contains("count=4") == true, "\(deployment.logs)")
            }
        }

        @Test(arguments: ProcessKind.allCases)
        func `On a Redis that evicts a process ends with 78 and one line`(kind: ProcessKind) async throws {
            try await withRedis(arguments: ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]) { redis in
                try await Self.expectRefusal(kind, redis: redis.url, words: "maxmemory-policy")
            }
        }

        @Test(arguments: ProcessKind.allCases)
        func `On a Redis of another shard count a process ends with 78 and one line`(kind: ProcessKind) async throws {
            try await withRedis { redis in
                try await redis.command("SET", "herald:{control}:shards", "8")
                try await Self.expectRefusal(kind, redis: redis.url, words: "shards: '16'")
            }
        }

        @Test(arguments: ProcessKind.allCases)
        func `On data of a format it does not understand a process ends with 78 and one line`(
            kind: ProcessKind
        ) async throws {
            try await withRedis { redis in
                let newest = StoreFormat.understood.upperBound
                try await redis.command(
                    "MSET", "herald:{control}:shards", "16", "herald:{control}:format", "\(newest + 1)")
                try await Self.expectRefusal(
                    kind, redis: redis.url,
                    words: "has format \(newest + 1), and this Herald understands formats 1 to \(newest)")
            }
        }

        @Test(arguments: ProcessKind.allCases)
        func `On a Redis that is too old a process ends with 78 and one line`(kind: ProcessKind) async throws {
            try await withFakeRedis(info: "redis_version:6.0.16\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n") {
                try await Self.expectRefusal(kind, redis: $0, words: "6.0.16 is too old")
            }
        }

        @Test func `An API that others reach and that authenticates no caller does not start, or says so`() async throws
        {
            try await withRedis { redis in
                try await Self.expectRefusal(
                    .api, redis: redis.url, words: "api.listen: '0.0.0.0:0' can be reached from other machines",
                    ["--listen", "0.0.0.0:0", "--websocket-listen", "127.0.0.1:0"])
            }
            try await withDeployment(settings: ["HERALD_API_ALLOW_UNAUTHENTICATED": "true"]) { deployment in
                _ = try await deployment.startAPI(listen: "0.0.0.0:0")
                let lines = deployment.logs.split(separator: "\n").filter {
                    $0.contains("warning") && $0.contains("Nothing is authenticated")
                }
                #expect(lines.count == 1, "\(deployment.logs)")
            }
        }

        @Test(arguments: [true, false])
        func `A Redis without an append-only file is used, and said to lose what it was given`(isAppendOnly: Bool)
            async throws
        {
            try await withDeployment(appendOnly: isAppendOnly) { deployment in
                _ = try await deployment.startAPI()
                _ = try await deployment.startNotifier()
                let lines = deployment.logs.split(separator: "\n").filter {
                    $0.contains("Redis has no append-only file")
                }
                #expect(lines.count == (isAppendOnly ? 0 : 2), "\(deployment.logs)")
            }
        }

        // MARK: Starting

        private struct Ended: Error { let log: String }

        /// Expects 78 and exactly one line that is no log line.
        private static func expectRefusal(
            _ kind: ProcessKind, redis: String, words: String, _ arguments: [String] = []
        ) async throws {
            let (exit, text) = try await self.run(
                kind,
                ["--redis-url", redis, "--master-key", self.masterKey, "--admin-listen", "127.0.0.1:0"] + arguments)
            #expect(exit == .status(78), "\(text)")
            let lines = text.split(separator: "\n").filter { $0.hasPrefix("\(kind.rawValue): ") }
            #expect(lines.count == 1 && lines.first?.contains(words) == true, "\(text)")
        }

        private static func run(
            _ kind: ProcessKind, _ arguments: [String]
        ) async throws -> (exit: ChildProcess.Exit, text: String) {
            try await withTemporaryFolder { folder in
                let log = folder.appendingPathComponent("process.log")
                let process = try ChildProcess(
                    Deployment.executable(kind.rawValue), arguments: arguments, log: log)
                let exit = await process.waitForExit(within: .seconds(60))
                return (exit, self.text(log))
            }
        }

        private static func start(
            _ kind: ProcessKind, _ given: [Setting: String], by way: Way, in folder: URL, log: URL
        ) throws -> ChildProcess {
            var arguments: [String] = []
            var environment: [String: String] = [:]
            switch way {
            case .flags:
                arguments = given.flatMap { [$0.flag, $1] }
            case .environment:
                for (setting, value) in given { environment[setting.environment] = value }
            case .file:
                let file = folder.appendingPathComponent("herald.yaml")
                let lines = given.map { "\($0.name): '\($1)'\n" }.joined()
                try Data(lines.utf8).write(to: file)
                environment[Setting.configFile.environment] = file.path
            }
            return try ChildProcess(
                Deployment.executable(kind.rawValue), arguments: arguments, environment: environment, log: log)
        }

        private static func text(_ log: URL) -> String {
            // Only ever read to see what a process printed; none is an empty text.
            (try? String(contentsOf: log, encoding: .utf8)) ?? ""
        }
    }
}
