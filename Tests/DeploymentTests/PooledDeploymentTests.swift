import Foundation
import Redis
import TestKit
import Testing

extension DeploymentTests {
    /// Queues on several Redis servers, with notifiers that follow them.
    struct PooledDeploymentTests {
        private static let settings = ["HERALD_API_ADMIN_MODE": "true", "HERALD_NOTIFIER_LEASE": "5"]

        static func administer(_ address: String, _ method: String, _ path: String, _ body: String) async throws {
            let caller = HTTPCaller(address)
            let reply = try await caller.send(
                method, path, headers: Load.headers + [("X-Roles", "admin")], body: body)
            await caller.close()
            guard (200..<300).contains(reply.status) else { throw Load.Unexpected(reply: reply) }
        }

        /// Registers a server as a pool with a flavor of the same name.
        static func addPool(_ name: String, _ server: RedisServer, on address: String) async throws {
            try await Self.administer(
                address, "PUT", "/v2/pools/\(name)", #"{"uri":"\#(server.url)","weight":100}"#)
            try await Self.administer(address, "PUT", "/v2/flavors/\(name)", #"{"pool_list":["\#(name)"]}"#)
        }

        static func makeQueue(_ name: String, flavor: String, on address: String) async throws {
            try await Self.administer(address, "PUT", "/v2/queues/\(name)", #"{"_flavor":"\#(flavor)"}"#)
        }

        @Test func `A pool added through one API is used by the other, and served by notifiers that run already`()
            async throws
        {
            try await withRedis { server in
                try await withDeployment(settings: Self.settings) { deployment in
                    try await WebhookReceiver.with { receiver in
                        let apis = [try await deployment.startAPI().address, try await deployment.startAPI().address]
                        _ = [try await deployment.startNotifier(), try await deployment.startNotifier()]
                        try await Self.addPool("late", server, on: apis[0])
                        let added = ContinuousClock.now
                        // The other one knows the flavor as soon as it knows the pool.
                        let used = try await eventually(every: .milliseconds(20)) {
                            try? await Self.makeQueue("jobs", flavor: "late", on: apis[1])
                            return try await server.command("KEYS", "herald:{s*}:queue:*:meta").array?.count == 1
                                ? ContinuousClock.now - added : nil
                        }
                        try await Load.subscribe(receiver.url("/a"), to: "jobs", on: apis[1])
                        let ledger = Ledger()
                        await Load(ledger, on: apis[0], to: "jobs").run(callers: 4, posts: 200)
                        let all = try await SurvivalTests.arrival(of: ledger, at: ["/a"], of: receiver)
                        #expect(all && ledger.audit(receiver.requests(at: "/a")).isClean, "\(deployment.logs)")
                        #expect(ledger.accepted.count == 200)
                        report("pool added", "used by the other API after \(try #require(used).milliseconds) ms")
                    }
                }
            }
        }

        @Test func `A pool that is removed is no longer served, and what was under way is finished`() async throws {
            try await withRedis { server in
                try await withDeployment(settings: Self.settings) { deployment in
                    try await WebhookReceiver.with { receiver in
                        let api = try await deployment.startAPI().address
                        _ = try await deployment.startNotifier()
                        try await Self.addPool("going", server, on: api)
                        try await Self.makeQueue("jobs", flavor: "going", on: api)
                        try await Load.subscribe(receiver.url("/a"), to: "jobs", on: api)
                        let ledger = Ledger()
                        await Load(ledger, on: api, to: "jobs").run(callers: 4, posts: 50)
                        #expect(try await SurvivalTests.arrival(of: ledger, at: ["/a"], of: receiver))
                        try await Self.administer(api, "DELETE", "/v2/flavors/going", "")
                        try await Self.administer(api, "DELETE", "/v2/pools/going?force=true", "")
                        let clients = try await eventually {
                            let list = try await server.command("CLIENT", "LIST").text ?? ""
                            // The test's own connection is left.
                            return list.split(separator: "\n").count <= 1 ? list : nil
                        }
                        #expect(clients != nil, "a client is still connected")
                        // The default store is served as before.
                        try await Load.subscribe(receiver.url("/b"), to: "others", on: api)
                        let others = Ledger()
                        await Load(others, on: api, to: "others").run(callers: 2, posts: 20)
                        #expect(try await SurvivalTests.arrival(of: others, at: ["/b"], of: receiver))
                    }
                }
            }
        }

        @Test func `One pool killed under load loses nothing, and the others do not notice`() async throws {
            try await withRedis(appendOnly: true) { first in
                try await withRedis(appendOnly: true) { second in
                    try await withDeployment(appendOnly: true, settings: Self.settings) { deployment in
                        try await WebhookReceiver.with { receiver in
                            try await self.killOne(of: (first, second), deployment, receiver)
                        }
                    }
                }
            }
        }

        private func killOne(
            of servers: (RedisServer, RedisServer), _ deployment: Deployment, _ receiver: WebhookReceiver
        ) async throws {
            let api = try await deployment.startAPI().address
            _ = [try await deployment.startNotifier(), try await deployment.startNotifier()]
            try await Self.addPool("one", servers.0, on: api)
            try await Self.addPool("two", servers.1, on: api)
            let queues = [("a", "one"), ("b", "two"), ("c", "two"), ("d", "one")]
            for (queue, flavor) in queues {
                try await Self.makeQueue(queue, flavor: flavor, on: api)
                try await Load.subscribe(receiver.url("/\(queue)"), to: queue, on: api)
            }
            let ledgers = queues.map { _ in Ledger() }
            let loads = zip(queues, ledgers).map { Load($1, on: api, to: $0.0) }
            async let posting: Void = withTaskGroup(of: Void.self) { group in
                for load in loads { group.addTask { await load.run(callers: 2, pause: .milliseconds(5)) } }
            }
            func wait(for posts: Int) async throws {
                let before = [1, 2].map { ledgers[$0].accepted.count }
                _ = try await eventually {
                    zip([1, 2], before).allSatisfy { ledgers[$0].accepted.count >= $1 + posts } ? true : nil
                }
            }
            // The notifiers have heard of both pools by then.
            try await wait(for: 100)
            for (queue, _) in queues {
                _ = try await eventually { receiver.requests(at: "/\(queue)").isEmpty ? nil : true }
            }
            try await wait(for: 50)
            let settled = ContinuousClock.now
            try await wait(for: 300)
            let healthy = ContinuousClock.now
            await servers.0.kill()
            try await wait(for: 300)
            let back = ContinuousClock.now
            try await servers.0.start()
            let accepted = ledgers[0].accepted.count
            let recovery = try await eventually(every: .milliseconds(5)) {
                ledgers[0].accepted.count > accepted ? ContinuousClock.now - back : nil
            }
            try await wait(for: 100)
            for load in loads { load.stop() }
            await posting
            for ((queue, _), ledger) in zip(queues, ledgers) {
                let all = try await SurvivalTests.arrival(of: ledger, at: ["/\(queue)"], of: receiver)
                let audit = ledger.audit(receiver.requests(at: "/\(queue)"))
                #expect(all && audit.isClean, "\(queue): \(audit.missing.count) missing; \(deployment.logs)")
            }
            // Of the pool that stayed: what was posted before, and while the other one was down.
            let (before, during) = [1, 2].reduce(into: ([Duration](), [Duration]())) { parts, index in
                let arrivals = ledgers[index].latencies(receiver.requests(at: "/\(queues[index].0)"))
                parts.0 += arrivals.filter { $0.posted >= settled && $0.posted < healthy }.map(\.latency)
                parts.1 += arrivals.filter { $0.posted >= healthy && $0.posted < back }.map(\.latency)
            }
            let posts = [1, 2].flatMap { ledgers[$0].answered }
            let calmPosts = posts.filter { $0.sent >= settled && $0.sent < healthy }.map(\.after).percentile(0.99)
            let troubledPosts = posts.filter { $0.sent >= healthy && $0.sent < back }.map(\.after).percentile(0.99)
            let (calm, troubled) = (before.percentile(0.99), during.percentile(0.99))
            report(
                "one of three Redis killed",
                "\(ledgers.map(\.accepted.count)) answered 201 on four queues, lost 0; p99 from post to arrival on the"
                    + " other pool \(calm.milliseconds) ms before, \(troubled.milliseconds) ms while it was down"
                    + " (ratio \(String(format: "%.2f", troubled / calm))), p99 of its posts \(calmPosts.milliseconds) ms and"
                    + " \(troubledPosts.milliseconds) ms (ratio \(String(format: "%.2f", troubledPosts / calmPosts))); first post \(recovery.map { "\($0.milliseconds)" } ?? "-") ms after"
                    + " it was back")
            #expect(recovery != nil)
            // No request for the other pool was refused.
            #expect([1, 2].allSatisfy { ledgers[$0].refused.isEmpty && ledgers[$0].unknown.isEmpty })
        }
    }
}
