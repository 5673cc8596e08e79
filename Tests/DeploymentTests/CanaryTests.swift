import Cryptography
import Foundation
import Redis
import Runtime
import Settings
import TestKit
import Testing

extension DeploymentTests {
    /// Marked secrets through a whole deployment at its most talkative, and then a look into every corner for them.
    struct CanaryTests {
        /// The texts the deployment is given, and where it may be found again.
        private static let signingKey = "canary-signing-key-5f0c1a"
        private static let encryptionKey = String(repeating: "c4a7e51b", count: 8)
        private static let redisPassword = "canary-redis-9d3be2"
        private static let poolPassword = "canary-pool-77aa01"
        private static let token = "canary-token-b81c44"
        private static let sealed = "canary-sealed-body-3e9f20"
        private static let tested = "canary-test-body-a20b6d"
        private static let userinfo = "canary-userinfo-60d2c8"
        private static let header = "canary-header-1f47ba"

        private static let settings = [
            "HERALD_LOG_LEVEL": "trace", "HERALD_SIGNED_URL_KEYS": signingKey, "HERALD_CONFIRMATION_REQUIRED": "true",
            "HERALD_MESSAGE_ENCRYPTION_KEYS": encryptionKey, "HERALD_API_ADMIN_MODE": "true",
        ]
        /// Named in the log beside a request that fails: the search finds what is there.
        private static let trace = "req-3381af92-2b9e-11e3-b191-71861300734d"
        private static let queue = "/v2/queues/orders"

