import Domain
import NIOCore
import Redis
import Runtime
import Settings
import Signing
import Store
import TestKit
import Testing

extension DeploymentTests {
    /// What a notifier counts of deliveries that end without success, as `/metrics` shows it, under bounds that its settings
    /// name.
    struct DeliveryMetricsTests {
        private static let settings = [
            "HERALD_SHARDS": "1", "HERALD_LIMITS_DEAD_LETTERS_QUEUE_COUNT": "2",
            "HERALD_LIMITS_WAITING_SUBSCRIPTION": "5",
        ]

        private let capacity = LeaseAllowance(capacity: 100)

        private func address(_ name: String) throws -> QueueAddress {
            QueueAddress(project: try ProjectID("p"), name: try QueueName(name))
        }

        private func subscribe(
            _ url: String, to queue: QueueAddress, in store: Store, options: String = "{}"
        ) async throws -> SubscriptionID {
            try await store.subscriptions.create(
                queue, subscriber: Subscriber(url), ttl: 3600, options: Array(options.utf8)
            ).id
        }

        private func post(
            _ count: Int, ttl: Int = 3600, to queue: QueueAddress, in store: Store, sealedIn vault: Vault? = nil
        ) async throws {
            let drafts = (0..<count).map { number in
                let body = Array("\(number)".utf8)
                guard let vault else { return MessageDraft(ttl: ttl, body: ByteBuffer(bytes: body)) }
                let sealed = SealedBody.seal(body.span, for: queue, in: vault)
                return MessageDraft(ttl: ttl, body: ByteBuffer(bytes: sealed), isSealed: true)
            }
            _ = try await store.messages.post(
                drafts, to: queue, by: try ClientID(uuid: "3381af92-2b9e-11e3-b191-71861300734c"), requestBytes: 100,
                defaults: PostDefaults(ttl: 3600))
        }

        /// Has three notifiers be lost with a delivery, and a fourth one begin it.
        private func loseNotifiers(with queue: QueueAddress, in store: Store) async throws {
            let lease = Duration.milliseconds(20)
            var held = try await store.deliveries.take(0, allowance: self.capacity, lease: lease, confirmedOnly: false)
                .leases
            for level in 1...3 {
                let hasLapsed = try await eventually { try await store.deliveries.reap(0).lapsed == 1 ? true : nil }
                #expect(hasLapsed == true)
                held = try await store.deliveries.lease(0, allowance: self.capacity, lease: lease).leases
                #expect(held.map(\.suspicion) == [level])
                #expect(try await store.deliveries.begin(0, held.map(\.token)) == [true])
            }
        }

        @Test func `What ends without success, and what is dropped at a bound of the settings, is counted`()
            async throws
        {
            try await withDeployment(settings: Self.settings) { deployment in
                try await withRedisClient(to: deployment.redis.endpoint) { pool in
                    try await WebhookReceiver.with(answers: ["/final": .status(404)]) { receiver in
                        let store = try await Store.open(on: pool, shards: 1, logger: quietLogger())
                        let (lost, final) = (try self.address("lost"), try self.address("final"))
                        let (paused, sealed) = (try self.address("paused"), try self.address("sealed"))
                        _ = try await self.subscribe(receiver.url("/lost"), to: lost, in: store)
                        try await self.post(1, to: lost, in: store)
                        try await self.loseNotifiers(with: lost, in: store)
                        let metrics = HTTPCaller(try #require(try await deployment.startNotifier().ready.admin))

                        let options = #"{"_final_statuses": [404]}"#
                        _ = try await self.subscribe(receiver.url("/final"), to: final, in: store, options: options)
                        try await self.post(6, to: final, in: store)
                        let subscription = try await self.subscribe(receiver.url("/paused"), to: paused, in: store)
                        #expect(try await store.deliveries.pause(paused, subscription: subscription))
                        try await self.post(12, ttl: 1, to: paused, in: store)
                        _ = try await self.subscribe(receiver.url("/sealed"), to: sealed, in: store)
                        let stranger = try Vault(masterKey: MasterKey(MasterKey.generate()))
                        try await self.post(1, to: sealed, in: store, sealedIn: stranger)

                        var text = ""
                        let attempts = "herald_delivery_attempts_total{channel=\"webhook\",outcome="
                        let wanted = [
                            "herald_delivery_quarantined_total 1", "herald_delivery_overflowed_total 7",
                            "herald_delivery_expired_total 5",
                            // Of those that were refused. What overflows or expires drops none that can be sent again.
                            "herald_dead_letters_dropped_total 4", "\(attempts)\"refused\"} 6",
                            "\(attempts)\"deferred\"} 0",
                            "herald_dead_letters_total{reason=\"quarantined\"} 1",
                            "herald_dead_letters_total{reason=\"overflow\"} 7",
                            "herald_dead_letters_total{reason=\"expired\"} 5",
                            "herald_dead_letters_total{reason=\"refused\"} 6",
                            "herald_dead_letters_total{reason=\"exhausted\"} 0",
                        ]
                        let isCounted = try await eventually {
                            text = try await metrics.send("GET", "/metrics").text
                            let lines = Set(text.split(separator: "\n").map { String($0) })
                            let isSealedCounted = !lines.contains("\(attempts)\"sealed\"} 0")
                            return lines.isSuperset(of: wanted) && isSealedCounted ? true : nil
                        }
                        #expect(isCounted == true, "\(text)")
                        for queue in [final, paused] {
                            let deadLetters = try await store.deliveries.deadLetters(of: queue, limit: 10).deadLetters
                            #expect(deadLetters.count == 2)
                        }
                    }
                }
            }
        }
    }
}
