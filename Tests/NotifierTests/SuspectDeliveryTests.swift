import Domain
import NIOCore
import Notifier
import Store
import TestKit
import Testing

/// Deliveries that notifiers were lost with, through a whole notifier.
struct SuspectDeliveryTests {
    private static let capacity = LeaseAllowance(capacity: 10)

    /// Has a delivery lapse until it is a suspect of the last level, which is due and not begun.
    private func loseNotifiers(with queue: QueueAddress, in deployment: TestDeployment) async throws {
        let deliveries = deployment.store.deliveries
        let lease = Duration.milliseconds(20)
        let shards = 0..<deliveries.shards
        func reaped() async throws -> Bool {
            for shard in shards where try await deliveries.reap(shard).lapsed == 1 { return true }
            return false
        }
        for shard in shards {
            _ = try await deliveries.take(shard, allowance: Self.capacity, lease: lease, confirmedOnly: false)
        }
        for level in 1..<SuspectRules.soloLevel {
            #expect(try await eventually { try await reaped() ? true : nil } == true)
            for shard in shards {
                let held = try await deliveries.lease(shard, allowance: Self.capacity, lease: lease).leases
                guard !held.isEmpty else { continue }
                #expect(held.map(\.suspicion) == [level])
                #expect(try await deliveries.begin(shard, held.map(\.token)) == [true])
            }
        }
        #expect(try await eventually { try await reaped() ? true : nil } == true)
    }

    @Test func `A suspect of the last level is attempted while nothing else is, and then the others go on`()
        async throws
    {
        let answers = Dictionary(
            uniqueKeysWithValues: (0..<20).map {
                ("/other/\($0)", ReceiverAnswer.delayed(.milliseconds(400), .status(204)))
            }
                + [("/suspect", ReceiverAnswer.delayed(.milliseconds(300), .status(204)))])
        try await withTestDeployment { deployment in
            try await WebhookReceiver.with(answers: answers) { receiver in
                try await deployment.subscribe(receiver.url("/suspect"))
                try await deployment.post("suspect")
                try await self.loseNotifiers(with: deployment.queue, in: deployment)
                let other = QueueAddress(project: try ProjectID("another"), name: try QueueName("other"))
                for number in 0..<20 { try await deployment.subscribe(receiver.url("/other/\(number)"), queue: other) }
                for number in 0..<4 { try await deployment.post("\(number)", to: other) }
                let requests = try await deployment.withNotifier {
                    let requests = try await receiver.waitFor(count: 81)
                    #expect(try await deployment.isSettled())
                    return requests
                }
                #expect(requests.count == 81)
                let suspects = requests.filter { $0.path == "/suspect" }
                let suspect = try #require(suspects.first)
                #expect(suspects.count == 1)
                // Answers take at least that long: what arrived in between was open together with it.
                let together = requests.filter { request in
                    let after = request.arrivedAt - suspect.arrivedAt
                    return request.path != "/suspect" && after > .milliseconds(-400) && after < .milliseconds(300)
                }
                #expect(together.isEmpty)
                #expect(try await deployment.deadLetters().isEmpty)
            }
        }
    }
}
