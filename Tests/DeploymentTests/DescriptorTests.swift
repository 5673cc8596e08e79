import Runtime
import Settings
import TestKit
import Testing

extension DeploymentTests {
    /// A notifier process that has no file descriptors left.
    struct DescriptorTests {
        private struct Unreachable: Error { let description: String }

        private func readyz(
            _ admin: HTTPCaller, of notifier: Deployment.Running, in deployment: Deployment
        ) async throws -> HTTPReply {
            do {
                return try await admin.send("GET", "/readyz")
            } catch {
                let exit = notifier.process.exit.map { "\($0)" } ?? "it runs"
                throw Unreachable(description: "\(error), \(exit)\n\(deployment.logs)")
            }
        }

        @Test
        func `A pool that finds no descriptor makes its notifier not ready, and is served when there are some again`()
            async throws
        {
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
    }
}
