import Redis

/// Gives a master and its replicas, all of them with the same data, on loopback.
///
/// - Parameters:
///   - program: Of all of them.
///   - arguments: Of the master.
package func withReplicatedRedis(
    _ program: RedisProgram = .redis, replicas count: Int, appendOnly: Bool = false, arguments: [String] = [],
    _ body: (_ master: RedisServer, _ replicas: [RedisServer]) async throws -> Void
) async throws {
    try await withRedis(
        program, appendOnly: appendOnly, tcp: true, arguments: ["--repl-diskless-sync-delay", "0"] + arguments
    ) { master in
        try await withReplicas(program, of: master, count) { try await body(master, $0) }
    }
}

private func withReplicas(
    _ program: RedisProgram, of master: RedisServer, _ count: Int, _ body: ([RedisServer]) async throws -> Void
) async throws {
    guard count > 0 else { return try await body([]) }
    try await withRedis(program, tcp: true, arguments: ["--repl-diskless-sync-delay", "0"]) { replica in
        try await replica.follow(master)
        try await withReplicas(program, of: master, count - 1) { try await body([replica] + $0) }
    }
}

extension RedisServer {
    /// Makes it a replica of another one, and waits until it has its data.
    package func follow(_ master: RedisServer) async throws {
        try await self.command("REPLICAOF", "127.0.0.1", "\(master.tcpPort ?? 0)")
        let isLinked: Bool? = try await eventually {
            // "slave", host, port, state, offset
            try await self.command("ROLE").array?.dropFirst(3).first?.text == "connected" ? true : nil
        }
        guard isLinked == true else { throw NotStarted(description: "the replica does not follow:\n\(self.log)") }
    }

    /// Makes a replica a master.
    package func promote() async throws { try await self.command("REPLICAOF", "NO", "ONE") }
}
