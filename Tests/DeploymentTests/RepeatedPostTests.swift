import Foundation
import TestKit
import Testing

extension DeploymentTests {
    /// Posts with keys while the processes behind them end.
    struct RepeatedPostTests {
        /// Repeats a post, at either API, until it is answered 201.
        private static func post(_ number: Int, to addresses: [String]) async throws -> Bool {
            for attempt in 0..<2000 {
                let caller = HTTPCaller(addresses[(number + attempt) % addresses.count])
                let headers = Load.headers + [("Idempotency-Key", "key-\(number)")]
                let body = #"{"messages": [{"body": \#(number), "ttl": 3600}]}"#
                let reply = try? await caller.send("POST", "/v2/queues/jobs/messages", headers: headers, body: body)
                await caller.close()
                if reply?.status == 201 { return true }
                try await Task.sleep(for: .milliseconds(10))
            }
            return false
        }

        @Test func `However often a post is repeated while APIs and Redis are killed, it is one message`() async throws
        {
            let seed = UInt64.random(in: 1...UInt64.max)
            var dice = SeededGenerator(seed: seed)
            try await withDeployment(appendOnly: true) { deployment in
                var apis = [try await deployment.startAPI(), try await deployment.startAPI()]
                let addresses = apis.map(\.address)
                let posts = 400
                async let answered = withThrowingTaskGroup(of: Int.self) { group in
                    for caller in 0..<16 {
                        group.addTask {
                            var count = 0
                            for number in stride(from: caller, to: posts, by: 16) {
                                // Two clients of one task, of which each believes that the other has failed.
                                async let one = Self.post(number, to: addresses)
                                async let other = Self.post(number, to: Array(addresses.reversed()))
                                if try await one, try await other { count += 1 }
                            }
                            return count
                        }
                    }
                    return try await group.reduce(0, +)
                }
                for turn in 0..<8 {
                    try await Task.sleep(for: .milliseconds(.random(in: 20...150, using: &dice)))
                    if turn == 4 {
                        try await deployment.redis.restart(killing: true)
                    } else {
                        let victim = turn % apis.count
                        apis[victim].process.signal(SIGKILL)
                        await apis[victim].process.waitForExit()
                        apis[victim] = try await deployment.startAPI(listen: addresses[victim])
                    }
                }
                #expect(try await answered == posts, "seed \(seed); \(deployment.logs)")
                let caller = HTTPCaller(addresses[0])
                var (bodies, path): ([Int], String?) = ([], "/v2/queues/jobs/messages?echo=true&limit=20")
                while let next = path {
                    let page = try await caller.send("GET", next, headers: Load.headers)
                    let json = try JSONSerialization.jsonObject(with: Data(page.text.utf8)) as? [String: Any] ?? [:]
                    let messages = json["messages"] as? [[String: Any]] ?? []
                    bodies += messages.compactMap { $0["body"] as? Int }
                    path = messages.isEmpty ? nil : (json["links"] as? [[String: Any]])?.first?["href"] as? String
                }
                await caller.close()
                report("posts with keys", "seed \(seed), \(posts) posts, each by two clients, messages \(bodies.count)")
                #expect(bodies.sorted() == Array(0..<posts), "seed \(seed)")
            }
        }
    }
}
