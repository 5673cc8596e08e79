import NIOConcurrencyHelpers
import NIOPosix
import Redis
import TestKit
import Testing

/// A client of real clusters.
struct ClusterTests {
    private static let count = RedisScript(
        name: "count", source: Array("return redis.call('INCR', KEYS[1])".utf8))

    private func withClient(of cluster: RedisCluster, _ body: (RedisClient) async throws -> Void) async throws {
        try await withRedisClient(to: try RedisURL(cluster.url, as: .setting), body)
    }

    private func set(_ key: String, _ value: String) -> RedisCommand {
        var command = RedisCommand("SET", arguments: 2)
        command.append(RedisKey(key))
        command.append(value)
        return command
    }

    private func get(_ key: String) -> RedisCommand {
        var command = RedisCommand("GET", arguments: 1)
        command.append(RedisKey(key))
        return command
    }

    private func counted(_ key: String) -> ScriptCall { ScriptCall(Self.count, keys: [RedisKey(key)]) }

    @Test func `A command goes to the master of its slot, and a script is loaded there`() async throws {
        try await withRedisCluster { cluster async throws in
            try await self.withClient(of: cluster) { client async throws in
                #expect(client.isCluster)
                for number in 0..<60 {
                    let key = "key\(number)"
                    #expect(try await client.send(self.set(key, "\(number)")).text == "OK")
                    #expect(try await cluster.master(of: KeySlot(of: key)).command("GET", key).text == "\(number)")
                    #expect(try await client.run(self.counted("count{\(number)}")).int == 1)
                }
                #expect(try await client.sendToAll(RedisCommand("DBSIZE", [])).compactMap(\.int).reduce(0, +) == 120)
            }
        }
    }

    @Test func `What is sent to all reaches every master, also as the first command`() async throws {
        try await withRedisCluster { cluster async throws in
            try await self.withClient(of: cluster) { client async throws in
                #expect(try await client.sendToAll(RedisCommand("DBSIZE", [])).compactMap(\.int) == [0, 0, 0])
            }
        }
    }

