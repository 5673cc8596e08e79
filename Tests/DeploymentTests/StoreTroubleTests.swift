import Foundation
import NIOCore
import Redis
import Runtime
import Settings
import TestKit
import Testing

extension OutageTests {
    /// What processes do when their Redis is emptied, full, or none they can work with.
    struct StoreTroubleTests {
        private func post(_ address: String) async throws -> HTTPReply {
            try await HTTPCaller(address).send(
                "POST", "/v2/queues/q/messages", headers: Load.headers, body: #"{"messages":[{"body":1}]}"#)
        }

        @Test func `An emptied Redis ends both processes with a line that says so`() async throws {
            try await withDeployment { deployment in
                let api = try await deployment.startAPI()
                let notifier = try await deployment.startNotifier()
                #expect(try await self.post(api.address).status == 201)
                try await deployment.redis.command("FLUSHALL")
                for process in [api.process, notifier.process] {
                    #expect(await process.waitForExit() == .status(1))
                }
                #expect(
                    deployment.logs.contains("was emptied or is another one: its data is gone"), "\(deployment.logs)")
                // Started again, they serve the store that is there now.
                let next = try await deployment.startAPI()
                _ = try await deployment.startNotifier()
                #expect(try await self.post(next.address).status == 201)
            }
        }

        @Test func `A full Redis refuses posts and leaves the processes ready`() async throws {
            try await withDeployment { deployment in
                let api = try await deployment.startAPI()
                let notifier = try await deployment.startNotifier()
                #expect(try await self.post(api.address).status == 201)
                try await deployment.redis.command("CONFIG", "SET", "maxmemory", "1")
                let refused = try await self.post(api.address)
                #expect(refused.status == 503 && refused.text.contains("The storage is full"))
                #expect(refused["Retry-After"] == "10")
                // What a process logs is written a moment later.
                let isLogged = try await eventually {
                    deployment.logs.contains("store.trouble=full [API] The store failed a request") ? true : nil
                }
                #expect(isLogged == true, "\(deployment.logs)")
                for admin in [api.ready.admin, notifier.ready.admin] {
                    let caller = HTTPCaller(try #require(admin))
                    let ready = try await caller.send("GET", "/readyz")
                    #expect(ready.status == 200 && ready.text.contains("the store is full"))
                    let shown = try await eventually {
                        try await caller.send("GET", "/metrics").text.contains("herald_store_full{pool=\"default\"} 1")
                            ? true : nil
                    }
                    #expect(shown == true)
                }
                let popped = try await HTTPCaller(api.address).send(
                    "DELETE", "/v2/queues/q/messages?pop=1", headers: Load.headers)
                #expect(popped.status == 200)
            }
        }

        @Test func `A full master of a cluster refuses the posts of its shards, and no others`() async throws {
            try await withRedisCluster { cluster async throws in
                try await ClusterFailoverTests.withDeployment(on: cluster) { deployment, api, receiver in
                    let other = try ClusterFailoverTests.queue(apartFrom: "q", in: cluster)
                    try await Load.subscribe(receiver.url("/a"), to: other, on: api.address)
                    #expect(try await self.post(api.address).status == 201)
                    let full = cluster.master(of: try ClusterFailoverTests.slot(of: "q"))
                    try await full.command("CONFIG", "SET", "maxmemory", "1")
                    let refused = try await self.post(api.address)
                    #expect(refused.status == 503 && refused.text.contains("The storage is full"))
                    let load = Load(Ledger(), on: api.address, to: other)
                    await load.run(callers: 2, posts: 50)
                    #expect(load.ledger.accepted.count == 50, "\(load.ledger.refused)")
                    #expect(try await SurvivalTests.arrival(of: load.ledger, at: ["/a"], of: receiver))
                    let popped = try await HTTPCaller(api.address).send(
                        "DELETE", "/v2/queues/q/messages?pop=1", headers: Load.headers)
                    #expect(popped.status == 200)
                    try await full.command("CONFIG", "SET", "maxmemory", "0")
                    #expect(try await self.post(api.address).status == 201)
                }
            }
        }

        @Test func `A Redis that cannot save refuses posts, and takes them again once it can`() async throws {
            try await withDeployment { deployment in
                let api = try await deployment.startAPI()
                #expect(try await self.post(api.address).status == 201)
                // A folder in the place of the file: what a full disk does to a save, too.
                let file = deployment.redis.folder.appendingPathComponent("dump.rdb")
                try FileManager.default.createDirectory(at: file, withIntermediateDirectories: false)
                try Data([1]).write(to: file.appendingPathComponent("in-the-way"))
                try await deployment.redis.command("CONFIG", "SET", "save", "3600 1")
                try await deployment.redis.command("BGSAVE")
                let refused: HTTPReply? = try await eventually {
                    let reply = try await self.post(api.address)
                    return reply.status == 503 ? reply : nil
                }
                #expect(refused?.text.contains("The storage is read-only") == true && refused?["Retry-After"] == "1")
                try FileManager.default.removeItem(at: file)
                try await deployment.redis.command("BGSAVE")
                let isTaken: Bool? = try await eventually {
                    try await self.post(api.address).status == 201 ? true : nil
                }
                #expect(isTaken == true)
            }
        }

        @Test func `A Redis that stands still for longer than a command may take loses nothing`() async throws {
            try await withDeployment(settings: ["HERALD_NOTIFIER_LEASE": "5"]) { deployment in
                try await WebhookReceiver.with { receiver in
                    let api = try await deployment.startAPI()
                    _ = try await deployment.startNotifier()
                    try await Load.subscribe(receiver.url("/a"), to: "jobs", on: api.address)
                    let load = Load(Ledger(), on: api.address, to: "jobs")
                    async let posting: Void = load.run(callers: 8, pause: .milliseconds(5))
                    _ = try await eventually { load.ledger.accepted.count > 200 ? true : nil }
                    try await deployment.redis.command("DEBUG", "SLEEP", "6")
                    let before = load.ledger.accepted.count
                    let goesOn: Bool? = try await eventually { load.ledger.accepted.count > before + 200 ? true : nil }
                    #expect(goesOn == true, "\(load.ledger.refused)")
                    load.stop()
                    await posting
                    let all = try await SurvivalTests.arrival(of: load.ledger, at: ["/a"], of: receiver)
                    let audit = load.ledger.audit(receiver.requests(at: "/a"))
                    report(
                        "Redis stands still",
                        "\(audit.promised) answered 201, lost \(audit.missing.count), repeats \(audit.repeats);"
                            + " \(load.ledger.unknown.count) with an unknown outcome; other answers \(load.ledger.refused)"
                    )
                    #expect(all, "not everything arrived; \(deployment.logs)")
                    #expect(audit.isClean && load.ledger.refused.keys.allSatisfy { $0 == 503 })
                }
            }
        }

        @Test func `A notifier whose Redis is away says for which pool, and in one word why`() async throws {
            try await withDeployment { deployment in
                _ = try await deployment.startNotifier()
                await deployment.redis.stop()
                let words = "pool=default store.trouble=unreachable [Notifier] Redis could not be looked at"
                #expect(
                    try await eventually { deployment.logs.contains(words) ? true : nil } == true, "\(deployment.logs)")
            }
        }

        @Test func `A clock that was ahead is shown`() async throws {
            try await withDeployment { deployment in
                let api = try await deployment.startAPI()
                #expect(try await self.post(api.address).status == 201)
                let keys = try await deployment.redis.command("KEYS", "herald:{s*}:last-position").array ?? []
                let key = try #require(keys.first?.text)
                let position = try #require(try await deployment.redis.command("GET", key).int)
                try await deployment.redis.command("SET", key, "\(position + 3_600_000 * 2048)")
                let caller = HTTPCaller(try #require(api.ready.admin))
                let shown = try await eventually {
                    try await caller.send("GET", "/metrics").text
                        .split(separator: "\n")
                        .contains { $0.hasPrefix("herald_store_positions_ahead{pool=\"default\"} 3") } ? true : nil
                }
                #expect(shown == true)
                let logged = try await eventually {
                    deployment.logs.contains("Positions are ahead of the clock of Redis") ? true : nil
                }
                #expect(logged == true)
            }
        }
    }
}
