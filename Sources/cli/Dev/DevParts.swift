import Foundation
import NIOConcurrencyHelpers
import Runtime
import Settings

/// The processes of a development deployment: starts them in order, and stops them in the opposite one.
final class DevParts: Sendable {
    /// The longest path a Unix socket may have on Linux (`sun_path`), less a reserve.
    private static let socketPathMax = 100

    private let plan: DevDeployment.Plan
    private let lock: DevLock
    private let terminal: Terminal
    private let onExit: @Sendable (String, Child.Exit) -> Void
    /// In start order.
    private let children = NIOLockedValueBox<[Child]>([])
    private let isStopping = NIOLockedValueBox(false)

    init(
        plan: DevDeployment.Plan, lock: DevLock, terminal: Terminal,
        onExit: @escaping @Sendable (String, Child.Exit) -> Void
    ) {
        self.plan = plan
        self.lock = lock
        self.terminal = terminal
        self.onExit = onExit
    }

    func start() async throws -> DevDeployment.Running {
        let redisURL: String
        if let given = self.plan.redisURL { redisURL = given } else { redisURL = try await self.startRedis() }
        if self.plan.redisURL == nil {
            try await DevAgreement.accept(
                environment: self.environment(redisURL: redisURL, own: [:]), within: DevDeployment.startLimit)
        }
        let (listen, remark) = try await self.chooseListen()
        let webSocket = await self.webSocketListen()
        // Both at once: neither needs the other.
        async let api = self.startProcess(
            .api, redisURL: redisURL,
            own: [
                Setting.apiListen: listen.description, Setting.apiWebSocketListen: webSocket.description,
                Setting.apiAdminListen: "127.0.0.1:0",
                // An address that was asked for is an address for others.
                Setting.apiAllowUnauthenticated: listen.isLoopback ? "false" : "true",
                Setting.apiPublicURL: self.publicURL(of: listen), Setting.apiDrain: "\(DevDeployment.drainSeconds)",
            ])
        var notifierSettings = [
            Setting.notifierAdminListen: "127.0.0.1:0", Setting.apiPublicURL: self.publicURL(of: listen),
            Setting.egressAllow: DevDeployment.egressAllow,
            Setting.notifierDrain: "\(DevDeployment.drainSeconds)",
        ]
        if self.plan.mailPort != nil { notifierSettings[Setting.emailFrom] = DevDeployment.mailFrom }
        async let notifier = self.startProcess(.notifier, redisURL: redisURL, own: notifierSettings)
        let (apiReady, notifierReady) = try await (api, notifier)
        guard let bound = apiReady.listen else { throw Failure("herald-api does not say where it listens") }
        let url = "http://\(bound)"
        let children = self.children.withLockedValue { $0 }
        try DevRecord(
            pid: ProcessInfo.processInfo.processIdentifier, url: url,
            children: Dictionary(children.map { ($0.name, $0.id) }) { first, _ in first }
        ).write(to: self.plan.folder)
        return DevDeployment.Running(
            url: url, webSocket: apiReady.websocket, redisURL: redisURL, apiAdmin: apiReady.admin,
            notifierAdmin: notifierReady.admin, remark: remark)
    }

    /// Ends what runs: the notifier hands back its leases while Redis still listens, Redis saves last.
    ///
    /// - Returns: The names of what was stopped, in that order.
    func stop() async -> [String] {
        self.isStopping.withLockedValue { $0 = true }
        var stopped: [String] = []
        let order = [ProcessKind.notifier.rawValue, ProcessKind.api.rawValue, Self.redisName]
        for name in order {
            let child = self.children.withLockedValue { $0.first { $0.name == name } }
            guard let child, child.exit == nil else { continue }
            let exit = await child.stop(within: DevDeployment.stopGrace)
            if exit == .signal(SIGKILL) { self.terminal.line("\(name) did not stop in time and was ended") }
            stopped.append(name)
        }
        return stopped
    }

    // MARK: Redis

    static let redisName = "redis-server"

    private func startRedis() async throws -> String {
        guard let executable = self.find(Self.redisName) else {
            throw Failure("redis-server is not installed: apt-get install redis-server, or give --redis-url")
        }
        let folder = self.plan.folder
        let path = folder.url.appendingPathComponent("redis.sock").path
        guard path.utf8.count <= Self.socketPathMax else {
            throw Failure("the path \(folder.url.path) is too long for a Unix socket: choose another with --directory")
        }
        // What a killed Redis left; the folder's lock says that no process uses it.
        try? FileManager.default.removeItem(atPath: path)
        let child = try self.launch(
            Self.redisName, executable,
            arguments: [
                "--port", "0", "--unixsocket", path, "--unixsocketperm", "700",
                "--dir", folder.redis.path, "--appendonly", "yes", "--save", "",
                "--maxmemory-policy", "noeviction", "--daemonize", "no", "--set-proc-title", "no",
                "--logfile", self.plan.isVerbose ? "" : folder.redisLog.path,
            ],
            environment: self.plan.environment)
        _ = try await self.wait(for: child, reason: "see \(folder.redisLog.path)") {
            FileManager.default.fileExists(atPath: path) ? true : nil
        }
        return "unix://\(path)"
    }

