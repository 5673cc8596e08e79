import Redis
import TestKit
import Testing

/// Writes that wait for replicas, or for the disk.
struct AwaitedWritesTests {
    private static let set = RedisScript(name: "set", source: Array("return redis.call('SET', KEYS[1], ARGV[1])".utf8))
    private static let get = RedisScript(name: "get", source: Array("return redis.call('GET', KEYS[1])".utf8))

    private func set(_ key: String) -> ScriptCall {
        var call = ScriptCall(Self.set, keys: [RedisKey(key)])
        call.append("value")
        return call
    }

    @Test func `What was written is on disk, and writes share a sync`() async throws {
        try await withRedis(.valkey, arguments: ["--appendonly", "yes", "--appendfsync", "everysec"]) { redis in
            let reach = WriteReach(.disk, within: .seconds(3))
            try await withRedisClient(to: RedisURL(redis.endpoint), reach: reach) { client async throws in
                let writes = 1_000
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<writes {
                        group.addTask {
                            let answer = try await client.runAwaited(self.set("k\(number)"))
                            #expect(answer.reply.text == "OK" && answer.copies == 1)
                        }
                    }
                    try await group.waitForAll()
                }
                let statistics = try #require(try await redis.command("INFO", "commandstats").text)
                let waits = try #require(
                    statistics.firstMatch(of: #/cmdstat_waitaof:calls=(\d+)/#).flatMap { Int($0.1) })
                #expect(waits >= 1 && waits < writes / 4)
                // A failed sync is never taken for one.
                try await redis.command("CONFIG", "SET", "appendonly", "no")
                #expect(try await client.runAwaited(self.set("after")).copies == 0)
            }
        }
    }

    private func withClient(
        of master: RedisServer, replicas: Int, timeout: Duration = .seconds(10),
        _ body: (RedisClient) async throws -> Void
    ) async throws {
        try await withRedisClient(
            to: RedisURL(master.endpoint), reach: WriteReach(.replicas(replicas), within: timeout), body)
    }

    @Test func `Every replica has what was written, and writes share a wait`() async throws {
        try await withReplicatedRedis(replicas: 2) { master, replicas async throws in
            try await self.withClient(of: master, replicas: 2) { client async throws in
                let writes = 2_000
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<writes {
                        group.addTask {
                            let key = "k\(number)"
                            let answer = try await client.runAwaited(self.set(key))
                            #expect(answer.reply.text == "OK" && answer.copies == 2)
                            for replica in replicas {
                                #expect(try await replica.command("GET", key).text == "value")
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                let statistics = try #require(try await master.command("INFO", "commandstats").text)
                let waits = try #require(statistics.firstMatch(of: #/cmdstat_wait:calls=(\d+)/#).flatMap { Int($0.1) })
                #expect(waits >= 1 && waits < writes / 4)
            }
        }
    }

    @Test(arguments: [RedisProgram.redis, .valkey])
    func `A replica that does not answer is missing from the count, and what was written stays`(
        program: RedisProgram
    ) async throws {
        try await withReplicatedRedis(program, replicas: 2) { master, replicas async throws in
            try await self.withClient(of: master, replicas: 2, timeout: .seconds(1)) { client async throws in
                #expect(try await client.runAwaited(self.set("before")).copies == 2)
                replicas[0].pause()
                #expect(try await client.runAwaited(self.set("during")).copies == 1)
                #expect(try await master.command("GET", "during").text == "value")
                // What writes nothing waits for all that was written before, also over another connection: Valkey by itself would not.
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<8 {
                        group.addTask {
                            try await client.runAwaited(ScriptCall(Self.get, keys: [RedisKey("during")])).copies
                        }
                    }
                    for try await copies in group { #expect(copies == 1) }
                }
                replicas[0].resume()
                let isWhole: Bool? = try await eventually {
                    try await client.runAwaited(self.set("after")).copies == 2 ? true : nil
                }
                #expect(isWhole == true)
            }
        }
    }

    @Test func `A script that Redis does not know is loaded, and waited for`() async throws {
        try await withReplicatedRedis(replicas: 1) { master, _ async throws in
            try await self.withClient(of: master, replicas: 1) { client async throws in
                for _ in 0..<3 {
                    try await master.command("SCRIPT", "FLUSH")
                    let answer = try await client.runAwaited(self.set("k"))
                    #expect(answer.reply.text == "OK" && answer.copies == 1)
                }
            }
        }
    }

    @Test func `An error of one command is that of no other`() async throws {
        try await withReplicatedRedis(replicas: 1) { master, _ async throws in
            try await master.command("RPUSH", "list", "x")
            try await self.withClient(of: master, replicas: 1) { client async throws in
                await withTaskGroup(of: Void.self) { group in
                    for number in 0..<200 {
                        group.addTask {
                            let isWrong = number.isMultiple(of: 3)
                            let call = isWrong ? ScriptCall(Self.get, keys: [RedisKey("list")]) : self.set("k\(number)")
                            do throws(RedisError) {
                                let answer = try await client.runAwaited(call)
                                #expect(!isWrong && answer.copies == 1)
                            } catch {
                                guard case .refused = error, isWrong else {
                                    Issue.record("\(error)")
                                    return
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    @Test func `A master that dies while replicas are waited for leaves a reply and no replica`() async throws {
        try await withReplicatedRedis(replicas: 1) { master, replicas async throws in
            try await self.withClient(of: master, replicas: 1) { client async throws in
                #expect(try await client.runAwaited(self.set("before")).copies == 1)
                replicas[0].pause()
                async let answer = client.runAwaited(self.set("during"))
                let isWritten: Bool? = try await eventually {
                    try await master.command("GET", "during").text == nil ? nil : true
                }
                #expect(isWritten == true)
                await master.kill()
                do {
                    let (reply, count) = try await answer
                    #expect(reply.text == "OK" && count == 0)
                } catch RedisError.outcomeUnknown {
                    // The reply was lost with the connection.
                }
            }
        }
    }

    @Test func `More than may wait is refused, and what waits too long`() async throws {
        try await withRedis(tcp: true) { redis in
            try await self.withClient(of: redis, replicas: 1, timeout: .milliseconds(50)) { client async throws in
                redis.pause()
                let outcomes = await withTaskGroup(of: RedisError?.self) { group in
                    for number in 0..<9_300 {
                        group.addTask { await failure { try await client.runAwaited(self.set("k\(number)")).reply } }
                    }
                    return await group.reduce(into: [RedisError?]()) { $0.append($1) }
                }
                #expect(outcomes.contains(.notSent(.tooManyInFlight)))
                #expect(!outcomes.contains(nil))
                redis.resume()
            }
        }
    }
}