        @Test func `No secret is in a log, a metric, or an answer, and in Redis only what is needed there`()
            async throws
        {
            try await withRedis(password: Self.poolPassword) { pool in
                try await withDeployment(appendOnly: true, redisPassword: Self.redisPassword, settings: Self.settings) {
                    deployment in
                    try await WebhookReceiver.with(answers: [
                        "/failing": .sequence([.status(503), .status(503), .status(204)]), "/refused": .status(410),
                    ]) { receiver in
                        let api = try await deployment.startAPI()
                        let notifier = try await deployment.startNotifier()
                        let caller = CanaryCaller(
                            api.address,
                            headers: [("X-Auth-Token", Self.token), ("X-OpenStack-Request-Id", Self.trace)])
                        try await self.live(caller, receiver)
                        try await self.usePool(caller, pool)
                        try await self.fail(caller, deployment)
                        var metrics = Corner("metrics")
                        for admin in [api.ready.admin, notifier.ready.admin] {
                            let reply = try await HTTPCaller(try #require(admin)).send("GET", "/metrics")
                            #expect(reply.status == 200 && reply.text.contains("# TYPE"))
                            metrics.add(Data(reply.body))
                        }
                        await deployment.stop()
                        try self.search(caller, receiver, deployment, metrics)
                    }
                }
            }
        }

        // MARK: What happens in the deployment

        /// Subscribers of every outcome, and all that can be asked about them.
        private func live(_ caller: CanaryCaller, _ receiver: WebhookReceiver) async throws {
            try await caller.send("PUT", Self.queue, #"{"_enable_encrypt_messages": true}"#, expecting: 201)
            let port = receiver.port
            var paths: [String] = []
            for (subscriber, options) in [
                ("http://caller:\(Self.userinfo)@127.0.0.1:\(port)/userinfo", "{}"),
                (
                    receiver.url("/headers"),
                    #"{"post_headers": {"Authorization": "Bearer \#(Self.header)"}, "_signature": "v1 v1a"}"#
                ),
                (receiver.url("/failing"), "{}"), (receiver.url("/refused"), "{}"),
                ("http://caller:\(Self.userinfo)@10.0.0.1/", "{}"),
                ("http://caller:\(Self.userinfo)@127.0.0.1:1/", "{}"),
                ("http://caller:\(Self.userinfo)@no.such.name.invalid/", "{}"),
            ] {
                let body = #"{"subscriber": "\#(subscriber)", "options": \#(options)}"#
                let made = try await caller.send("POST", "\(Self.queue)/subscriptions", body, expecting: 201)
                let id = try #require(made.text.firstMatch(of: /"subscription_id":"([^"]*)"/)?.output.1)
                paths.append("\(Self.queue)/subscriptions/\(id)")
            }
            // One answers by the link it was sent, the owner confirms the others.
            let asked = try #require(try await eventually { receiver.requests(at: "/headers").first })
            try await caller.answer(asked)
            for path in paths {
                try await caller.send("PUT", "\(path)/confirm", #"{"confirmed": true}"#, expecting: 204)
                try await caller.send("GET", "\(path)/secret", showing: ["signing secret"])
                try await caller.send("POST", "\(path)/secret/rotate", "{}", showing: ["signing secret"])
            }
            try await caller.send("GET", "/v2/signing_keys", expecting: 200)
            try await caller.send("POST", "/v2/signing_keys/rotate", "{}", expecting: 200)
            let posted = try await caller.send(
                "POST", "\(Self.queue)/messages", #"{"messages": [{"body": {"note": "\#(Self.sealed)"}}]}"#,
                expecting: 201)
            let message = try #require(posted.text.firstMatch(of: /"(\/v2\/[^"]*\/messages\/[^"]*)"/)?.output.1)
            for path in paths {
                let test = #"{"body": {"trial": "\#(Self.tested)"}}"#
                try await caller.send("POST", "\(path)/test", test, expecting: 202)
            }
            for path in ["/userinfo", "/headers", "/failing"] {
                let arrived = try await eventually {
                    let types = Set(receiver.requests(at: path).compactMap { $0["herald-message-type"] })
                    return types.isSuperset(of: ["SubscriptionConfirmation", "Notification", "Test"]) ? true : nil
                }
                #expect(arrived == true, "\(path)")
            }
            let deadLetters = "\(Self.queue)/dead_letters"
            let listed = try await eventually {
                let text = try await caller.send("GET", "\(deadLetters)?limit=20").text
                // Of the refused and the forbidden, their notifications beside their questions.
                return text.matches(of: /"message_type":"Notification"/).count >= 2 ? text : nil
            }
            for deadLetter in try #require(listed).matches(of: /"id":"([^"]*)"/) {
                try await caller.send(
                    "GET", "\(deadLetters)/\(deadLetter.output.1)", showing: ["body of an encrypted queue"])
            }
            for path in paths {
                try await caller.send("GET", path, showing: ["userinfo of a subscriber", "header of a subscription"])
                for end in ["health", "attempts", "schedule"] { try await caller.send("GET", "\(path)/\(end)") }
            }
            try await caller.send(
                "GET", "\(Self.queue)/subscriptions?limit=20",
                showing: ["userinfo of a subscriber", "header of a subscription"])
            try await caller.send("GET", "\(Self.queue)/messages?echo=true", showing: ["body of an encrypted queue"])
            try await caller.send("GET", "\(message)/deliveries?limit=20")
            for path in ["", "/stats"] { try await caller.send("GET", Self.queue + path) }
            let share = #"{"paths": ["messages"], "methods": ["GET"]}"#
            let shared = try await caller.send("POST", "\(Self.queue)/share", share, showing: ["signature of a URL"])
            try await caller.follow(shared, to: "\(Self.queue)/messages")
            try await caller.send("POST", "\(deadLetters)/redrive", "{}")
            // What is refused is not repeated to the log either.
            try await caller.send(
                "POST", "\(Self.queue)/subscriptions", #"{"subscriber": "ftp://caller:\#(Self.userinfo)@a/"}"#,
                expecting: 400)
            try await caller.send(
                "POST", "\(Self.queue)/messages", #"{"messages": [{"text": "\#(Self.sealed)"}]}"#, expecting: 400)
        }

        /// A pool with a password, one with a wrong one, and one that goes away.
        private func usePool(_ caller: CanaryCaller, _ server: RedisServer) async throws {
            let uri = server.url.replacing("unix://", with: "unix://:")
            let pool = #"{"uri": "\#(uri)", "weight": 100}"#
            try await caller.send("PUT", "/v2/pools/own", pool, expecting: 201)
            try await caller.send("PUT", "/v2/flavors/own", #"{"pool_list": ["own"]}"#, expecting: 201)
            try await caller.send("PUT", "/v2/queues/pooled", #"{"_flavor": "own"}"#, expecting: 201)
            try await caller.send("POST", "/v2/queues/pooled/messages", #"{"messages": [{"body": 1}]}"#, expecting: 201)
            try await caller.send("GET", "/v2/pools?detailed=true")
            try await caller.send("GET", "/v2/pools/own")
            let wrong = uri.replacing("@", with: "-wrong@")
            try await caller.send("PUT", "/v2/pools/wrong", #"{"uri": "\#(wrong)", "weight": 100}"#)
            try await caller.send("PUT", "/v2/pools/none", #"{"uri": "redis://:\#(Self.poolPassword)@", "weight": 1}"#)
            await server.kill()
            try await caller.send("POST", "/v2/queues/pooled/messages", #"{"messages": [{"body": 1}]}"#, expecting: 503)
            try await caller.send("GET", "/v2/health")
        }

        /// Requests that fail because Redis has no memory, or is away.
        private func fail(_ caller: CanaryCaller, _ deployment: Deployment) async throws {
            let body = #"{"messages": [{"body": {"note": "\#(Self.sealed)"}}]}"#
            try await deployment.redis.command("CONFIG", "SET", "maxmemory", "1")
            try await caller.send("POST", "\(Self.queue)/messages", body, expecting: 503)
            try await deployment.redis.command("CONFIG", "SET", "maxmemory", "0")
            await deployment.redis.kill()
            try await caller.send("POST", "\(Self.queue)/messages", body, expecting: 503)
            try await deployment.redis.start()
            let posted = try await eventually {
                try await caller.send("POST", "\(Self.queue)/messages", body).status == 201 ? true : nil
            }
            #expect(posted == true)
        }

        // MARK: The search

        /// The two signing keys of the project that were in use, derived apart from the deployment.
        private func seeds(of deployment: Deployment) throws -> [[UInt8]] {
            let key = try #require(Hexadecimal.decode(deployment.masterKey) ?? Base64.decode(deployment.masterKey))
            let secrets = HKDF(secret: key, salt: Array("herald".utf8))
            return (1...2).map { secrets.key(for: Array("webhook key:\($0):\(Load.project)".utf8), bytes: 32) }
        }

        private func search(
            _ caller: CanaryCaller, _ receiver: WebhookReceiver, _ deployment: Deployment, _ metrics: Corner
        ) throws {
            let requests = receiver.requests
            let signatures = requests.compactMap { $0["webhook-signature"] }.flatMap { $0.split(separator: " ") }
            let links = requests.flatMap {
                $0.text.matches(of: /"URL-Signature": ?"([0-9a-f]+)"/).map { "\($0.output.1)" }
            }
            let shared = caller.found(/"signature": ?"([0-9a-f]+)"/)
            let seeds = try self.seeds(of: deployment)
            let whpk = caller.found(/whpk_([A-Za-z0-9+\/=]+)/)
            let whsec = caller.found(/whsec_([A-Za-z0-9+\/=]+)/)
            // The control: all of this was really under way.
            #expect(signatures.count >= 9 && links.count >= 4 && !shared.isEmpty && whsec.count >= 14)
            #expect(signatures.contains { $0.hasPrefix("v1a,") })
            #expect(Set(whpk) == Set(seeds.map { Base64.encode(Ed25519PrivateKey(seed: $0).publicKey) }))
            let basic = "Basic " + Data("caller:\(Self.userinfo)".utf8).base64EncodedString()
            #expect(requests.contains { $0["authorization"] == basic })
            #expect(requests.contains { $0["authorization"] == "Bearer \(Self.header)" })
            for body in [Self.sealed, Self.tested] { #expect(requests.contains { $0.text.contains(body) }) }
            #expect(!requests.contains { "\($0.headers)\($0.text)".contains(Self.token) })

            let secrets = [
                Secret("master key", deployment.masterKey), Secret("key of signed URLs", Self.signingKey),
                Secret("key of encrypted bodies", Self.encryptionKey), Secret("password of Redis", Self.redisPassword),
                Secret("password of a pool", Self.poolPassword, isInRedis: true),
                Secret("token of a caller", Self.token),
                Secret("body of an encrypted queue", Self.sealed), Secret("body of a test to one", Self.tested),
                Secret("userinfo of a subscriber", Self.userinfo, "caller:\(Self.userinfo)", isInRedis: true),
                Secret("header of a subscription", Self.header, isInRedis: true),
                Secret("signature of a URL", shared), Secret("signing secret", whsec),
                Secret(
                    "signature of a webhook", signatures.compactMap { $0.split(separator: ",").last.map(String.init) }),
                Secret("signing key of a project", seeds.map(Hexadecimal.encode)),
                Secret("signature of a link to confirm", links, isInRedis: true),
            ]
            var logs = Corner("logs")
            var stored = Corner("Redis")
            try logs.add(filesIn: deployment.redis.folder)
            // Every command that ever wrote something.
            try stored.add(filesIn: deployment.redis.folder.appendingPathComponent("appendonlydir"))
            #expect(logs.holds(Data(Self.trace.utf8)), "the log lacks what it is to have")
            for secret in secrets {
                for corner in [logs, metrics] { #expect(!secret.isIn(corner), "\(secret.name) in the \(corner.name)") }
                #expect(secret.isIn(stored) == secret.isInRedis, "\(secret.name) in Redis")
                for (reply, shown) in caller.replies where !shown.contains(secret.name) {
                    #expect(!secret.isIn(reply), "\(secret.name) in the answer to \(reply.name)")
                }
            }
            report(
                "canaries",
                "\(secrets.count) kinds of secret in \(secrets.map(\.forms.count).reduce(0, +)) spellings; searched"
                    + " \(logs.size) bytes of logs, \(metrics.size) of metrics, \(stored.size) of Redis' log of writes,"
                    + " \(caller.replies.count) answers")
        }
    }
}
