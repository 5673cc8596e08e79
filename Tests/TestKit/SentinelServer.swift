import Foundation
import NIOConcurrencyHelpers
import NIOPosix
package import Redis

/// A Redis Sentinel of a test's own, gone with the test.
package final class SentinelServer: Sendable {
    /// The name it watches its master by.
    package static let master = "test-master"
    /// A user of every watched server; only Sentinels use it, so a test can shut them out.
    package static let user = "sentinel"

    package let port: Int
    private let host: ServerHost
    private let folder: URL
    private let process = NIOLockedValueBox<ChildProcess?>(nil)
    private let client: RedisClient

    /// Starts one, on another port when the one it was given turned out to be taken.
    ///
    /// - Parameters:
    ///   - master: Is reached by the port it listens on.
    ///   - quorum: How many have to agree that the master is away.
    ///   - downAfter: Without an answer for so long, a server counts as away.
    ///   - password: It asks of every client.
    ///   - certificates: With them it takes TLS only, and speaks it to the servers and the other Sentinels.
    ///   - host: Where it runs.
    ///   - knowsServers: Whether it has the login of the servers: without it, it reaches none, and learns nothing.
    static func started(
        in folder: URL, watching master: RedisServer, quorum: Int, downAfter: Duration, password: String?,
        certificates: RedisCertificates? = nil, host: ServerHost = .loopback, knowsServers: Bool = true
    ) async throws -> SentinelServer {
        guard case .tcp(let address, let port)? = master.tcpEndpoint?.address else {
            preconditionFailure("a master that is watched listens on a port")
        }
        for attempt in 1... {
            let server = SentinelServer(
                port: try await host.freePort(), on: host,
                folder: folder.appendingPathComponent("sentinel-\(UUID().uuidString.prefix(8))"), password: password)
            do {
                let listening = certificates?.settings(port: server.port) ?? [("port", "\(server.port)")]
                try await server.start(
                    listening.map { "\($0.name) \($0.value)" } + [
                        "sentinel monitor \(Self.master) \(address) \(port) \(quorum)",
                        "sentinel down-after-milliseconds \(Self.master) \(downAfter / .milliseconds(1))",
                        "sentinel failover-timeout \(Self.master) 3000", "sentinel parallel-syncs \(Self.master) 2",
                        "sentinel auth-user \(Self.master) \(Self.user)",
                        "sentinel auth-pass \(Self.master) \(knowsServers ? Self.user : "wrong")",
                        password.map { "requirepass \($0)" } ?? "",
                    ])
                return server
            } catch {
                let isPortTaken = server.log.contains("Address already in use")
                await server.end()
                guard isPortTaken, attempt < 10 else { throw error }
            }
        }
        preconditionFailure("the loop ends by returning or throwing")
    }

    private init(port: Int, on host: ServerHost, folder: URL, password: String?) {
        self.port = port
        self.host = host
        self.folder = folder
        // In the clear, and also where no packet gets through.
        let endpoint = RedisEndpoint(
            address: .unix(path: folder.appendingPathComponent("sentinel.sock").path),
            login: RedisLogin(password: password))
        self.client = RedisClient(
            url: RedisURL(endpoint), connections: 1, mustBeMaster: false,
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quietLogger())
    }

    package var address: String { self.host.address }

    package var log: String {
        (try? String(contentsOf: self.folder.appendingPathComponent("sentinel.log"), encoding: .utf8)) ?? ""
    }

    /// Runs one command, as `redis-cli` would.
    @discardableResult
    package func command(_ words: String...) async throws(RedisError) -> RedisValue {
        guard let name = words.first else { preconditionFailure("a command has a name") }
        return try await self.client.send(RedisCommand(name, words.dropFirst()))
    }

    /// The port of the master it names.
    package func masterPort() async throws(RedisError) -> Int? {
        try await self.command("SENTINEL", "get-master-addr-by-name", Self.master).array?.last?.int
    }

    /// Ends it without asking (SIGKILL), and waits until it is gone.
    package func kill() async {
        let process = self.process.withLockedValue { $0 }
        process?.signal(SIGKILL)
        await process?.waitForExit()
    }

    /// Stops it in its tracks (SIGSTOP): the kernel still takes connections, nothing is answered.
    package func pause() { self.process.withLockedValue { $0 }?.signal(SIGSTOP) }

    /// Ends it, also one that is paused.
    func end() async {
        await self.client.shutDown()
        let process = self.process.withLockedValue { $0 }
        process?.signal(SIGCONT)
        await process?.stop()
    }

    private func start(_ settings: [String]) async throws {
        try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
        // Sentinel writes into this file itself, so each has one of its own.
        let lines =
            [
                "bind \(self.address)", "unixsocket \(self.folder.path)/sentinel.sock", "daemonize no",
                "dir \(self.folder.path)",
            ] + settings
        let file = self.folder.appendingPathComponent("sentinel.conf")
        try lines.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
        let process = try self.host.start(
            "redis-server", [file.path, "--sentinel"], log: self.folder.appendingPathComponent("sentinel.log"))
        self.process.withLockedValue { $0 = process }
        let answered: Bool? = try await eventually {
            do {
                try await self.command("PING")
                return true
            } catch {
                return process.exit == nil ? nil : false
            }
        }
        guard answered == true else { throw RedisServer.NotStarted(description: "Sentinel:\n\(self.log)") }
    }
}
