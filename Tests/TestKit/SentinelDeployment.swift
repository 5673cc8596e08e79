import Redis

/// A master, its replicas, and the Sentinels that watch them: real processes on loopback.
package struct SentinelDeployment: Sendable {
    /// The first one was the master at the start.
    package let servers: [RedisServer]
    package let sentinels: [SentinelServer]
    private let password: String?
    private let isEncrypted: Bool

    fileprivate init(servers: [RedisServer], sentinels: [SentinelServer], password: String?, isEncrypted: Bool) {
        self.servers = servers
        self.sentinels = sentinels
        self.password = password
        self.isEncrypted = isEncrypted
    }

    /// The password of every server; that of the Sentinels is another.
    package static let serverPassword = "of-servers"

    /// As `--redis-url` takes it.
    ///
    /// - Parameters:
    ///   - sentinels: Those that are named; nil for all.
    ///   - master: The name they are asked for.
    package func url(naming sentinels: [SentinelServer]? = nil, master: String = SentinelServer.master) -> String {
        let login = self.password.map { "?sentinel_password=\($0)" } ?? ""
        return "\(self.scheme)+sentinel://:\(Self.serverPassword)@\(self.hosts(sentinels))/\(master)\(login)"
    }

    /// As the messaging API has it.
    package var poolURI: String {
        let login = self.password.map { "&sentinel_password=\($0)" } ?? ""
        return "\(self.scheme)://:\(Self.serverPassword)@\(self.hosts(nil))?master=\(SentinelServer.master)\(login)"
    }

    private var scheme: String { self.isEncrypted ? "rediss" : "redis" }

    private func hosts(_ sentinels: [SentinelServer]?) -> String {
        (sentinels ?? self.sentinels).map { "\($0.address):\($0.port)" }.joined(separator: ",")
    }

    /// The server that most Sentinels name, once it is a master that takes writes; waits for it.
    ///
    /// - Parameter former: A server that it has to be another than.
    package func master(after former: RedisServer? = nil) async throws -> RedisServer {
        let master = try await eventually { () async throws -> RedisServer? in
            var votes: [Int: Int] = [:]
            for sentinel in self.sentinels {
                do throws(RedisError) {
                    if let port = try await sentinel.masterPort() { votes[port, default: 0] += 1 }
                } catch {
                    continue  // One that is away has no vote.
                }
            }
            guard let (port, count) = votes.max(by: { $0.value < $1.value }), 2 * count > self.sentinels.count,
                port != former?.tcpPort, let server = self.servers.first(where: { $0.tcpPort == port }),
                await Self.role(of: server) == "master"
            else { return nil }
            return server
        }
        guard let master else { throw RedisServer.NotStarted(description: "there is no master:\n\(self.log)") }
        return master
    }

    /// Has the Sentinels make another server the master, as an operator does; the master of before is a replica then.
    package func failOver() async throws -> RedisServer {
        let former = try await self.master()
        // Refused while the one before is not over yet, or no replica is known to be good.
        let begun: Bool? = try await eventually {
            for sentinel in self.sentinels {
                do throws(RedisError) {
                    _ = try await sentinel.command("SENTINEL", "failover", SentinelServer.master)
                    return true
                } catch {
                    continue
                }
            }
            return nil
        }
        guard begun == true else { throw RedisServer.NotStarted(description: "no failover:\n\(self.log)") }
        return try await self.master(after: former)
    }

    /// Waits until a server copies another one.
    package func becomesReplica(_ server: RedisServer) async throws -> Bool {
        try await eventually { await Self.role(of: server) == "slave" ? true : nil } == true
    }

    package var log: String { self.sentinels.map(\.log).joined(separator: "\n---\n") }

    /// Adds a Sentinel that names `server` for ever: it has no login to any server, so it learns nothing.
    package func withStaleSentinel<Result>(
        naming server: RedisServer, _ body: (SentinelServer) async throws -> Result
    ) async throws -> Result {
        let stale = try await SentinelServer.started(
            in: server.folder, watching: server, quorum: 9, downAfter: .seconds(2), password: self.password,
            knowsServers: false)
        let result: Result
        do {
            result = try await body(stale)
        } catch {
            await stale.end()
            throw error
        }
        await stale.end()
        return result
    }

    /// nil while it does not answer.
    private static func role(of server: RedisServer) async -> String? {
        do throws(RedisError) {
            return try await server.command("ROLE").array?.first?.text
        } catch {
            return nil
        }
    }

    /// Whether every Sentinel knows the others and every replica, and every replica has the data of the master.
    fileprivate func isComplete() async throws(RedisError) -> Bool {
        for sentinel in self.sentinels {
            let fields = try await sentinel.command("SENTINEL", "master", SentinelServer.master).array ?? []
            func count(_ name: String) -> Int? { fields.firstIndex { $0.text == name }.flatMap { fields[$0 + 1].int } }
            guard count("num-slaves") == self.servers.count - 1,
                count("num-other-sentinels") == self.sentinels.count - 1
            else { return false }
        }
        for replica in self.servers.dropFirst() {
            guard try await replica.command("ROLE").array?[3].text == "connected" else { return false }
        }
        return true
    }
}

