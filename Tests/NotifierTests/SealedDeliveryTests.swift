import Notifier
import Signing
import Store
import TestKit
import Testing

/// Messages whose bodies are encrypted at rest.
struct SealedDeliveryTests {
    @Test func `A sealed body is opened for its subscriber`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                try await deployment.subscribe(receiver.url())
                try await deployment.withNotifier {
                    try await deployment.postSealed(#"{"n": 1.50}"#, with: Vault(masterKey: deployment.masterKey))
                    try await receiver.waitFor(count: 1)
                    let text = receiver.requests.first?.text ?? ""
                    #expect(text.hasPrefix(#"{"body":{"n": 1.50},"ttl":300,"#))
                    #expect(try await deployment.isSettled())
                }
            }
        }
    }

    @Test func `A body that does not open is not sent, and tried again`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                try await deployment.subscribe(receiver.url())
                let stranger = try Vault(masterKey: MasterKey(MasterKey.generate()))
                try await deployment.postSealed("1", with: stranger)
                try await deployment.withNotifier {
                    // The first retries follow at once; then a wait is written down.
                    let isWaiting = try await eventually {
                        let looks = try await deployment.store.deliveries.status(
                            of: Array(0..<deployment.store.deliveries.shards))
                        let isDue = looks.contains { look in look.nextDue.map { look.now < $0 } ?? false }
                        return isDue && looks.allSatisfy { $0.events == 0 } ? true : nil
                    }
                    #expect(isWaiting == true)
                }
                #expect(receiver.count == 0)
                #expect(try await deployment.deadLetters().isEmpty)
            }
        }
    }
}
