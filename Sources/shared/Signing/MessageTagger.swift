import Cryptography
package import Domain

/// Makes the unguessable part of ids from a key, so that an id can be checked without a request to Redis.
///
/// ```
/// tag  = first 80 bits of SipHash-2-4-128(key, 'm' + queue + position)        16 characters
/// id   = SipHash-2-4-128(key, 'd' + subscription + position), all 128 bits    26 characters
/// set  = id of its first delivery, '-', first 40 bits of SipHash-2-4-128(key, 'g' + ids)    35 characters
/// mark = first 64 bits of SipHash-2-4-128(key, 'c' + client)                  8 bytes
/// ```
///
/// The queue's text is length-prefixed and the position always the last eight bytes, so no two pairs spell one input.
package struct MessageTagger: Sendable {
    /// Bytes of the key.
    package static let keyBytes = 16

    private let mac: KeyedMAC

    /// - Parameter key: Exactly ``keyBytes`` random bytes, the same in every process of a deployment.
    package init(key: [UInt8]) {
        self.mac = KeyedMAC(sipHash: key)
    }

    /// The sixteen characters that end the id of the message at a position of a queue.
    package func tag(queue: QueueAddress, position: Position) -> [UInt8] {
        Base32.encode(self.hash(kind: "m", queue.key.utf8, position).prefix(10))
    }

    /// The id of the delivery of the message at a position to a subscription, the same over all attempts.
    package func deliveryID(subscription: SubscriptionID, position: Position) -> DeliveryID {
        DeliveryID(
            text: String(
                decoding: Base32.encode(self.hash(kind: "d", subscription.text.utf8, position)[...]), as: UTF8.self))
    }

    /// The id of several deliveries that go out together: the same for the same ones alone.
    ///
    /// - Parameter ids: At least one.
    package func deliveryID(of ids: [DeliveryID]) -> DeliveryID {
        guard let first = ids.first, ids.count > 1 else { return ids[0] }
        let tag = self.mac.tag(Array("g".utf8) + ids.flatMap { Array($0.text.utf8) })
        return DeliveryID(text: "\(first.text)-\(String(decoding: Base32.encode(tag.prefix(5)), as: UTF8.self))")
    }

    /// Eight bytes that stand for a client beside each message it posted: enough to tell its own from others'.
    package func clientMark(_ client: ClientID) -> [UInt8] {
        Array(self.mac.tag(Array("c".utf8) + Array(client.text.utf8)).prefix(8))
    }

    private func hash(kind: Unicode.Scalar, _ owner: String.UTF8View, _ position: Position) -> [UInt8] {
        var input: [UInt8] = []
        input.reserveCapacity(1 + owner.count + 8)
        input.append(UInt8(ascii: kind))
        input.append(contentsOf: owner)
        for shift in stride(from: 56, through: 0, by: -8) {
            input.append(UInt8(truncatingIfNeeded: position.value >> Int64(shift)))
        }
        return self.mac.tag(input)
    }
}
