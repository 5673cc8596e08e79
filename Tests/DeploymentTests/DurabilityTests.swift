import Foundation
import Redis
import Settings
import TestKit
import Testing

extension OutageTests {
    /// What callers read of how far their messages got.
    struct DurabilityTests {
        private static func send(
            _ method: String, _ path: String, _ body: String? = nil, to api: Deployment.Running
        ) async throws -> HTTPReply {
            try await HTTPCaller(api.address).send(method, path, headers: Load.headers, body: body)
        }

        private static func post(_ body: String, to queue: String, on api: Deployment.Running) async throws -> HTTPReply
        {
            try await self.send(
                "POST", "/v2/queues/\(queue)/messages", #"{"messages": [{"body": "\#(body)"}]}"#, to: api)
        }

        @Test func `A message is in memory unless the deployment says more`() async throws {
            try await withDeployment { deployment async throws in
                let api = try await deployment.startAPI()
                let posted = try await Self.post("1", to: "q", on: api)
                #expect(posted.status == 201 && posted["Herald-Durability"] == "memory")
                for word in ["disk", "replicated"] {
                    let refused = try await Self.send(
                        "PUT", "/v2/queues/other", #"{"_durability": "\#(word)"}"#, to: api)
                    #expect(refused.status == 400)
                    #expect(refused.text.contains("_durability cannot be '\(word)' here"))
                }
                let wrong = try await Self.send("PUT", "/v2/queues/other", #"{"_durability": "tape"}"#, to: api)
                #expect(wrong.status == 400 && wrong.text.contains("has to be one of 'memory', 'disk', 'replicated'"))
                #expect(
                    try await Self.send("PUT", "/v2/queues/own", #"{"_durability": "memory"}"#, to: api).status == 201)
                #expect(try await Self.post("1", to: "own", on: api)["Herald-Durability"] == "memory")
            }
        }

        @Test func `A message on disk is said to be there`() async throws {
            try await withDeployment(appendOnly: true, settings: ["HERALD_REDIS_DURABILITY": "disk"]) {
                deployment async throws in
                let api = try await deployment.startAPI()
                #expect(try await Self.post("1", to: "q", on: api)["Herald-Durability"] == "disk")
                #expect(
                    try await Self.send("PUT", "/v2/queues/own", #"{"_durability": "disk"}"#, to: api).status == 201)
                #expect(
                    try await Self.send("PUT", "/v2/queues/more", #"{"_durability": "replicated"}"#, to: api).status
                        == 400)
            }
        }

        @Test func `A message that is not on disk in time is stored and the post is answered 503`() async throws {
            try await withRedis(.valkey, arguments: ["--appendonly", "yes", "--appendfsync", "everysec"]) { redis in
                let settings = ["HERALD_REDIS_DURABILITY": "disk"]
                try await withProcesses(of: Deployment(redis: redis, settings: settings)) { deployment async throws in
                    let api = try await deployment.startAPI()
                    let posted = try await Self.post("1", to: "q", on: api)
                    #expect(posted.status == 201 && posted["Herald-Durability"] == "disk")
                    try await redis.command("CONFIG", "SET", "appendonly", "no")
                    let refused = try await Self.post("2", to: "q", on: api)
                    #expect(refused.status == 503 && refused.text.contains("Stored, and not on disk"))
                    #expect(refused["Retry-After"] == nil)
                }
            }
        }

        @Test func `Without its replicas a message is stored and the post is answered 503`() async throws {
            try await withReplicatedRedis(replicas: 1) { master, replicas async throws in
                let settings = ["HERALD_REDIS_DURABILITY": "replicated", "HERALD_REDIS_REPLICAS": "1"]
                try await withProcesses(of: Deployment(redis: master, settings: settings)) { deployment async throws in
                    let api = try await deployment.startAPI()
                    _ = try await deployment.startNotifier()
                    #expect(
                        try await Self.send("PUT", "/v2/queues/fast", #"{"_durability": "memory"}"#, to: api).status
                            == 201)
                    let posted = try await Self.post("1", to: "q", on: api)
                    #expect(posted.status == 201 && posted["Herald-Durability"] == "replicated")
                    replicas[0].pause()
                    let refused = try await Self.post("2", to: "q", on: api)
                    #expect(refused.status == 503 && refused.text.contains("Stored, and not replicated"))
                    #expect(refused["Retry-After"] == nil)
                    let fast = try await Self.post("3", to: "fast", on: api)
                    #expect(fast.status == 201 && fast["Herald-Durability"] == "memory")
                    let listed = try await Self.send("GET", "/v2/queues/q/messages?echo=true", to: api)
                    #expect(listed.text.contains(#""body":"2""#) || listed.text.contains(#""body": "2""#))
                    replicas[0].resume()
                    let isWhole: Bool? = try await eventually {
                        try await Self.post("4", to: "q", on: api).status == 201 ? true : nil
                    }
                    #expect(isWhole == true)
                }
            }
        }

        @Test func `Too few replicas for Redis itself refuse a post before it is stored`() async throws {
            try await withReplicatedRedis(
                replicas: 1, arguments: ["--min-replicas-to-write", "1", "--min-replicas-max-lag", "1"]
            ) { master, replicas async throws in
                let settings = ["HERALD_REDIS_DURABILITY": "replicated"]
                try await withProcesses(of: Deployment(redis: master, settings: settings)) { deployment async throws in
                    let api = try await deployment.startAPI()
                    #expect(try await Self.post("1", to: "q", on: api).status == 201)
                    replicas[0].pause()
                    let refused: HTTPReply? = try await eventually {
                        let reply = try await Self.post("2", to: "q", on: api)
                        return reply.text.contains("The storage is read-only") ? reply : nil
                    }
                    #expect(refused?.status == 503 && refused?["Retry-After"] == "1")
                    replicas[0].resume()
                }
            }
        }

        @Test func `Settings that give nothing end a start`() async throws {
            let masterKey = String(repeating: "3c", count: 32)
            try await withRedis { redis in
                for (arguments, words) in [
                    (["--redis-durability", "disk"], "redis.durability: 'disk' Redis does not say"),
                    (
                        ["--redis-replicas", "2"],
                        "redis.replicas: '2' has no effect without redis.durability: replicated"
                    ),
                    (["--redis-replication-timeout", "3"], "has no effect without redis.durability: replicated"),
                ] {
                    for kind in ["herald-api", "herald-notifier"] {
                        let log = redis.folder.appendingPathComponent("\(kind).log")
                        let process = try ChildProcess(
                            Deployment.executable(kind),
                            arguments: [
                                "--redis-url", redis.url, "--master-key", masterKey, "--admin-listen", "127.0.0.1:0",
                            ] + arguments, log: log)
                        #expect(await process.waitForExit(within: .seconds(60)) == .status(78))
                        let text = try String(contentsOf: log, encoding: .utf8)
                        #expect(text.contains(words), "\(text)")
                    }
                }
            }
        }
    }
}
