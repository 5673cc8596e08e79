/// A key, with the slot of Redis Cluster that it belongs to.
///
/// Commands and script calls take keys in this form only, so that each of them is known to lie in one slot.
package struct RedisKey: Sendable, Hashable {
    package let text: String
    package let slot: KeySlot

    /// A key of a slot that is known, because many keys share its hash tag: nothing is computed.
    package init(_ text: String, in slot: KeySlot) {
        assert(KeySlot(of: text) == slot, "\(text) does not lie in slot \(slot.number)")
        self.text = text
        self.slot = slot
    }

    package init(_ text: String) {
        self.text = text
        self.slot = KeySlot(of: text)
    }
}

/// One of the hash slots that the keys of a Redis Cluster are divided into.
///
/// Redis Cluster specification, "Key distribution model" and "Hash tags".
package struct KeySlot: Sendable, Hashable {
    package static let count = 16_384

    /// 0..<``count``.
    package let number: UInt16

    /// The slot of a key: of what stands between its first `{` and the next `}`, and of all of it where that is nothing.
    package init(of key: String) {
        let bytes = key.utf8
        guard let open = bytes.firstIndex(of: UInt8(ascii: "{")),
            let close = bytes[bytes.index(after: open)...].firstIndex(of: UInt8(ascii: "}")),
            bytes.index(after: open) < close
        else {
            self.init(hashing: bytes)
            return
        }
        self.init(hashing: bytes[bytes.index(after: open)..<close])
    }

    /// The slot of all keys with a hash tag.
    ///
    /// - Parameter tag: Without its braces.
    package init(ofTag tag: String) {
        self.init(hashing: tag.utf8)
    }

    /// - Returns: nil for a number that no slot has.
    package init?(number: UInt16) {
        guard number < Self.count else { return nil }
        self.number = number
    }

    /// CRC16 (XMODEM) mod ``count``.
    private init(hashing bytes: some Sequence<UInt8>) {
        var crc: UInt16 = 0
        for byte in bytes { crc = crc << 8 ^ Self.crcTable[Int(UInt8(crc >> 8) ^ byte)] }
        self.number = crc % UInt16(Self.count)
    }

    private static let crcTable: [UInt16] = (0..<256).map { byte in
        (0..<8).reduce(UInt16(byte) << 8) { crc, _ in crc & 0x8000 != 0 ? crc << 1 ^ 0x1021 : crc << 1 }
    }
}

/// Which node of a cluster a command has to be sent to; one server alone gets every command.
package enum RedisRoute: Sendable, Hashable {
    /// The command names no key.
    case anyNode
    /// The node that serves the slot.
    case slot(KeySlot)
    /// The command names keys of several slots on purpose: only a server that is no cluster can serve it.
    case oneServer

    /// The command names a key of a slot.
    mutating func add(_ slot: KeySlot) {
        switch self {
        case .anyNode: self = .slot(slot)
        case .slot(let own): assert(own == slot, "a command has keys of the slots \(own.number) and \(slot.number)")
        case .oneServer: break
        }
    }
}
