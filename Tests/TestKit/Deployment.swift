package import Foundation
import NIOConcurrencyHelpers
package import Runtime

/// A whole Herald under test: real processes on loopback, and a Redis of their own.
///
/// What each process prints lies in the folder of its Redis, and is printed when a test of the deployment fails.
package final class Deployment: Sendable {
    package struct Running: Sendable {
        package let process: ChildProcess
        package let ready: ReadyFile.Content
    }

    package struct DidNotStart: Error, CustomStringConvertible {
        package let description: String
    }

    /// Loopback is opened, since the receivers of a test live there.
    package static let egressAllow = "127.0.0.0/8,::1/128"

    package let redis: RedisServer
    private let redisURL: String
    /// In hexadecimal digits, as the processes get it.
    package let masterKey: String
    private let settings: [String: String]
    private let started = NIOLockedValueBox<[ChildProcess]>([])
    private let names = NIOLockedValueBox(0)

    /// - Parameters:
    ///   - redis: What the processes print lies in its folder.
    ///   - redisURL: How the processes reach Redis; nil: directly.
    package init(redis: RedisServer, at redisURL: String? = nil, settings: [String: String]) {
        self.redis = redis
        self.redisURL = redisURL ?? redis.url
        self.settings = settings
        var generator = SystemRandomNumberGenerator()
        self.masterKey = (0..<4).map { _ in
            let word = String(generator.next(), radix: 16)
            return String(repeating: "0", count: 16 - word.count) + word
        }.joined()
    }

    /// Starts `herald-api` and waits until it serves.
    ///
    /// - Parameters:
    ///   - listen: Port 0 lets the kernel choose; a restarted API takes the address of its predecessor.
    ///   - build: Whose executable it is.
    package func startAPI(listen: String = "127.0.0.1:0", of build: HeraldBuild = .own) async throws -> Running {
        try await self.start(
            "herald-api", of: build,
            [
                "HERALD_API_LISTEN": listen, "HERALD_API_WEBSOCKET_LISTEN": "127.0.0.1:0",
                "HERALD_API_ADMIN_LISTEN": "127.0.0.1:0",
            ])
    }

    /// Starts `herald-notifier` and waits until it works.
    ///
    /// - Parameters:
    ///   - ranges: What it may call beside public addresses; nil for the policy as it comes.
    ///   - build: Whose executable it is.
    package func startNotifier(
        opening ranges: String? = egressAllow, of build: HeraldBuild = .own
    ) async throws -> Running {
        var settings = ["HERALD_NOTIFIER_ADMIN_LISTEN": "127.0.0.1:0"]
        settings["HERALD_EGRESS_ALLOW"] = ranges
        return try await self.start("herald-notifier", of: build, settings)
    }

    /// Ends every process that still runs.
    package func stop() async {
        for process in self.started.withLockedValue({ $0 }) where process.exit == nil { await process.stop() }
    }

    /// What the processes printed, for the report of a test that failed.
    package var logs: String {
        let folder = self.redis.folder
        // A log that cannot be read is missing from the report of a failure, and nowhere else.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".log") }.sorted().map { name in
            let text = (try? String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)) ?? ""
            return "--- \(name)\n\(text.suffix(4000))"
        }.joined(separator: "\n")
    }

    private func start(
        _ executable: String, of build: HeraldBuild, _ environment: [String: String]
    ) async throws -> Running {
        let number = self.names.withLockedValue { names in
            names += 1
            return names
        }
        let name = "\(executable)-\(number)"
        let readyFile = self.redis.folder.appendingPathComponent("\(name).json")
        let log = self.redis.folder.appendingPathComponent("\(name).log")
        let process = try ChildProcess(
            build.executable(executable), arguments: [],
            environment: self.settings.merging(environment) { _, new in new }.merging([
                "HERALD_REDIS_URL": self.redisURL,
                "HERALD_MASTER_KEY": self.masterKey,
                "HERALD_READY_FILE": readyFile.path,
            ]) { _, new in new },
            log: log)
        self.started.withLockedValue { $0.append(process) }
        let ready = try await eventually(every: .milliseconds(5)) { () -> ReadyFile.Content? in
            if let exit = process.exit {
                throw DidNotStart(description: "\(name) ended with \(exit):\n\(self.logs)")
            }
            return ReadyFile.Content.read(path: readyFile.path)
        }
        guard let ready else { throw DidNotStart(description: "\(name) is not ready:\n\(self.logs)") }
        return Running(process: process, ready: ready)
    }

    /// Begins a command of `herald` against its Redis.
    package func begin(_ arguments: [String], log: URL) throws -> ChildProcess {
        try ChildProcess(
            Self.executable("herald"), arguments: arguments,
            environment: ["HERALD_REDIS_URL": self.redisURL, "HERALD_MASTER_KEY": self.masterKey], log: log)
    }

    /// Runs a command of `herald` against its Redis, to the end.
    package func herald(_ arguments: [String]) async throws -> (exit: ChildProcess.Exit?, output: String) {
        try await withTemporaryFolder { folder in
            let log = folder.appendingPathComponent("herald.log")
            let process = try self.begin(arguments, log: log)
            let exit = await process.waitForExit(within: .seconds(60))
            return (exit, String(decoding: try Data(contentsOf: log), as: UTF8.self))
        }
    }

    /// An executable of this build.
    package static func executable(_ name: String) -> URL { HeraldBuild.own.executable(name) }
}

extension Deployment.Running {
    /// Where the REST API listens; a notifier has no such place.
    package var address: String { self.ready.listen ?? "" }
}

/// Runs `body` with a deployment of its own, whose processes and Redis are gone afterwards.
///
/// - Parameters:
///   - appendOnly: Whether Redis keeps what it acknowledged across its own death.
///   - redisListens: Whether Redis listens on a loopback port, beside the socket that the deployment uses.
///   - redisPassword: The password that Redis asks of every client.
///   - settings: Environment variables of every process of the deployment.
package func withDeployment<Result>(
    appendOnly: Bool = false, redisListens: Bool = false, redisPassword: String? = nil,
    settings: [String: String] = [:],
    _ body: (Deployment) async throws -> Result
) async throws -> Result {
    try await withRedis(appendOnly: appendOnly, tcp: redisListens, password: redisPassword) { redis in
        try await withProcesses(of: Deployment(redis: redis, settings: settings), body)
    }
}

/// The same with a Redis that a test has started: its processes are gone afterwards.
package func withProcesses<Result>(
    of deployment: Deployment, _ body: (Deployment) async throws -> Result
) async throws -> Result {
    let result: Result
    do {
        result = try await body(deployment)
    } catch {
        await deployment.stop()
        throw error
    }
    await deployment.stop()
    return result
}
