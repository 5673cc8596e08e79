import Domain
import Foundation
import TestKit
import Testing

extension DeploymentTests {
    struct DisablingTests {
        @Test func `A deployment with that setting disables what only fails, and serves it again when it is resumed`()
            async throws
        {
            let client = [
                ("Client-ID", "3381af92-2b9e-11e3-b191-71861300734c"), ("Content-Type", "application/json"),
                ("X-Project-Id", "p"),
            ]
            try await withDeployment(settings: ["HERALD_NOTIFIER_DISABLE_AFTER": "0.001"]) { deployment in
                let caller = HTTPCaller(try await deployment.startAPI().address)
                _ = try await deployment.startNotifier()
                try await WebhookReceiver.with(answers: ["/": .status(500)]) { receiver in
                    let made = try await caller.send(
                        "POST", "/v2/queues/q/subscriptions", headers: client,
                        body: "{\"subscriber\": \"\(receiver.url())\"}")
                    let id = try #require(made.text.firstMatch(of: /"subscription_id":"([^"]*)"/)?.output.1)
                    let path = "/v2/queues/q/subscriptions/\(id)"
                    func isSaid(_ words: String, at end: String) async throws -> Bool? {
                        let reply = try await caller.send("GET", path + end, headers: client)
                        return reply.text.contains(words) ? true : nil
                    }
                    let bodies = (0..<8).map { "{\"body\": \($0)}" }.joined(separator: ",")
                    _ = try await caller.send(
                        "POST", "/v2/queues/q/messages", headers: client, body: "{\"messages\": [\(bodies)]}")
                    #expect(try await eventually { try await isSaid(#""state":"disabled""#, at: "/health") } == true)
                    receiver.answer("/", with: .status(204))
                    #expect(try await caller.send("POST", path + "/resume", headers: client, body: "").status == 204)
                    let words = #""succeeded":true"#
                    #expect(try await eventually { try await isSaid(words, at: "/attempts?limit=1") } == true)
                }
            }
        }
    }
}
