import Foundation
import NIOCore
import NIOPosix
import Redis
import Runtime
import Settings
import TestKit
import Testing

extension DeploymentTests {
    /// A notifier process that has no file descriptors left.
    struct DescriptorTests {
        private struct Unreachable: Error { let description: String }

        /// A process without any descriptor was ended by libdispatch.
        ///
        /// It reads from /proc each second what its threads do, where work waits for one, and traps when it cannot. No code of ours
        /// decides that, and it says nothing about what is tested here.
        private struct EndedByDispatch: Error {}

        private func readyz(
            _ admin: HTTPCaller, of notifier: Deployment.Running, in deployment: Deployment
        ) async throws -> HTTPReply {
            do {
                return try await admin.send("GET", "/readyz")
            } catch {
                let exit = notifier.process.exit
                // A trap of Swift's says why.
                if exit == .signal(SIGILL), !deployment.logs.contains("Fatal error") { throw EndedByDispatch() }
                throw Unreachable(description: "\(error), \(exit.map { "\($0)" } ?? "it runs")\n\(deployment.logs)")
            }
        }

        @Test
        func `A pool that finds no descriptor makes its notifier not ready, and is served when there are some again`()
            async throws
        {
            for attempt in 1... {
                do { return try await self.servePoolLate() } catch let error as EndedByDispatch {
                    guard attempt < 5 else { throw error }
                }
            }
        }

        private func servePoolLate() async throws {
            try await withRedis { server in
                try await withDeployment(settings: ["HERALD_API_ADMIN_MODE": "true"]) { deployment in
                    try await WebhookReceiver.with { receiver in
                        let api = try await deployment.startAPI().address
                        let notifier = try await deployment.startNotifier()
                        // Open already when no descriptor is left for another one.
                        let admin = HTTPCaller(try #require(notifier.ready.admin))
                        let ready = try await eventually {
                            try await admin.send("GET", "/readyz").status == 200 ? true : nil
                        }
                        #expect(ready == true)
                        let before = try #require(notifier.process.limitOpenFiles(to: 3))

                        try await PooledDeploymentTests.addPool("late", server, on: api)
                        let reason = try await eventually { () -> String? in
                            let answer = try await self.readyz(admin, of: notifier, in: deployment)
                            return answer.status == 503 && answer.text.contains("pool late") ? answer.text : nil
                        }
                        #expect(reason?.contains("no file descriptor is left") == true, "\(reason ?? deployment.logs)")

                        #expect(notifier.process.limitOpenFiles(to: before) == 3)
                        let again = try await eventually {
                            try await self.readyz(admin, of: notifier, in: deployment).status == 200 ? true : nil
                        }
                        #expect(again == true, "\(deployment.logs)")
                        await admin.close()
                        try await PooledDeploymentTests.makeQueue("jobs", flavor: "late", on: api)
                        try await Load.subscribe(receiver.url("/a"), to: "jobs", on: api)
                        let ledger = Ledger()
                        await Load(ledger, on: api, to: "jobs").run(callers: 1, posts: 5)
                        #expect(
                            try await SurvivalTests.arrival(of: ledger, at: ["/a"], of: receiver), "\(deployment.logs)")
                    }
                }
            }
        }

