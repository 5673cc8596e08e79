import Foundation
import Redis
import Runtime
import Settings
import Signing
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

        /// A setting of a process that is started beside an API with the defaults, and what its log says of it.
        struct Differing: Sendable, CustomTestStringConvertible {
            let kind: ProcessKind
            let setting: Setting
            let value: String
            let words: String
            var testDescription: String { self.setting.name }

            static let all = [
                Differing(
                    kind: .notifier, setting: Setting.confirmationRequired, value: "true",
                    words: "confirmation.required is true, and false in the deployment"),
                Differing(
                    kind: .notifier, setting: Setting.emailConfirmation, value: "false",
                    words: "email.confirmation is false, and true in the deployment"),
                Differing(
                    kind: .notifier, setting: Setting.emailPagesPrefix, value: "/mail",
                    words: "email.pages.prefix is /mail, and unset in the deployment"),
                Differing(
                    kind: .notifier, setting: Setting.defaultsRetry, value: "standard-webhooks",
                    words: "defaults.retry is standard-webhooks, and unset in the deployment"),
                Differing(
                    kind: .notifier, setting: Setting.messageEncryptionKeys, value: AgreementTests.keys.1,
                    words: "message.encryption.keys has the key ids "),
                Differing(
                    kind: .notifier, setting: Setting.emailLinkKeys, value: AgreementTests.keys.1,
                    words: "email.link.keys has the key ids "),
                Differing(
                    kind: .api, setting: Setting.signedURLKeys, value: AgreementTests.keys.1,
                    words: "signed.url.keys has the key ids "),
                Differing(
                    kind: .api, setting: Setting.postsKeyWindow, value: "3600",
                    words: "posts.key.window is 3600, and 86400 in the deployment"),
            ]
        }

        @Test func `A process that alone has another value of what must agree is not ready, and says what differs`()
            async throws
        {
            try await withRedis { redis in
                let api = try await AskedProcess(.api, key: Self.keys.0, redis: redis)
                try await api.isReady()
                for differing in Differing.all {
                    let process = try await AskedProcess(
                        differing.kind, key: Self.keys.0, redis: redis, [differing.setting: differing.value])
                    try await process.isNotReady(naming: differing.setting.name)
                    #expect(process.log.contains(differing.words), "\(process.log)")
                    #expect(!process.log.contains(Self.keys.1))
                    await process.stop()
                }
                try await api.isReady()
                await api.stop()
            }
        }

        @Test func `A master key changes without a moment in which a receiver has no secret that fits`() async throws {
            try await withRedis { redis in
                try await WebhookReceiver.with { receiver in
                    let (old, new) = Self.keys
                    var api = try await AskedProcess(.api, key: old, redis: redis)
                    try await api.isReady()
                    var notifier = try await AskedProcess(.notifier, key: old, redis: redis)
                    try await notifier.isReady()
                    let caller = [("Client-ID", UUID().uuidString), ("X-Project-Id", "p")]
                    func send(_ method: String, _ path: String, _ body: String? = nil) async throws -> HTTPReply {
                        try await HTTPCaller(try #require(api.ready?.listen))
                            .send(method, path, headers: caller, body: body)
                    }
                    let subscribed = try await send(
                        "POST", "/v2/queues/q/subscriptions", #"{"subscriber": "\#(receiver.url("/in"))"}"#)
                    let found = try Self.text("subscription_id", of: subscribed)
                    let subscription = try #require(found, "\(subscribed)")
                    func secret() async throws -> WebhookSecret {
                        let reply = try await send("GET", "/v2/queues/q/subscriptions/\(subscription)/secret")
                        let text = try Self.text("secret", of: reply)
                        return try #require(text.flatMap(WebhookSecret.init(text:)))
                    }
                    /// Whether the next webhook is signed with each of them.
                    func isSigned(with secrets: [WebhookSecret]) async throws -> [Bool] {
                        let count = receiver.requests.count
                        let posted = try await send(
                            "POST", "/v2/queues/q/messages", #"{"messages": [{"body": \#(count), "ttl": 300}]}"#)
                        #expect(posted.status == 201)
                        let request = try #require(
                            try await eventually { receiver.requests.count > count ? receiver.requests.last : nil })
                        let signatures = request["webhook-signature"]?.split(separator: " ").map(String.init) ?? []
                        let (id, time) = (request["webhook-id"] ?? "", Int64(request["webhook-timestamp"] ?? "") ?? 0)
                        return secrets.map {
                            signatures.contains($0.signature(id: id, timestamp: time, body: request.body))
                        }
                    }
                    let first = try await secret()
                    #expect(try await isSigned(with: [first]) == [true])

                    // Added behind the one that counts, one process after the other; then every process must have both.
                    await notifier.stop()
                    notifier = try await AskedProcess(.notifier, key: "\(old),\(new)", redis: redis)
                    try await notifier.isReady()
                    await api.stop()
                    api = try await AskedProcess(.api, key: "\(old),\(new)", redis: redis)
                    try await api.isReady()
                    let (exit, words) = try await Self.accept(key: "\(old),\(new)", redis: redis, ["--yes"])
                    #expect(exit == .status(0) && words.contains("master.key has the key ids "), "\(words)")
                    // In front: its secrets are shown, and webhooks fit both.
                    await api.stop()
                    api = try await AskedProcess(.api, key: "\(new),\(old)", redis: redis)
                    try await api.isReady()
                    let second = try await secret()
                    #expect(second.text != first.text)
                    #expect(try await isSigned(with: [first, second]) == [true, true])
                    await notifier.stop()
                    notifier = try await AskedProcess(.notifier, key: "\(new),\(old)", redis: redis)
                    try await notifier.isReady()
                    // The old one is given up: first by the deployment, then by its processes.
                    _ = try await Self.accept(key: new, redis: redis, ["--yes"])
                    try await api.isReady()
                    await notifier.stop()
                    notifier = try await AskedProcess(.notifier, key: new, redis: redis)
                    try await notifier.isReady()
                    #expect(try await isSigned(with: [first, second]) == [false, true])
                    await api.stop()
                    await notifier.stop()
                }
            }
        }

        @Test func `A key of bodies is put in front once every process has it`() async throws {
            try await withRedis { redis in
                let (one, other) = (String(repeating: "3c", count: 32), String(repeating: "4d", count: 32))
                func process(_ kind: ProcessKind, _ keys: String) async throws -> AskedProcess {
                    try await AskedProcess(
                        kind, key: Self.keys.0, redis: redis, [Setting.messageEncryptionKeys: keys])
                }
                let api = try await process(.api, one)
                try await api.isReady()
                let early = try await process(.notifier, "\(other),\(one)")
                try await early.isNotReady(naming: "message.encryption.keys")
                await early.stop()
                let added = try await process(.notifier, "\(one),\(other)")
                try await added.isReady()
                let (exit, words) = try await Self.accept(
                    key: Self.keys.0, redis: redis, ["--yes"], [Setting.messageEncryptionKeys: "\(one),\(other)"])
                #expect(exit == .status(0), "\(words)")
                // What another process may now write with it, this one could not read.
                try await api.isNotReady(naming: "message.encryption.keys")
                let front = try await process(.notifier, "\(other),\(one)")
                try await front.isReady()
                for process in [api, added, front] { await process.stop() }
            }
        }

        @Test func `A Redis without a deployment has nothing to accept, and stays empty`() async throws {
            try await withRedis { redis in
                let (exit, words) = try await Self.accept(key: Self.keys.0, redis: redis, ["--yes"])
                #expect(exit == .status(1) && words.contains("no process has used this Redis yet"), "\(words)")
                #expect(try await redis.command("DBSIZE").int == 0)
            }
        }

        /// A member of the object that an answer is.
        private static func text(_ name: String, of reply: HTTPReply) throws -> String? {
            (try JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any])?[name] as? String
        }

        // MARK: Processes

        private static func accept(
            key: String, redis: RedisServer, _ arguments: [String], _ more: [Setting: String] = [:]
        ) async throws -> (ChildProcess.Exit, String) {
            try await withTemporaryFolder { folder in
                let log = folder.appendingPathComponent("accept.log")
                var environment = [Setting.redisURL.environment: redis.url, Setting.masterKey.environment: key]
                for (setting, value) in more { environment[setting.environment] = value }
                let process = try ChildProcess(
                    Deployment.executable("herald"), arguments: ["settings", "accept"] + arguments,
                    environment: environment, log: log)
                let exit = await process.waitForExit(within: .seconds(60))
                return (exit, String(decoding: try Data(contentsOf: log), as: UTF8.self))
            }
        }
    }
}