/// Gives a master, its replicas and its Sentinels, and takes them away at the end.
///
/// - Parameters:
///   - downAfter: A master that is away for so long is replaced. Shorter ones are replaced where a busy machine leaves
///     them no time to answer.
///   - appendOnly: Every write is on disk before its reply.
///   - password: The Sentinels ask for it; the servers have one of their own.
///   - certificates: With them all of them are reached by TLS only, and speak TLS to each other.
///   - hosts: Where the servers and the Sentinels run, three of each.
///   - arguments: More arguments for each `redis-server`.
package func withSentinels<Result>(
    downAfter: Duration = .seconds(2), appendOnly: Bool = false, password: String? = nil,
    certificates: RedisCertificates? = nil, hosts: SentinelHosts = .loopback, arguments: [String] = [],
    _ body: (SentinelDeployment) async throws -> Result
) async throws -> Result {
    try await withServers([], on: hosts.servers, appendOnly: appendOnly, certificates, arguments) { servers in
        var sentinels: [SentinelServer] = []
        let result: Result
        do {
            for host in hosts.sentinels {
                sentinels.append(
                    try await .started(
                        in: servers[0].folder, watching: servers[0], quorum: 2, downAfter: downAfter,
                        password: password, certificates: certificates, host: host))
            }
            let deployment = SentinelDeployment(
                servers: servers, sentinels: sentinels, password: password, isEncrypted: certificates != nil)
            guard try await eventually({ try await deployment.isComplete() ? true : nil }) == true else {
                throw RedisServer.NotStarted(description: "Sentinels do not agree:\n\(deployment.log)")
            }
            result = try await body(deployment)
        } catch {
            for sentinel in sentinels { await sentinel.end() }
            throw error
        }
        for sentinel in sentinels { await sentinel.end() }
        return result
    }
}

/// Where the servers and the Sentinels of a deployment run.
package struct SentinelHosts: Sendable {
    let servers: [ServerHost]
    let sentinels: [ServerHost]

    package init(servers: [ServerHost], sentinels: [ServerHost]) {
        self.servers = servers
        self.sentinels = sentinels
    }

    package static let loopback = SentinelHosts(
        servers: Array(repeating: .loopback, count: 3), sentinels: Array(repeating: .loopback, count: 3))
}

/// Starts one server after the other; the first one is the master.
private func withServers<Result>(
    _ started: [RedisServer], on hosts: [ServerHost], appendOnly: Bool, _ certificates: RedisCertificates?,
    _ arguments: [String], _ body: ([RedisServer]) async throws -> Result
) async throws -> Result {
    guard started.count < hosts.count else { return try await body(started) }
    var own = ["--user", SentinelServer.user, "on", ">" + SentinelServer.user, "~*", "&*", "+@all"] + arguments
    own += ["--masterauth", SentinelDeployment.serverPassword]
    if let port = started.first?.tcpPort { own += ["--replicaof", hosts[0].address, "\(port)"] }
    return try await withRedis(
        appendOnly: appendOnly, tcp: true, password: SentinelDeployment.serverPassword, certificates: certificates,
        host: hosts[started.count], arguments: own
    ) { server in
        try await withServers(
            started + [server], on: hosts, appendOnly: appendOnly, certificates, arguments, body)
    }
}