        @Test func `An API without descriptors answers its operator, waits without work, and goes on by itself`()
            async throws
        {
            try await withDeployment { deployment in
                let api = try await deployment.startAPI()
                let pid = api.process.id
                let used = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
                let before = try #require(api.process.limitOpenFiles(to: rlim_t(used + 20)))
                let connections = try await self.connections(60, to: api.address)
                let warned = try await eventually {
                    deployment.logs.contains("Cannot accept connections for now") ? true : nil
                }
                #expect(warned == true)
                for _ in 0..<3 {
                    let live = try await HTTPCaller(try #require(api.ready.admin)).send("GET", "/livez")
                    #expect(live.status == 200)
                }
                let (processor, start) = (try self.processorSeconds(of: pid), ContinuousClock.now)
                try await Task.sleep(for: .seconds(2))
                let worked = try self.processorSeconds(of: pid) - processor
                // A loop of attempts would take a core.
                #expect(worked < 0.5 * ((ContinuousClock.now - start) / .seconds(1)), "\(worked) s")
                for connection in connections { try? await connection.close() }  // closed by the API is as good
                let again = try await HTTPCaller(api.address).send("GET", "/")
                #expect(again.status == 300)
                #expect(api.process.limitOpenFiles(to: before) != nil)
            }
        }

        @Test
        func `Over a cluster processes open as many connections as they count, also after all were lost`()
            async throws
        {
            try await withRedisCluster { cluster async throws in
                let settings = ["HERALD_SHARDS": "64", "HERALD_REDIS_CONNECTIONS": "3"]
                let deployment = Deployment(redis: cluster.masters[0], at: cluster.url, settings: settings)
                try await withProcesses(of: deployment) { deployment async throws in
                    try await WebhookReceiver.with { receiver in
                        let api = try await deployment.startAPI()
                        let alone = try await Self.clients(of: cluster)
                        let notifier = try await deployment.startNotifier()
                        try await Load.subscribe(receiver.url("/a"), to: "jobs", on: api.address)
                        let load = Load(Ledger(), on: api.address, to: "jobs")
                        async let posting: Void = load.run(callers: 2, pause: .milliseconds(5))
                        try await load.more(50)
                        let both = try await Self.clients(of: cluster)
                        report("connections to each master", "API \(alone), with a notifier \(both)")
                        // A notifier waits for each of 64 shards; for commands both processes have three to each master; the rest are one to
                        // listen, one that looks after pools, and some that ask for the map of slots.
                        let (total, fewest): (Int, Int) = (both.reduce(0, +), 64 + 2 * 3 * 3)
                        #expect(total >= fewest && total <= fewest + 16, "\(both)")
                        for master in cluster.masters { try await master.command("CLIENT", "KILL", "SKIPME", "yes") }
                        try await load.more(50)
                        load.stop()
                        await posting
                        #expect(
                            try await SurvivalTests.arrival(of: load.ledger, at: ["/a"], of: receiver),
                            "\(deployment.logs)")
                        #expect(api.process.exit == nil && notifier.process.exit == nil)
                    }
                }
            }
        }

        /// Connections to each master, but for those of the test and of other nodes.
        private static func clients(of cluster: RedisCluster) async throws -> [Int] {
            var counts: [Int] = []
            for master in cluster.masters {
                let list = try await master.command("CLIENT", "LIST", "TYPE", "NORMAL").text ?? ""
                counts.append(list.split(separator: "\n").count { !$0.contains("/redis.sock") })
            }
            return counts
        }

        @Test func `An API takes the open files it needs, or says what it does without`() async throws {
            try await withDeployment(settings: ["HERALD_API_CONNECTIONS": "900000"]) { deployment in
                let api = try await deployment.startAPI()
                let limits = try String(contentsOfFile: "/proc/\(api.process.id)/limits", encoding: .utf8)
                let line = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max open files") })
                let numbers = line.split(separator: " ").compactMap { Int($0) }
                #expect(numbers.count < 2 || numbers[0] == min(numbers[1], 900_256), "\(line)")
                if numbers.count == 2, numbers[0] < 900_256 {
                    #expect(deployment.logs.contains("The hard limit of open files allows less than api.connections"))
                }
            }
        }

        private func connections(_ count: Int, to address: String) async throws -> [any Channel] {
            let parts = address.split(separator: ":")
            let port = try #require(Int(parts[1]))
            var connections: [any Channel] = []
            for _ in 0..<count {
                connections.append(
                    try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                        .connect(host: String(parts[0]), port: port).get())
            }
            return connections
        }

        private func processorSeconds(of pid: pid_t) throws -> Double {
            let text = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
            let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
            return Double((Int(fields[12]) ?? 0) + (Int(fields[13]) ?? 0)) / Double(sysconf(Int32(_SC_CLK_TCK)))
        }
    }
}
