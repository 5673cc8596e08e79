import Foundation
import Redis
import Runtime
import TestKit
import Testing

extension OutageTests {
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
                    var (killed, back) = (ContinuousClock.now, ContinuousClock.now)
                    let loads = try await LoadedQueue.with(
                        ["jobs": "/lacking", other: "/covered"], on: api, receiver, before: more
                    ) { loads in
                        let victim = cluster.master(of: try ClusterFailoverTests.slot(of: "jobs"))
                        await victim.kill()
                        killed = .now
                        for server in cluster.masters where server !== victim {
                            try await Self.lacksSlots(server, isWhole: isWhole)
                        }
                        try await Self.isRefused(isWhole ? loads.map(\.queue) : ["jobs"], by: api)
                        if isWhole {
                            try await Self.isNotReady(api, deployment)
                        } else {
                            try await loads[1].load.more(100)
                        }
                        // Nothing but the node is started again.
                        try await victim.start()
                        back = .now
                    }
                    for each in loads {
                        try await each.check(
                            "cluster that lacks a slot, whole or down: \(isWhole), \(each.path), run \(run)",
                            since: killed, "of which \((back - killed).milliseconds) ms without the node",
                            isUntouched: !isWhole && each.path == "/covered", receiver, deployment)
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
