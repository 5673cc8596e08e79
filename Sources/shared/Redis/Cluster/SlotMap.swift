/// Which master serves which slot of a cluster, as one of its nodes sees it.
///
/// Redis Cluster specification, "Key distribution model"; `CLUSTER SLOTS`.
package struct SlotMap: Sendable, Equatable {
    /// Each once, in the order in which they were named.
    package private(set) var masters: [RedisEndpoint.Address] = []
    /// By slot, the place of its master in ``masters``; ``nowhere`` for a slot that no master serves.
    private var places = [UInt16](repeating: Self.nowhere, count: KeySlot.count)
    private static let nowhere = UInt16.max

    /// - Parameters:
    ///   - reply: Ranges of slots, each with its master first and its replicas behind; what is no range is left out.
    ///   - host: Of the node that was asked, which knows itself by no other name where it leaves that empty.
    /// - Returns: nil for what is no such reply, or names no master.
    package init?(_ reply: RedisValue, from host: String) {
        guard let ranges = reply.array else { return nil }
        for range in ranges {
            guard let parts = range.array, parts.count >= 3, let first = parts[0].int, let last = parts[1].int,
                (0..<KeySlot.count).contains(first), (first..<KeySlot.count).contains(last),
                let node = parts[2].array, let master = Self.address(node, from: host),
                let place = self.place(of: master)
            else { continue }
            for slot in first...last { self.places[slot] = place }
        }
        guard !self.masters.isEmpty else { return nil }
    }

    /// nil: no master serves it, as far as is known.
    package subscript(slot: KeySlot) -> RedisEndpoint.Address? {
        let place = self.places[Int(slot.number)]
        return place == Self.nowhere ? nil : self.masters[Int(place)]
    }

    /// The master that a command goes to; nil: none is known.
    func master(for route: RedisRoute) -> RedisEndpoint.Address? {
        switch route {
        case .slot(let slot): self[slot]
        case .anyNode: self.masters.randomElement()
        case .oneServer: preconditionFailure("a command over slots was sent to a cluster")
        }
    }

    /// A slot is at another master now.
    mutating func move(_ slot: KeySlot, to master: RedisEndpoint.Address) {
        guard let place = self.place(of: master) else { return }
        self.places[Int(slot.number)] = place
    }

    /// nil when there are as many masters as may be.
    private mutating func place(of master: RedisEndpoint.Address) -> UInt16? {
        if let place = self.masters.firstIndex(of: master) { return UInt16(place) }
        guard self.masters.count < RedisLimits.clusterMastersMax else { return nil }
        self.masters.append(master)
        return UInt16(self.masters.count - 1)
    }

    private static func address(_ node: [RedisValue], from host: String) -> RedisEndpoint.Address? {
        guard node.count >= 2, let port = node[1].int, (1...65535).contains(port) else { return nil }
        let name = node[0].text ?? ""
        guard name.utf8.count <= RedisLimits.hostBytesMax, name != "?" else { return nil }
        return .tcp(host: name.isEmpty ? host : name, port: port)
    }
}

/// Where a node of a cluster sends a command instead of carrying it out.
package struct Redirection: Sendable, Equatable {
    package let slot: KeySlot
    package let address: RedisEndpoint.Address
    /// Whether the slot is only on its way there (`ASK`), and the command has to say that it knows.
    package let isAsking: Bool

    /// - Parameters:
    ///   - message: `MOVED 3999 127.0.0.1:6381`, `ASK 3999 ::1:6381`; without a host it is that of the node.
    ///   - host: Of the node that answered.
    package init?(_ message: String, from host: String) {
        let words = message.split(separator: " ")
        guard words.count == 3, words[0] == "MOVED" || words[0] == "ASK", let number = UInt16(words[1]),
            let slot = KeySlot(number: number), let colon = words[2].lastIndex(of: ":"),
            let port = Int(words[2][words[2].index(after: colon)...]), (1...65535).contains(port)
        else { return nil }
        let name = words[2][..<colon]
        guard name.utf8.count <= RedisLimits.hostBytesMax, name != "?" else { return nil }
        self.slot = slot
        self.address = .tcp(host: name.isEmpty ? host : String(name), port: port)
        self.isAsking = words[0] == "ASK"
    }
}