    @Test func `Replicas that are given know the masters, too`() async throws {
        try await withRedisCluster(replicas: 1) { cluster async throws in
            let hosts = cluster.replicas.flatMap(\.self).compactMap(\.tcpPort).map { "127.0.0.1:\($0)" }
            let url = try RedisURL("redis+cluster://" + hosts.joined(separator: ","), as: .setting)
            try await withRedisClient(to: url) { client async throws in
                for number in 0..<9 { #expect(try await client.send(self.set("k\(number)", "v")).text == "OK") }
            }
        }
    }

    @Test func `A caller that was cancelled waits for a slot that moves as the others do`() async throws {
        try await withRedisCluster { cluster async throws in
            try await self.withClient(of: cluster) { client async throws in
                let key = "k{moving}"
                let slot = KeySlot(of: key)
                let source = cluster.master(of: slot)
                let target = try #require(cluster.masters.first { $0 !== source })
                _ = try await client.run(self.counted(key))
                let (sourceID, targetID) = (
                    try await source.command("CLUSTER", "MYID").text ?? "",
                    try await target.command("CLUSTER", "MYID").text ?? ""
                )
                try await target.command("CLUSTER", "SETSLOT", "\(slot.number)", "IMPORTING", sourceID)
                try await source.command("CLUSTER", "SETSLOT", "\(slot.number)", "MIGRATING", targetID)
                let before = try await Self.evaluations(on: source)
                let waiting = Task { await failure { try await client.run(self.counted(key)) } }
                waiting.cancel()
                let refusal = await waiting.value
                guard case .refused(let error) = refusal else {
                    Issue.record("\(String(describing: refusal))")
                    return
                }
                #expect(error.message.hasPrefix("TRYAGAIN"))
                // With pauses between: two seconds without them are many thousands.
                #expect(try await Self.evaluations(on: source) - before < 60)
            }
        }
    }

    /// Calls of scripts that were refused.
    private static func evaluations(on server: RedisServer) async throws -> Int {
        let statistics = try await server.command("INFO", "errorstats").text ?? ""
        return statistics.firstMatch(of: #/errorstat_TRYAGAIN:count=(\d+)/#).flatMap { Int($0.1) } ?? 0
    }

    @Test func `One given node that is away, and one that is none, keep nothing from the others`() async throws {
        try await withRedis(tcp: true) { alone async throws in
            try await withRedisCluster { cluster async throws in
                let closed = try await freeLoopbackPort()
                let url =
                    "redis+cluster://127.0.0.1:\(closed),127.0.0.1:\(alone.tcpPort ?? 0),"
                    + "127.0.0.1:\(cluster.masters[1].tcpPort ?? 0)"
                try await withRedisClient(to: try RedisURL(url, as: .setting)) { client async throws in
                    let isServed: Bool? = try await eventually {
                        await failure { try await client.send(self.set("k", "v")) } == nil ? true : nil
                    }
                    #expect(isServed == true)
                }
            }
        }
    }

    @Test func `What is no cluster is not taken for one`() async throws {
        try await withRedis(tcp: true) { alone async throws in
            let url = try RedisURL("redis+cluster://127.0.0.1:\(alone.tcpPort ?? 0)", as: .setting)
            try await withRedisClient(to: url) { client async throws in
                #expect(await failure { try await client.send(self.set("k", "v")) } == .notSent(.disconnected))
            }
        }
    }

    @Test func `A slot that moves under load counts each command once`() async throws {
        try await withRedisCluster { cluster async throws in
            try await self.withClient(of: cluster) { client async throws in
                // Many keys of one slot, so that the move takes a while.
                let tag = "{moving}"
                let slot = KeySlot(of: tag)
                for number in 0..<200 { _ = try await client.send(self.set("filler\(number)\(tag)", "x")) }
                let isOver = NIOLockedValueBox(false)
                async let counts = withTaskGroup(of: (key: String, done: Int, failed: Int).self) { group in
                    for caller in 0..<4 {
                        group.addTask {
                            let key = "count\(caller)\(tag)"
                            var (done, failed) = (0, 0)
                            while !isOver.withLockedValue({ $0 }) {
                                if await failure({ try await client.run(self.counted(key)) }) == nil {
                                    done += 1
                                } else {
                                    failed += 1
                                }
                            }
                            return (key, done, failed)
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                let source = cluster.master(of: slot)
                let targets = cluster.masters.filter { $0 !== source }
                try await cluster.migrate(slot, from: source, to: targets[0])
                try await cluster.migrate(slot, from: targets[0], to: targets[1])
                isOver.withLockedValue { $0 = true }
                for (key, done, failed) in await counts {
                    // A command that failed did not run: a script with an absent key is refused before it does.
                    #expect(try await client.send(self.get(key)).text == "\(done)", "\(failed) failed")
                    #expect(done > 0)
                }
                #expect(try await targets[1].command("CLUSTER", "COUNTKEYSINSLOT", "\(slot.number)").int == 204)
            }
        }
    }

    @Test func `A replica takes the place of a master that was killed`() async throws {
        try await withRedisCluster(replicas: 1) { cluster async throws in
            try await self.withClient(of: cluster) { client async throws in
                for number in 0..<30 { _ = try await client.send(self.set("key\(number)", "before")) }
                let victim = cluster.masters[0]
                let lost = (0..<30).map { "key\($0)" }.filter { cluster.master(of: KeySlot(of: $0)) === victim }
                #expect(!lost.isEmpty)
                // What is written to the others does not wait for it.
                await victim.kill()
                let other = try #require((0..<30).map { "key\($0)" }.first { !lost.contains($0) })
                #expect(try await client.send(self.set(other, "during")).text == "OK")
                let isBack: Bool? = try await eventually {
                    await failure { try await client.send(self.set(lost[0], "after")) } == nil ? true : nil
                }
                #expect(isBack == true)
                for key in lost.dropFirst() { #expect(try await client.send(self.get(key)).text == "before") }
            }
        }
    }

    @Test func `A user of a cluster needs two rights more, as operators read`() async throws {
        try await withRedisCluster { cluster async throws in
            let rights = ["~*", "-@all", "+role", "+ping", "+client|setname", "+get", "+set", "+asking"]
            for server in cluster.masters {
                try await server.run(["ACL", "SETUSER", "herald", "on", ">secret"] + rights)
            }
            let url = try RedisURL(cluster.url.replacing("://", with: "://herald:secret@"), as: .setting)
            try await withRedisClient(to: url) { client async throws in
                #expect(await failure { try await client.send(self.set("k", "v")) } == .notSent(.disconnected))
                for server in cluster.masters { try await server.command("ACL", "SETUSER", "herald", "+cluster|slots") }
                let isServed: Bool? = try await eventually {
                    await failure { try await client.send(self.set("k", "v")) } == nil ? true : nil
                }
                #expect(isServed == true)
            }
        }
    }

    @Test func `What is published at any node is heard, also after the end of the one that was listened to`()
        async throws
    {
        try await withRedisCluster(replicas: 1) { cluster async throws in
            try await self.withClient(of: cluster) { client async throws in
                let heard = NIOLockedValueBox<[String]>([])
                client.listen(to: [RedisKey("channel")]) { event in
                    if case .message(let text) = event { heard.withLockedValue { $0.append(text) } }
                }
                for (index, server) in cluster.masters.enumerated() {
                    let isHeard: Bool? = try await eventually {
                        try await server.command("PUBLISH", "channel", "\(index)")
                        return heard.withLockedValue { $0.contains("\(index)") } ? true : nil
                    }
                    #expect(isHeard == true)
                }
                let listened = try await cluster.masters.asyncFirst {
                    try await $0.command("PUBSUB", "NUMSUB", "channel").array?.last?.int == 1
                }
                await listened?.kill()
                let left = try #require(cluster.masters.first { $0 !== listened })
                let isHeard: Bool? = try await eventually {
                    try await left.command("PUBLISH", "channel", "after")
                    return heard.withLockedValue { $0.contains("after") } ? true : nil
                }
                #expect(isHeard == true)
            }
        }
    }

    @Test func `A blocking read follows its slot`() async throws {
        try await withRedisCluster { cluster async throws in
            try await self.withClient(of: cluster) { client async throws in
                let key = RedisKey("queue")
                let connection = RedisBlockingConnection(of: client, in: key.slot, logger: quietLogger())
                func pop() async throws -> String? {
                    var command = RedisCommand("BLPOP", arguments: 2)
                    command.append(key)
                    command.append("5")
                    return try await connection.send(command, blockingFor: .seconds(5)).array?.last?.text
                }
                let source = cluster.master(of: key.slot)
                try await source.command("RPUSH", "queue", "one")
                #expect(try await pop() == "one")
                let target = try #require(cluster.masters.first { $0 !== source })
                try await cluster.migrate(key.slot, from: source, to: target)
                try await target.command("RPUSH", "queue", "two")
                let found: String? = try await eventually {
                    // The first read finds that the slot has moved.
                    do { return try await pop() } catch is RedisError { return nil }
                }
                #expect(found == "two")
                await connection.shutDown()
            }
        }
    }

    @Test func `A cluster that lost its store ends the epoch`() async throws {
        try await withRedisCluster { cluster async throws in
            try await self.withClient(of: cluster) { client async throws in
                let identity = RedisIdentity(key: RedisKey("identity"), value: Array("one".utf8))
                _ = try await client.send(self.set("identity", "one"))
                let epoch = client.adopt(identity)
                _ = try await client.send(self.set("k", "v"), epoch: epoch)
                #expect(client.holds(epoch))
                try await cluster.master(of: identity.key.slot).command("FLUSHALL")
                let isOver: Bool? = try await eventually { client.holds(epoch) ? nil : true }
                #expect(isOver == true)
                #expect(
                    await failure { try await client.send(self.set("k", "v"), epoch: epoch) } == .notSent(.storeChanged)
                )
            }
        }
    }
}

extension Array where Element: Sendable {
    fileprivate func asyncFirst(_ isWanted: (Element) async throws -> Bool) async throws -> Element? {
        for element in self where try await isWanted(element) { return element }
        return nil
    }
}
