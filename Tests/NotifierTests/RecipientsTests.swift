import Domain
import Notifier
import Redis
import Store
import TestKit
import Testing

struct RecipientsTests {
    private static func found(_ leases: [Lease], in deployment: TestDeployment) async throws -> [Recipients.Found] {
        let shard = try #require(try await deployment.shardWithLease())
        let recipients = Recipients(
            subscriptions: deployment.store.subscriptions, queues: deployment.store.queues,
            masterKey: deployment.masterKey,
            signingKeys: ProjectSigningKeys(
                deployment.store.signingKeys, masterKey: deployment.masterKey, logger: quietLogger()),
            channels: Channels([]))
        return try await recipients.find(leases, in: shard)
    }

    @Test func `Leases of one subscription at two versions both find where they go`() async throws {
        try await withTestDeployment { deployment in
            let id = try await deployment.subscribe("http://127.0.0.1:1/")
            try await deployment.post("1", "2")
            var leases = try await deployment.takeAll()
            try await deployment.change(id, options: #"{"a": 1}"#)
            try await deployment.post("3")
            leases += try await deployment.takeAll()
            #expect(leases.map(\.version) == [1, 1, 2])
            for leases in [leases, leases.reversed(), [leases[0], leases[2], leases[1]]] {
                let found = try await Self.found(leases, in: deployment)
                let known = found.count { if case .known = $0 { true } else { false } }
                #expect(known == 3, "\(found)")
            }
        }
    }

    @Test func `A subscriber of a kind that this version does not know is no reason to drop its deliveries`()
        async throws
    {
        try await withTestDeployment { deployment in
            let id = try await deployment.subscribe("http://127.0.0.1:1/")
            try await deployment.post("1")
            let leases = try await deployment.takeAll()
            let key = try #require(try await deployment.redis.command("KEYS", "*}:subscriptions").array?.first?.text)
            try await deployment.redis.command("HSET", key, id.text, "3600 10 newer://xx{}")
            let found = try await Self.found(leases, in: deployment)
            guard case .unreadable = found.first else {
                Issue.record("found as \(found)")
                return
            }
        }
    }

    @Test func `What has ended is gone, what cannot be read is not, and neither keeps others from being found`()
        async throws
    {
        try await withTestDeployment { deployment in
            var ids: [SubscriptionID] = []
            for number in 0..<3 { ids.append(try await deployment.subscribe("http://127.0.0.1:1/\(number)")) }
            try await deployment.post("1")
            let leases = try await deployment.takeAll()
            let keys =
                try await deployment.redis.command("KEYS", "*}:subscriptions").array?.compactMap { $0.text } ?? []
            try await deployment.store.subscriptions.delete(deployment.queue, id: ids[0])
            try await deployment.redis.command("HSET", try #require(keys.first), ids[1].text, "what no version wrote")
            let found = try await Self.found(leases, in: deployment)
            for (lease, found) in zip(leases, found) {
                switch found {
                case .gone: #expect(lease.subscription == ids[0])
                case .unreadable: #expect(lease.subscription == ids[1])
                case .known: #expect(lease.subscription == ids[2])
                }
            }
            #expect(found.count == 3)
        }
    }
}
