import Foundation
import Redis
import Runtime
import TestKit
import Testing

extension DeploymentTests {
    /// A cluster that lacks some of its slots refuses everything, or what lies in them, and a deployment waits for it.
    struct ClusterDownTests {
        /// Without a replica nothing takes the place of a master, and one that comes back has what it acknowledged.
        private static func arguments(isWhole: Bool) -> [String] {
            ["--cluster-require-full-coverage", isWhole ? "yes" : "no", "--appendonly", "yes"]
        }

        /// - Parameter isWhole: Whether the cluster serves all of its slots or none.
        @Test(arguments: [true, false], FailoverOutcome.runs)
        func `A cluster that lacks a slot has posts answered 503, and all goes on by itself when the node is back`(
            isWhole: Bool, run: Int
        ) async throws {
            var random = SeededGenerator(seed: UInt64(run))
            let more = random.pick([3, 40, 150, 400])
            try await withRedisCluster(arguments: Self.arguments(isWhole: isWhole)) { cluster async throws in
                try await ClusterFailoverTests.withDeployment(on: cluster) { deployment, api, receiver in
                    let other = try ClusterFailoverTests.queue(apartFrom: "jobs", in: cluster)
                    let loads = [("jobs", "/lacking"), (other, "/covered")].map { queue, path in
                        (load: Load(Ledger(), on: api.address, to: queue), queue: queue, path: path)
                    }
                    for each in loads {
                        try await Load.subscribe(receiver.url(each.path), to: each.queue, on: api.address)
                    }
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for each in loads {
                            group.addTask { await each.load.run(callers: 4, pause: .milliseconds(5)) }
                        }
                        for each in loads { try await each.load.more(more) }
                        let victim = cluster.master(of: try ClusterFailoverTests.slot(of: "jobs"))
                        await victim.kill()
                        let killed = ContinuousClock.now
                        for server in cluster.masters where server !== victim {
                            try await Self.lacksSlots(server, isWhole: isWhole)
                        }
                        try await Self.isRefused(isWhole ? loads.map(\.queue) : ["jobs"], by: api)
                        if isWhole {
                            try await Self.isNotReady(api, deployment)
                        } else {
                            try await loads[1].load.more(100)
                        }
                        try await victim.start()
                        let back = ContinuousClock.now
                        // Nothing but the node is started again.
                        for each in loads { try await each.load.more(100) }
                        for each in loads { each.load.stop() }
                        try await group.waitForAll()
                        for each in loads {
                            let ledger = each.load.ledger
                            let all = try await SurvivalTests.arrival(of: ledger, at: [each.path], of: receiver)
                            let audit = ledger.audit(receiver.requests(at: each.path))
                            report(
                                "cluster that lacks a slot, whole or down: \(isWhole), \(each.path), run \(run)",
                                "no 201 for \(ledger.longestPause(after: killed).milliseconds) ms, of which"
                                    + " \((back - killed).milliseconds) ms without the node; \(audit.promised) answered"
                                    + " 201, lost \(audit.missing.count), repeats \(audit.repeats); other answers"
                                    + " \(ledger.refused)")
                            #expect(all, "not everything arrived; \(deployment.logs)")
                            #expect(audit.isClean && ledger.refused.keys.allSatisfy { $0 == 503 })
                            if !isWhole, each.path == "/covered" {
                                #expect(ledger.refused.isEmpty && ledger.unknown.isEmpty)
                            }
                        }
                    }
                }
            }
        }

        /// Waits until a node has given the other one up.
        private static func lacksSlots(_ server: RedisServer, isWhole: Bool) async throws {
            let state = "cluster_state:\(isWhole ? "fail" : "ok")"
            let lacks: Bool? = try await eventually {
                let info = try await server.command("CLUSTER", "INFO").text ?? ""
                return info.contains(state) && !info.contains("cluster_slots_fail:0\r") ? true : nil
            }
            #expect(lacks == true, "\(server.log)")
        }

        /// Posts to each queue, and holds the answers against docs/operations.md.
        private static func isRefused(_ queues: [String], by api: Deployment.Running) async throws {
            let caller = HTTPCaller(api.address)
            for queue in queues {
                let reply = try await caller.send(
                    "POST", "/v2/queues/\(queue)/messages", headers: Load.headers, body: #"{"messages":[{"body":1}]}"#)
                #expect(reply.status == 503 && reply.text.contains("Service temporarily unavailable"), "\(reply)")
                #expect(Int(reply["Retry-After"] ?? "") ?? 0 > 0, "\(reply.headers)")
            }
            await caller.close()
        }

        private static func isNotReady(_ api: Deployment.Running, _ deployment: Deployment) async throws {
            let admin = HTTPCaller(try #require(api.ready.admin))
            let isNotReady: Bool? = try await eventually {
                let reply = try await admin.send("GET", "/readyz")
                return reply.status == 503 && reply.text.contains("unreachable") ? true : nil
            }
            #expect(isNotReady == true, "\(deployment.logs)")
            await admin.close()
        }
    }
}
