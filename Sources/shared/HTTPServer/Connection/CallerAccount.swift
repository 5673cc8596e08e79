import NIOCore

/// What one connection holds of the bounds of its caller, and who that is.
struct CallerAccount {
    private let core: ListenerCore
    private var isFromProxy = false
    /// A header of the PROXY protocol may begin the connection.
    private var awaitsProxyHeader = false
    /// The address whose connections include this one.
    private var countedAddress: PeerAddress?
    /// The address whose bytes include those of the request; nil for one that is not counted.
    private var caller: PeerAddress?
    private var bytes = 0

    init(_ core: ListenerCore) {
        self.core = core
    }

    /// - Returns: Whether the peer may have this connection.
    mutating func begin(_ peer: SocketAddress?) -> Bool {
        self.isFromProxy = peer.map(self.core.isProxy) ?? false
        self.awaitsProxyHeader = self.isFromProxy
        return self.isFromProxy || self.count(peer)
    }

    private mutating func count(_ peer: SocketAddress?) -> Bool {
        guard self.core.ledger.countsAddresses, let address = peer.flatMap({ PeerAddress($0) }) else { return true }
        self.caller = address
        guard self.core.ledger.beginConnection(of: address) else { return false }
        self.countedAddress = address
        return true
    }

    /// Takes the header of a proxy off the front of what has arrived.
    ///
    /// - Returns: Whether what follows is a request.
    mutating func readProxyHeader(_ input: inout ByteBuffer) throws(HTTPRequestFault) -> Bool {
        guard self.awaitsProxyHeader, input.readableBytes > 0 else { return true }
        switch ProxyHeader.take(&input) {
        case .incomplete: return false
        case .malformed: throw .proxyHeader
        case .absent, .present(nil): self.awaitsProxyHeader = false
        case .present(let peer):
            self.awaitsProxyHeader = false
            self.isFromProxy = false
            guard self.count(peer) else { throw .overloaded }
        }
        return true
    }

    /// The bytes from here on are those of a request, which a proxy may have for any of its callers.
    mutating func begin(_ head: HTTPRequestHead) {
        guard self.isFromProxy, self.core.ledger.countsAddresses else { return }
        self.caller = ForwardedFor.caller(head, isProxy: self.core.isProxy).flatMap { PeerAddress($0) }
    }

    /// - Returns: False when there is no space for so many bytes, and none is taken.
    mutating func take(_ count: Int) -> Bool {
        guard self.core.ledger.take(count, for: self.caller) else { return false }
        self.bytes += count
        return true
    }

    /// Gives back all bytes.
    mutating func giveBack() {
        guard self.bytes > 0 else { return }
        self.core.ledger.giveBack(self.bytes, of: self.caller)
        self.bytes = 0
    }

    mutating func end() {
        self.giveBack()
        if let address = self.countedAddress { self.core.ledger.endConnection(of: address) }
        self.countedAddress = nil
    }
}
