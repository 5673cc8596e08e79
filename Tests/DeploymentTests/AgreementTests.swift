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
                    let api = try await Process(.api, key: Self.keys.0, redis: redis)
                    try await api.isReady()
                    let client = HTTPCaller(try #require(api.ready?.listen))
                    let caller = [("Client-ID", UUID().uuidString), ("X-Project-Id", "p")]
                    let subscribed = try await client.send(
                        "POST", "/v2/queues/q/subscriptions", headers: caller,
                        body: #"{"subscriber": "\#(receiver.url("/in"))"}"#)
                    #expect(subscribed.status == 201)

                    let notifier = try await Process(.notifier, key: Self.keys.1, redis: redis)
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
                let api = try await Process(.api, key: Self.keys.0, redis: redis)
                try await api.isReady()
                let notifier = try await Process(
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

        /// One that is asked over its admin address whether it is ready.
        private final class Process: Sendable {
            private let process: ChildProcess
            private let readyFile: String
            private let logFile: URL
            private let admin: String

            init(
                _ kind: ProcessKind, key: String, redis: RedisServer, _ more: [Setting: String] = [:]
            ) async throws {
                let name = "\(kind.rawValue)-\(UUID().uuidString.prefix(4))"
                self.readyFile = redis.folder.appendingPathComponent("\(name).json").path
                self.logFile = redis.folder.appendingPathComponent("\(name).log")
                self.admin = "127.0.0.1:\(try await freeLoopbackPort())"
                var settings = more
                settings[Setting.redisURL] = redis.url
                settings[Setting.masterKey] = key
                settings[Setting.readyFile] = self.readyFile
                settings[kind == .api ? Setting.apiAdminListen : Setting.notifierAdminListen] = self.admin
                settings[kind == .api ? Setting.apiListen : Setting.egressAllow] =
                    kind == .api ? "127.0.0.1:0" : Deployment.egressAllow
                var environment: [String: String] = [:]
                for (setting, value) in settings { environment[setting.environment] = value }
                self.process = try ChildProcess(
                    Deployment.executable(kind.rawValue), arguments: [], environment: environment, log: self.logFile)
            }

            var ready: ReadyFile.Content? { ReadyFile.Content.read(path: self.readyFile) }

            var log: String {
                // Only ever read to see what a process printed; none is an empty text.
                (try? String(contentsOf: self.logFile, encoding: .utf8)) ?? ""
            }

            func isReady() async throws {
                let isReady: Bool? = try await eventually {
                    let answer = try await self.readyz()
                    return answer?.status == 200 && self.ready != nil ? true : nil
                }
                #expect(isReady == true, "\(self.log)")
            }

            func isNotReady(naming setting: String) async throws {
                let words: String? = try await eventually {
                    guard let answer = try await self.readyz(), answer.status == 503 else { return nil }
                    let words = String(decoding: answer.body, as: UTF8.self)
                    return words.contains(setting) ? words : nil
                }
                #expect(words != nil, "\(self.log)")
            }

            func stop() async { await self.process.stop() }

            /// Nil while nothing listens there.
            private func readyz() async throws -> HTTPReply? {
                if let exit = self.process.exit { throw Ended(description: "\(exit)\n\(self.log)") }
                return try? await HTTPCaller(self.admin).send("GET", "/readyz")
            }
        }

        private struct Ended: Error { let description: String }
    }
}
