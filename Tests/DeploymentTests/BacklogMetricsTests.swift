import Foundation
import Runtime
import Settings
import TestKit
import Testing

extension DeploymentTests {
    /// What an operator asks first is answered from `/metrics` alone: how far behind it is, what kind of trouble it is, and
    /// whether that is worth waking for.
    struct BacklogMetricsTests {
        private static let client = [
            ("Client-ID", "3381af92-2b9e-11e3-b191-71861300734c"), ("Content-Type", "application/json"),
            ("X-Project-Id", "p"),
        ]

        private let deliveries = "herald_deliveries_pending"

        private func subscribe(_ url: String, to queue: String, _ caller: HTTPCaller) async throws -> String {
            let made = try await caller.send(
                "POST", "/v2/queues/\(queue)/subscriptions", headers: Self.client, body: "{\"subscriber\": \"\(url)\"}")
            return String(try #require(made.text.firstMatch(of: /"subscription_id":"([^"]*)"/)?.output.1))
        }

        private func post(_ count: Int, to queue: String, _ caller: HTTPCaller) async throws {
            let bodies = (0..<count).map { "{\"body\": \($0), \"ttl\": 3600}" }.joined(separator: ",")
            let reply = try await caller.send(
                "POST", "/v2/queues/\(queue)/messages", headers: Self.client, body: "{\"messages\": [\(bodies)]}")
            #expect(reply.status == 201)
        }

        /// Waits until the figures of all processes are as they should be.
        private func figures(
            _ callers: [HTTPCaller], _ deployment: Deployment, _ what: String,
            are condition: (MetricFigures) -> Bool
        ) async throws {
            var figures = MetricFigures()
            // An exporter that was killed counts as living for fifteen seconds.
            let found = try await eventually(within: .seconds(60), every: .milliseconds(200)) {
                figures = await MetricFigures(of: callers)
                return condition(figures) ? true : nil
            }
            #expect(
                found == true, "\(what): \(figures.samples.filter { $0.name.hasPrefix("herald_") }) \(deployment.logs)")
        }