    private func find(_ name: String) -> URL? {
        let path = self.plan.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        return path.split(separator: ":").map { URL(fileURLWithPath: String($0)).appendingPathComponent(name) }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }

    // MARK: Herald's processes

    private func chooseListen() async throws -> (ListenAddress, remark: String?) {
        if let given = self.plan.listen { return (try await PortProbe.chosen(given), nil) }
        let usual = ListenAddress(host: "127.0.0.1", port: 8888)
        guard await PortProbe.isFree(usual) else {
            let other = try await PortProbe.chosen(ListenAddress(host: usual.host, port: 0))
            return (other, "port \(usual.port) is taken, so another one was chosen")
        }
        return (usual, nil)
    }

    /// The usual port, unless another is asked for or this one is taken.
    private func webSocketListen() async -> ListenAddress {
        let usual = ListenAddress(host: "127.0.0.1", port: 9000)
        let isUsual = self.plan.listen == nil ? await PortProbe.isFree(usual) : false
        return isUsual ? usual : ListenAddress(host: self.plan.listen?.host ?? usual.host, port: 0)
    }

    /// The root of the API in links of confirmations; what the environment says about it goes first.
    private func publicURL(of listen: ListenAddress) -> String {
        // The wildcard addresses are none to call.
        let host = ["0.0.0.0", "::"].contains(listen.host) ? "127.0.0.1" : listen.host
        return self.plan.environment[Setting.apiPublicURL.environment]
            ?? "http://\(ListenAddress(host: host, port: listen.port))"
    }

    private func startProcess(
        _ process: ProcessKind, redisURL: String, own: [Setting: String]
    ) async throws -> ReadyFile.Content {
        let name = process.rawValue
        let executable = self.plan.executables.appendingPathComponent(name)
        guard FileManager.default.isExecutableFile(atPath: executable.path) else {
            throw Failure("\(executable.path) is not there: build it with `swift build`")
        }
        let readyFile = self.plan.folder.url.appendingPathComponent("\(name).json")
        // One left by a killed deployment would speak of a process that is gone.
        try? FileManager.default.removeItem(at: readyFile)
        let child = try self.launch(
            name, executable, arguments: [],
            environment: self.environment(
                redisURL: redisURL, own: own.merging([Setting.readyFile: readyFile.path]) { $1 }))
        return try await self.wait(for: child, reason: "what it said is above") {
            ReadyFile.Content.read(path: readyFile.path)
        }
    }

    /// The environment of Herald's processes, with the settings of one of them.
    private func environment(redisURL: String, own: [Setting: String]) -> [String: String] {
        var common = [
            Setting.redisURL: redisURL, Setting.logLevel: self.plan.isVerbose ? "info" : "warning",
        ]
        if let port = self.plan.mailPort { common[Setting.emailRelay] = "smtp://127.0.0.1:\(port)" }
        return DevEnvironment.make(
            from: self.plan.environment, settings: common.merging(own) { $1 },
            secretFiles: [
                Setting.masterKey: self.plan.folder.masterKey.path,
                Setting.signedURLKeys: self.plan.folder.signedURLKey.path,
            ])
    }

    // MARK: Children

    private func launch(
        _ name: String, _ executable: URL, arguments: [String], environment: [String: String]
    ) throws -> Child {
        let terminal = self.terminal
        let isStopping = self.isStopping
        let onExit = self.onExit
        let label = terminal.styled(
            name.replacing("herald-", with: "").padding(toLength: 12, withPad: " ", startingAt: 0) + " │ ", .dim)
        let child = try Child(
            name, executable: executable, arguments: arguments, environment: environment, keeping: self.lock.descriptor,
            onLine: { terminal.line(label + $0) },
            onExit: { exit in if !isStopping.withLockedValue({ $0 }) { onExit(name, exit) } })
        self.children.withLockedValue { $0.append(child) }
        return child
    }

    /// Waits until `condition` gives a value, unless the child ends first or takes too long.
    private func wait<Value: Sendable>(
        for child: Child, reason: String, _ condition: () -> Value?
    ) async throws -> Value {
        let deadline = ContinuousClock.now + DevDeployment.startLimit
        while ContinuousClock.now < deadline {
            if let value = condition() { return value }
            if let exit = child.exit {
                throw Failure("\(child.name) ended with \(exit) before it was ready; \(reason)")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw Failure("\(child.name) was not ready within \(DevDeployment.startLimit); \(reason)")
    }
}
