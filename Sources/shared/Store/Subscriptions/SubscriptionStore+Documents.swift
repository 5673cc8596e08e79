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
        precondition(kind.isConfirmation, "this is no question")
        self.kind = kind
        self.subscriber = subscriber
        self.ttl = ttl
        self.document = document
    }
}

/// What became of the wish to ask.
package enum ConfirmationOutcome: Sendable, Equatable {
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
        let owed = try await self.owe(
            request.document, kind: request.kind, to: id, of: queue, ttl: request.ttl,
            guarding: (request.subscriber, seconds: ConfirmationRequest.pause))
        return switch owed {
        case .owed: .asked
        case .held: .held
        case .absent: .absent
        }
    }

    /// Has a document delivered to a subscriber that nobody posted, so that it can be seen how that goes.
    ///
    /// - Parameters:
    ///   - isSealed: Whether the document is what stands for it, as the bodies of a queue that encrypts.
    ///   - ttl: Seconds; it is not attempted after that.
    /// - Returns: Its place, which no message has; nil when this queue has no living subscription of the id.
    package func test(
        _ queue: QueueAddress, id: SubscriptionID, document: [UInt8], isSealed: Bool = false, ttl: Int
    ) async throws(StoreError) -> Position? {
        let owed = try await self.owe(
            document, isSealed: isSealed, kind: .test, to: id, of: queue, ttl: ttl, guarding: ("", seconds: 0))
        guard case .owed(let position) = owed else { return nil }
        return position
    }

    private enum Owed {
        case owed(Position)
        case held, absent
    }

    private func owe(
        _ document: [UInt8], isSealed: Bool = false, kind: NotificationKind, to id: SubscriptionID,
        of queue: QueueAddress, ttl: Int,
        guarding: (subscriber: String, seconds: Int)
    ) async throws(StoreError) -> Owed {
        let keys = self.keyring.shard(of: queue)
        var call = self.runner.call(
            Scripts.owe, keys: [keys.headers, keys.position, keys.payloads, keys.projects, keys.bell, keys.asked])
        call.append(keys.prefix)
        call.append(id.text)
        call.append(queue.key)
        call.append(self.keyring.number(of: queue))
        call.append(guarding.subscriber)
        call.append(guarding.seconds * 1000)
        call.append(min(ttl, Int(UInt32.max)))
        call.append(MessageRecord.Flag.of(kind) | (isSealed ? MessageRecord.Flag.sealed : 0))
        call.append(document)
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.owe)
        switch try reply.text() {
        case "owed": return .owed(try reply.position())
        case "held": return .held
        case "absent": return .absent
        case let answer: throw .corrupt("owe.lua answered \(answer)")
        }
    }
}
