import Foundation
import Redis
import Runtime
import Settings
import TestKit
import Testing

extension DeploymentTests {
    /// Processes whose settings must agree, and one whose do not.
    struct AgreementTests {
        private static let keys = (String(repeating: "1a", count: 32), String(repeating: "2b", count: 32))

        @Test func `A notifier with another master key delivers nothing until its key is accepted`() async throws {
            try await withRedis { redis in
                try await WebhookReceiver.with { receiver in
                    let api = try await AskedProcess(.api, key: Self.keys.0, redis: redis)
                    try await api.isReady()
                    let client = HTTPCaller(try #require(api.ready?.listen))
                    let caller = [("Client-ID", UUID().uuidString), ("X-Project-Id", "p")]
                    let subscribed = try await client.send(
                        "POST", "/v2/queues/q/subscriptions", headers: caller,
                        body: #"{"subscriber": "\#(receiver.url("/in"))"}"#)
                    #expect(subscribed.status == 201)

                    let notifier = try await AskedProcess(.notifier, key: Self.keys.1, redis: redis)
                    try await notifier.isNotReady(naming: "master.key")
                    let posted = try await client.send(
                        "POST", "/v2/queues/q/messages", headers: caller,
                        body: #"{"messages": [{"body": 1, "ttl": 300}]}"#)
                    #expect(posted.status == 201)
                    let lines = notifier.log.split(separator: "\n").filter { $0.contains("herald settings accept") }
                    #expect(lines.count == 1 && lines.first?.contains("master.key") == true, "\(notifier.log)")
                    #expect(!notifier.log.contains(Self.keys.0) && !notifier.log.contains(Self.keys.1))
                    #expect(receiver.requests.isEmpty)

                    let (asked, words) = try await Self.accept(key: Self.keys.1, redis: redis, [])
                    #expect(asked == .status(64) && words.contains("--yes"), "\(words)")
                    try await notifier.isNotReady(naming: "master.key")
                    let (accepted, output) = try await Self.accept(key: Self.keys.1, redis: redis, ["--yes"])
                    #expect(accepted == .status(0) && output.contains("master.key"), "\(output)")
                    try await notifier.isReady()
                    _ = try await eventually { receiver.requests.isEmpty ? nil : true }
                    // The API has the old key now: it stops serving, and says so.
                    try await api.isNotReady(naming: "master.key")
                    let (again, nothing) = try await Self.accept(key: Self.keys.1, redis: redis, ["--yes"])
                    #expect(again == .status(0) && nothing.contains("Nothing to accept"), "\(nothing)")

                    // Back to the old key, and the API serves again without a restart.
                    _ = try await Self.accept(key: Self.keys.0, redis: redis, ["--yes"])
                    try await api.isReady()
                    try await notifier.isNotReady(naming: "master.key")
                    await api.stop()
                    await notifier.stop()
                }
            }
        }

        @Test func `A notifier that alone requires confirmation is not ready, and says what differs`() async throws {
            try await withRedis { redis in
                let api = try await AskedProcess(.api, key: Self.keys.0, redis: redis)
                try await api.isReady()
                let notifier = try await AskedProcess(
                    .notifier, key: Self.keys.0, redis: redis, [Setting.confirmationRequired: "true"])
                try await notifier.isNotReady(naming: "confirmation.required")
                #expect(
                    notifier.log.contains("confirmation.required is true, and false in the deployment"),
                    "\(notifier.log)")
                await api.stop()
                await notifier.stop()
            }
        }

        @Test func `A Redis without a deployment has nothing to accept, and stays empty`() async throws {
            try await withRedis { redis in
                let (exit, words) = try await Self.accept(key: Self.keys.0, redis: redis, ["--yes"])
                #expect(exit == .status(1) && words.contains("no process has used this Redis yet"), "\(words)")
                #expect(try await redis.command("DBSIZE").int == 0)
            }
        }

        // MARK: Processes

        private static func accept(
            key: String, redis: RedisServer, _ arguments: [String]
        ) async throws -> (ChildProcess.Exit, String) {
            try await withTemporaryFolder { folder in
                let log = folder.appendingPathComponent("accept.log")
                let process = try ChildProcess(
                    Deployment.executable("herald"), arguments: ["settings", "accept"] + arguments,
                    environment: [
                        Setting.redisURL.environment: redis.url, Setting.masterKey.environment: key,
                    ], log: log)
                let exit = await process.waitForExit(within: .seconds(60))
                return (exit, String(decoding: try Data(contentsOf: log), as: UTF8.self))
            }
        }
    }
}