        @Test func `Dead endpoints, paused subscriptions and dead notifiers differ in figures alone`() async throws {
            try await withDeployment { deployment in
                // The first process is the exporter, and will be killed.
                let notifier = try await deployment.startNotifier()
                let api = try await deployment.startAPI()
                let (caller, notifierAdmin) = (HTTPCaller(api.address), HTTPCaller(try #require(notifier.ready.admin)))
                let apiAdmin = HTTPCaller(try #require(api.ready.admin))
                let all = [apiAdmin, notifierAdmin]
                try await WebhookReceiver.with(answers: ["/dead": .status(503), "/final": .status(404)]) { receiver in
                    _ = try await self.subscribe(receiver.url("/well"), to: "well", caller)
                    try await self.post(3, to: "well", caller)
                    try await self.figures(all, deployment, "all is well") {
                        $0.sum("herald_processes", ["role": "notifier"]) == 1
                            && $0.sum("herald_processes", ["role": "api"]) == 1
                            && $0.sum("herald_subscriptions", ["state": "active"]) == 1
                            && $0.sum("herald_pool_reachable", ["pool": "default"]) == 1
                            && $0.sum(self.deliveries) == 0 && $0.sum("herald_events_pending") == 0
                            && $0.max("herald_deliveries_oldest_age_seconds") == 0
                            && $0.sum("herald_delivery_end_to_end_seconds_count", ["channel": "webhook"]) == 3
                            && $0.sum("herald_attempt_phase_seconds_count", ["phase": "total", "channel": "webhook"])
                                == 3
                    }

                    // Which trouble: an endpoint that only fails.
                    _ = try await self.subscribe(receiver.url("/dead"), to: "dead", caller)
                    try await self.post(40, to: "dead", caller)
                    let paused = try await self.subscribe(receiver.url("/paused"), to: "paused", caller)
                    let path = "/v2/queues/paused/subscriptions/\(paused)/pause"
                    #expect(try await caller.send("POST", path, headers: Self.client, body: "").status == 204)
                    try await self.post(5, to: "paused", caller)
                    try await self.figures(all, deployment, "an endpoint fails, another is paused") {
                        $0.sum("herald_subscriptions", ["state": "breaker"]) == 1
                            && $0.sum("herald_subscriptions", ["state": "paused"]) == 1
                            && $0.sum("herald_subscriptions", ["state": "active"]) == 1
                            && $0.sum("herald_subscriptions_held_total", ["hold": "breaker"]) == 1
                            && $0.sum(self.deliveries, ["state": "paused"]) == 5
                            && $0.sum(self.deliveries, ["state": "breaker"]) ?? 0 >= 39
                            && $0.sum(self.deliveries, ["state": "ready"]) == 0
                    }
                    let lines = deployment.logs.split(separator: "\n")
                    #expect(
                        lines.contains {
                            $0.contains("notice") && $0.contains("A subscription is not served any more")
                                && $0.contains("reason=breaker") && $0.contains("queue.name=dead")
                        }, "\(deployment.logs)")

                    // When to page: no process delivers. The API takes over, and the whole backlog is there once.
                    notifier.process.signal(SIGKILL)
                    await notifier.process.waitForExit()
                    try await self.post(7, to: "well", caller)
                    try await self.figures(all, deployment, "no notifier lives") {
                        $0.sum("herald_processes", ["role": "notifier"]) == 0
                            && $0.sum("herald_processes", ["role": "api"]) == 1
                            && $0.sum("herald_events_pending") == 1
                            && $0.max("herald_events_oldest_age_seconds") ?? 0 > 1
                            && $0.sum(self.deliveries, ["state": "paused"]) == 5
                    }
                }
            }
        }

        @Test func `Messages of the chosen queues are counted, wherever they live, and no others`() async throws {
            let settings = [
                "HERALD_METRICS_QUEUES": "p/jobs,p/in-*,other/in-*", "HERALD_API_ADMIN_MODE": "true",
            ]
            try await withRedis { far in
                try await withDeployment(settings: settings) { deployment in
                    let api = try await deployment.startAPI()
                    let caller = HTTPCaller(api.address)
                    for queue in ["jobs", "jobs2", "in-a", "out"] { try await self.post(3, to: queue, caller) }
                    let pool = try await caller.send(
                        "PUT", "/v2/pools/far", headers: Self.client + [("X-Roles", "admin")],
                        body: #"{"uri": "\#(far.url)", "weight": 100}"#)
                    #expect(pool.status == 201)
                    try await self.post(5, to: "in-b", caller)
                    let claim = try await caller.send(
                        "POST", "/v2/queues/in-b/claims?limit=2", headers: Self.client, body: "{}")
                    #expect(claim.status == 201)
                    let admin = [HTTPCaller(try #require(api.ready.admin))]
                    let name = "herald_queue_messages"
                    try await self.figures(admin, deployment, "queues") {
                        $0.sum(name, ["queue": "jobs", "project": "p", "state": "free"]) == 3
                            && $0.sum(name, ["queue": "in-b", "state": "free"]) == 3
                            && $0.sum(name, ["queue": "in-b", "state": "claimed"]) == 2
                            && $0.sum(name) == 11 && $0.sum("herald_pool_queues", ["pool": "far"]) == 1
                            && $0.sum("herald_pool_reachable") == 2
                    }
                    let figures = await MetricFigures(of: admin)
                    // Of five posts, each to a queue that has to be made first.
                    #expect(figures.sum("herald_store_script_seconds_count", ["script": "message_post"]) == 10)
                    // One header is what a scaler can send.
                    let stats = try await caller.send(
                        "GET", "/v2/queues/in-b/stats", headers: [("X-Project-Id", "p")])
                    #expect(stats.status == 200 && stats.text.contains(#""free":3"#), "\(stats.text)")
                    let list = try await caller.send("GET", "/v2/queues/in-b", headers: [("X-Project-Id", "p")])
                    #expect(list.status == 400)
                }
            }
        }

        @Test func `One process exports the deployment, and each its own figures`() async throws {
            let settings = ["HERALD_NOTIFIER_CONCURRENCY": "77", "HERALD_API_CONNECTIONS": "99"]
            try await withDeployment(settings: settings) { deployment in
                var processes = [try await deployment.startAPI(), try await deployment.startAPI()]
                processes += [try await deployment.startNotifier(), try await deployment.startNotifier()]
                let client = HTTPCaller(processes[0].address)
                #expect(try await client.send("GET", "/").status == 300)
                let callers = try processes.map { HTTPCaller(try #require($0.ready.admin)) }
                try await self.figures(callers, deployment, "four processes") {
                    $0.sum("herald_processes") == 4 && $0.sum("herald_pool_reachable") == 1
                        && $0.samples.count { $0.name == "herald_events_pending" } == 1
                        && $0.sum("herald_build_info", ["version": HeraldVersion.text]) == 4
                        && $0.sum("herald_delivery_slots", ["pool": "default"]) == 154
                        && $0.sum("herald_delivery_under_way", ["pool": "default"]) == 0
                        && $0.sum("herald_api_connections", ["listener": "rest"]) == 1
                        && $0.sum("herald_api_connections_max", ["listener": "websocket"]) == 198
                }
                let figures = await MetricFigures(of: callers)
                for name in [
                    "process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds", "process_max_fds",
                    "process_threads", "process_start_time_seconds",
                ] {
                    let values = figures.samples.filter { $0.name == name }.map(\.value)
                    #expect(values.count == 4 && values.allSatisfy { $0 > 0 }, "\(name): \(values)")
                }
                let now = Date().timeIntervalSince1970
                #expect(figures.max("process_start_time_seconds") ?? 0 <= now)
                #expect(figures.max("process_start_time_seconds") ?? 0 > now - 600)
                #expect(figures.max("process_open_fds") ?? 0 < figures.max("process_max_fds") ?? 0)
                for caller in callers {
                    let text = try await caller.send("GET", "/metrics").text
                    let families = text.matches(of: #/# TYPE (\w+) /#).map { String($0.output.1) }
                    #expect(Set(families).count == families.count, "each family once")
                    #expect(families.allSatisfy { text.contains("# HELP \($0) ") }, "each family has its question")
                }
            }
        }
    }
}
