package import Domain
import Redis

/// A question to a subscriber, or its way back, ready to be delivered.
package struct ConfirmationRequest: Sendable, Equatable {
    /// Seconds between two of a kind from one subscription to the same address, however often they are asked for.
    ///
    /// Subscribing again and again floods nobody; a subscription that was deleted and made anew is another one.
    package static let pause = 60

    package let kind: NotificationKind
    /// The address it goes to.
    package let subscriber: String
    /// Seconds until its link expires; it is not attempted after that.
    package let ttl: Int
    /// The JSON object to send.
    package let document: [UInt8]

    package init(kind: NotificationKind, subscriber: String, ttl: Int, document: [UInt8]) {
        precondition(kind != .notification, "a notification is no question")
        self.kind = kind
        self.subscriber = subscriber
        self.ttl = ttl
        self.document = document
    }
}

/// What became of the wish to ask.
package enum ConfirmationOutcome: String, Sendable, Equatable {
    case asked
    /// This subscription asked that address the same less than ``ConfirmationRequest/pause`` seconds ago.
    case held
    /// This queue has no living subscription of the id.
    case absent
}

extension SubscriptionStore {
    /// Has a confirmation delivered to a subscriber, with the attempts and the patience of any delivery.
    ///
    /// Its document holds the signature its link works with, so it is dropped with the delivery, and no dead letter keeps
    /// it.
    package func ask(
        _ queue: QueueAddress, id: SubscriptionID, _ request: ConfirmationRequest
    ) async throws(StoreError) -> ConfirmationOutcome {
        let keys = self.keyring.shard(of: queue)
        var call = self.runner.call(
            Scripts.askConfirmation,
            keys: [keys.headers, keys.position, keys.payloads, keys.projects, keys.bell, keys.asked])
        call.append(keys.prefix)
        call.append(id.text)
        call.append(queue.key)
        call.append(self.keyring.number(of: queue))
        call.append(request.subscriber)
        call.append(ConfirmationRequest.pause * 1000)
        call.append(min(request.ttl, Int(UInt32.max)))
        call.append(MessageRecord.Flag.of(request.kind))
        call.append(request.document)
        let answer = try await self.runner.run(call).text
        guard let outcome = answer.flatMap(ConfirmationOutcome.init) else {
            throw .corrupt("ask_confirmation.lua answered \(answer ?? "no text")")
        }
        return outcome
    }
}
